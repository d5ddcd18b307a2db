"""The job: ``python -m glue_etl.job --processed URI --compacted URI --curated URI --runs URI ...``.

It prints its result as one line of JSON, the last of its standard output, and ends with status 1
when it failed. On Glue it is the job's script; the package is in its ``--extra-py-files``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from glue_etl.adapters.by_scheme import (
    FilesByScheme,
    ReleasedFiles,
    aws_client,
    catalogue_for,
    iceberg_catalogue,
    partitions_of,
)
from glue_etl.adapters.two_catalogues import TwoCatalogues
from glue_etl.builds.lease import Lease
from glue_etl.builds.publication import Publisher, Retention
from glue_etl.builds.warehouse import Load
from glue_etl.command import run_command
from glue_etl.compaction.compactor import Compactor, Limits
from glue_etl.compaction.days import Roots
from glue_etl.compaction.parquet import ParquetRows
from glue_etl.errors import RunsLeftOutError
from glue_etl.ports import Files
from glue_etl.settings import CompactArguments, JobArguments, LakeArguments
from schemas.keys import CURATED_LEASE_KEY, CURATED_PREFIX, below


def publisher_for(arguments: LakeArguments, files: Files) -> Publisher:
    """Join the adapters that the arguments name."""
    retention = Retention(arguments.keep, timedelta(minutes=arguments.grace_minutes))
    catalogue = catalogue_for(arguments.database)
    if arguments.iceberg_database:
        iceberg = iceberg_catalogue(arguments.iceberg_database, arguments.curated)
        catalogue = TwoCatalogues(iceberg, catalogue)
        files = ReleasedFiles(release=iceberg.release)
    lease = Lease(files, arguments.curated + below(CURATED_PREFIX, CURATED_LEASE_KEY))
    return Publisher(files, catalogue, arguments.curated, arguments.runs, retention, lease)


def load_warehouse(arguments: LakeArguments, publisher: Publisher) -> None:
    """Load what is published into the warehouse, unless it is there; needs the lease.

    Raises
    ------
    WarehouseError
        When it was not loaded.
    """
    current = publisher.current()
    if not arguments.warehouse or not arguments.warehouse_role or current is None:
        return
    if current.loaded == current.build:
        return
    from glue_etl.adapters.redshift import RedshiftData

    schema, role = arguments.warehouse_schema, arguments.warehouse_role
    load = Load(arguments.curated, current.build, schema, role)
    database = arguments.warehouse_database
    redshift = RedshiftData(aws_client("redshift-data"), arguments.warehouse, database)
    redshift.run(load.definitions())
    redshift.run(load.statements())
    publisher.note_loaded(current.build)


def compactor_for(arguments: CompactArguments, publisher: Publisher) -> Compactor | None:
    """Join the adapters that the arguments name; ``None`` without a catalogue.

    There, readers look for files where process has put them.
    """
    if not arguments.database:
        return None
    grace = timedelta(minutes=arguments.grace_minutes)
    return Compactor(
        FilesByScheme(),
        Roots(arguments.processed, arguments.compacted),
        arguments.runs,
        partitions_of(arguments.database),
        publisher.lease,
        ParquetRows(),
        Limits(arguments.compact_after_days, arguments.compact_days, grace),
    )


def run(argv: Sequence[str]) -> dict[str, object]:
    """Do the job; return its result."""
    from glue_etl.adapters.spark_session import start
    from glue_etl.builds.etl import Etl

    arguments = JobArguments.parse(argv)
    files = FilesByScheme()
    publisher = publisher_for(arguments, files)
    outcome = Etl(arguments, files, publisher, partial(start, arguments)).run()
    if arguments.warehouse and outcome.status != "built":
        with publisher.lease.held("load the warehouse"):
            load_warehouse(arguments, publisher)
    compactor = compactor_for(arguments, publisher) if arguments.publish else None
    compaction = asdict(compactor.run()) if compactor else {}
    if outcome.left_out and outcome.status != "built":
        raise RunsLeftOutError(
            f"build {outcome.record.build} is published without {', '.join(outcome.left_out)}:"
            f" {'; '.join(outcome.left_out.values())}. Correct and replay a run, or let it in with"
            " --include and wider bounds",
            build=outcome.record.build,
            runs=outcome.left_out,
        )
    return outcome.as_json() | {"compaction": compaction}


if __name__ == "__main__":
    if problem := run_command(run, sys.argv[1:]):
        sys.exit(problem)
