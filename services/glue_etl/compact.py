"""Compacts the processed tables: ``python -m glue_etl.compact --processed URI --database D ...``.

For what the job does after each publication, where that job runs elsewhere. It needs no Spark.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict

from glue_etl.adapters.by_scheme import FilesByScheme
from glue_etl.command import run_command
from glue_etl.errors import InvalidArgumentsError
from glue_etl.job import compactor_for, publisher_for
from glue_etl.settings import CompactArguments


def run(argv: Sequence[str]) -> dict[str, object]:
    """Compact what is due; return the result."""
    arguments = CompactArguments.parse(argv)
    compactor = compactor_for(arguments, publisher_for(arguments, FilesByScheme()))
    if compactor is None:
        raise InvalidArgumentsError("--database: which database do readers use?")
    return {"status": "compacted", **asdict(compactor.work())}


if __name__ == "__main__":
    if problem := run_command(run, sys.argv[1:]):
        sys.exit(problem)
