"""The processes of this machine."""

from collections.abc import Iterator

import psutil


def running_processes() -> Iterator[psutil.Process]:
    """Return the processes that run now.

    psutil keeps the objects of earlier calls. One whose id now belongs to another process would be
    returned for it, and refuse to signal it.
    """
    psutil.process_iter.cache_clear()
    yield from psutil.process_iter()
