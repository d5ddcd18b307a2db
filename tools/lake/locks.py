"""Locks of files: one process at a time, released by the system when the process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.errors import LakeError


@contextmanager
def exclusive(path: Path, taken: LakeError) -> Iterator[int]:
    """Hold the lock of a file, which is created; yields its descriptor.

    A child process that inherits the descriptor holds the lock as long as it lives.

    Parameters
    ----------
    taken
        Raised if another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise taken from None
        yield descriptor
    finally:
        os.close(descriptor)
