"""Publishes a build that is written: ``python -m glue_etl.publish --build B --curated URI ...``.

For a build that was made elsewhere, with ``--publish false``, and copied here. It needs no Spark.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from glue_etl.adapters.by_scheme import FilesByScheme
from glue_etl.command import run_command
from glue_etl.errors import InvalidArgumentsError
from glue_etl.job import load_warehouse, publisher_for
from glue_etl.settings import PublishArguments


def run(argv: Sequence[str]) -> dict[str, object]:
    """Publish; give the result."""
    arguments = PublishArguments.parse(argv)
    if arguments.build is None:
        raise InvalidArgumentsError("--build: which build?")
    current = publisher_for(arguments, FilesByScheme()).publish(arguments.build)
    load_warehouse(arguments, arguments.build)
    return {"status": "published", **current.model_dump(mode="json")}


if __name__ == "__main__":
    if problem := run_command(run, sys.argv[1:]):
        sys.exit(problem)
