"""The bundled stand-in of OpenLibrary, run as a process for as long as it is needed."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

from lake.errors import SourceUnreachableError

STOP_TIMEOUT_SECONDS = 5.0


@contextlib.contextmanager
def standin(options: Sequence[str]) -> Iterator[str]:
    """Run the stand-in and yield its URL; it ends with the context.

    Parameters
    ----------
    options
        Options of `python -m openlibrary_standin`, for example `["--works", "6000"]`.

    Raises
    ------
    SourceUnreachableError
        It did not start.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "openlibrary_standin", "--port", "0", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is handled here, once
    )
    try:
        yield _url(process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _url(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None  # noqa: S101 (made with PIPE)
    line = process.stdout.readline()
    if not line:
        _, errors = process.communicate(timeout=STOP_TIMEOUT_SECONDS)
        last = errors.strip().splitlines()[-1:] or ["no output"]
        raise SourceUnreachableError(f"The OpenLibrary stand-in did not start: {last[0]}")
    return str(json.loads(line)["url"])
