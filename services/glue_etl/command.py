"""The edge of every command: one line of JSON on standard output, and how the process ends."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Sequence

from glue_etl.errors import EtlError, TransientError


def run_command(
    command: Callable[[Sequence[str]], dict[str, object]], argv: Sequence[str]
) -> str | None:
    """Run a command; print its result as JSON, or what went wrong.

    Returns
    -------
    str or None
        What went wrong, for ``sys.exit``: that prints it, ends with status 1, and Glue shows it as
        the job's error. Glue takes any exit for a failure, so success just ends.
    """
    problem = None
    try:
        result = command(argv)
    except EtlError as error:
        result = {
            "status": "failed",
            "code": error.code,
            "message": str(error),
            "transient": isinstance(error, TransientError),
            **error.fields,
        }
        problem = f"{error.code}: {error}"
    except Exception as error:
        traceback.print_exc()
        first = str(error).strip().partition("\n")[0]
        message = f"{type(error).__name__}: {first} (a defect, or Spark failed: see the log)"
        result = {"status": "failed", "code": "unexpected", "message": message, "transient": False}
        problem = message
    sys.stdout.write(f"{json.dumps(result, ensure_ascii=False)}\n")
    sys.stdout.flush()
    return problem
