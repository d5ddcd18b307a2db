"""The bulk route: ``python -m glue_etl.bulk --dump URI --run-id R ...``.

A dump becomes a run of processed rows, which the job takes like any other run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from glue_etl.adapters.by_scheme import FilesByScheme
from glue_etl.command import run_command
from glue_etl.errors import DumpMissingError
from glue_etl.settings import BulkArguments


def run(argv: Sequence[str]) -> dict[str, object]:
    """Load the dump, unless its run is there; return the result."""
    from glue_etl.adapters.spark_session import start
    from glue_etl.dump.load import already_loaded, load_dump, source_of

    arguments = BulkArguments.parse(argv)
    files = FilesByScheme()
    source = source_of(arguments, files)
    loaded = already_loaded(arguments, files, source)
    if loaded is None:
        if source is None:
            raise DumpMissingError(
                f"there is no dump {arguments.dump}: ./lake backfill URL fetches it and puts it"
                " there",
                dump=arguments.dump,
            )
        loaded = load_dump(arguments, files, start(arguments, source.size), source)
    return loaded.as_json()


if __name__ == "__main__":
    if problem := run_command(run, sys.argv[1:]):
        sys.exit(problem)
