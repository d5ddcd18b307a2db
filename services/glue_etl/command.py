"""The edge of every command: one line of JSON on standard output, and the exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

from glue_etl.errors import EtlError, TransientError


def run_command(command: Callable[[Sequence[str]], dict[str, object]], argv: Sequence[str]) -> int:
    """Run a command; print its result, or what went wrong; return the exit status."""
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
        sys.stderr.write(f"error: {error}\n")
    sys.stdout.write(f"{json.dumps(result, ensure_ascii=False)}\n")
    sys.stdout.flush()
    return 1 if result["status"] == "failed" else 0
