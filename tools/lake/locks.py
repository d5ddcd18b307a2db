"""Locks of files: one process at a time, released by the system when the process ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.errors import LakeError

_POLL_SECONDS = 0.1


@contextmanager
def exclusive(path: Path, taken: LakeError, *, wait_seconds: float = 0.0) -> Iterator[int]:
    """Hold the lock of a file, which is created; yields its descriptor.

    A child process that inherits the descriptor holds the lock as long as it lives.

    Parameters
    ----------
    taken
        Raised if another process holds it, and still does after the wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait_seconds
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                raise taken
            time.sleep(_POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
