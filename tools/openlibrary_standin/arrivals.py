"""When a request reached the socket: as the kernel notes it, which no busy thread can delay."""

import io
import socket
import struct
import sys
import time
from typing import Final

# Linux's asm-generic/socket.h; Python's socket module does not name it. It names the option and the
# note that comes with received bytes.
_TIMESTAMP: Final = 35
_TIMESPEC: Final = struct.Struct("@ll")


def note_arrivals(listener: socket.socket) -> None:
    """Have the kernel note when bytes reach the connections of a listener; only Linux does."""
    if sys.platform == "linux":
        listener.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)


class NotedReader(io.RawIOBase):
    """The bytes of a connection, with the kernel's note of when the last ones reached it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._arrived: float | None = None

    @property
    def seconds_ago(self) -> float:
        """Seconds since the bytes read last reached the socket; 0 where nobody notes it."""
        return 0.0 if self._arrived is None else max(0.0, time.time() - self._arrived)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower
        """Read into a buffer."""
        space = socket.CMSG_SPACE(_TIMESPEC.size)
        count, notes, _, _ = self._connection.recvmsg_into([buffer], space)
        for level, kind, note in notes:
            if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMP):
                seconds, nanoseconds = _TIMESPEC.unpack(note)
                self._arrived = seconds + nanoseconds / 1e9
        return count
