"""The job: ``python -m glue_etl.job --processed URI --curated URI --runs URI ...``.

It prints its result as one line of JSON, the last of its standard output, and ends with status 1
when it failed. On Glue it is the job's script; the package is in its ``--extra-py-files``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from glue_etl.adapters.by_scheme import FilesByScheme, aws_client, catalogue_for
from glue_etl.builds.publication import Publisher, Retention
from glue_etl.builds.warehouse import Load
from glue_etl.command import run_command
from glue_etl.ports import Files
from glue_etl.settings import JobArguments, PublishArguments


def publisher_for(arguments: PublishArguments, files: Files) -> Publisher:
    """Join the adapters that the arguments name."""
    retention = Retention(arguments.keep, timedelta(minutes=arguments.grace_minutes))
    catalogue = catalogue_for(arguments.database)
    return Publisher(files, catalogue, arguments.curated, arguments.runs, retention)


def load_warehouse(arguments: PublishArguments, build: str) -> None:
    """Load a published build into the warehouse, if one is named; repeating it changes nothing.

    Raises
    ------
    WarehouseError
        When it was not loaded.
    """
    if not arguments.warehouse or not arguments.warehouse_role:
        return
    from glue_etl.adapters.redshift import RedshiftData

    load = Load(arguments.curated, build, arguments.warehouse_schema, arguments.warehouse_role)
    database = arguments.warehouse_database
    redshift = RedshiftData(aws_client("redshift-data"), arguments.warehouse, database)
    redshift.run(load.definitions())
    redshift.run(load.statements())


def run(argv: Sequence[str]) -> dict[str, object]:
    """Do the job; give its result."""
    from glue_etl.adapters.spark_session import start
    from glue_etl.builds.etl import Etl

    arguments = JobArguments.parse(argv)
    files = FilesByScheme()
    etl = Etl(arguments, files, publisher_for(arguments, files), partial(start, arguments))
    outcome = etl.run()
    if outcome.status != "built":
        load_warehouse(arguments, outcome.record.build)
    return outcome.as_json()


if __name__ == "__main__":
    if problem := run_command(run, sys.argv[1:]):
        sys.exit(problem)
