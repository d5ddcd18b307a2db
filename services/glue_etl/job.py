"""The job: ``python -m glue_etl.job --processed URI --curated URI --runs URI ...``.

It prints its result as one line of JSON, the last of its standard output, and ends with status 1
when it failed. On Glue it is the job's script; the package is in its ``--extra-py-files``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from glue_etl.adapters.by_scheme import FilesByScheme, catalogue_for
from glue_etl.arguments import JobArguments, PublishArguments
from glue_etl.command import run_command
from glue_etl.ports import Files
from glue_etl.publication import Publisher, Retention


def publisher_for(arguments: PublishArguments, files: Files) -> Publisher:
    """Join the adapters that the arguments name."""
    retention = Retention(arguments.keep, timedelta(minutes=arguments.grace_minutes))
    catalogue = catalogue_for(arguments.database)
    return Publisher(files, catalogue, arguments.curated, arguments.runs, retention)


def run(argv: Sequence[str]) -> dict[str, object]:
    """Do the job; give its result."""
    from glue_etl.etl import Etl
    from glue_etl.session import start

    arguments = JobArguments.parse(argv)
    files = FilesByScheme()
    etl = Etl(arguments, files, publisher_for(arguments, files), partial(start, arguments))
    return etl.run().as_json()


if __name__ == "__main__":
    if problem := run_command(run, sys.argv[1:]):
        sys.exit(problem)
