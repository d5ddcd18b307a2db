"""Publishes a build that is written: ``python -m glue_etl.publish --build B --curated URI ...``.

For a build that was made elsewhere, with ``--publish false``, and copied here. It also pins builds
and excludes runs. It needs no Spark.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from glue_etl.adapters.by_scheme import FilesByScheme
from glue_etl.builds.control import apply_controls
from glue_etl.builds.exclusions import Exclusions
from glue_etl.command import run_command
from glue_etl.errors import InvalidArgumentsError
from glue_etl.job import load_warehouse, publisher_for
from glue_etl.settings import PublishArguments


def run(argv: Sequence[str]) -> dict[str, object]:
    """Do what is asked for builds and runs, publish a build if one is named; return the result."""
    arguments = PublishArguments.parse(argv)
    if arguments.build is None and not arguments.has_controls:
        raise InvalidArgumentsError("--build: which build?")
    files = FilesByScheme()
    publisher = publisher_for(arguments, files)
    with publisher.lease.held(f"publish {arguments.build or arguments.pin or 'nothing'}"):
        apply_controls(arguments, publisher, Exclusions(files, arguments.curated))
        if arguments.build:
            publisher.publish(arguments.build)
        load_warehouse(arguments, publisher)
    current = publisher.current()
    return {"status": "published", **(current.model_dump(mode="json") if current else {})}


if __name__ == "__main__":
    if problem := run_command(run, sys.argv[1:]):
        sys.exit(problem)
