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
    """The bytes of a connection.

    Attributes
    ----------
    arrived
        Monotonic second at which the bytes read last reached the socket; None where nobody notes
        it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.arrived: float | None = None

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower
        """Read into a buffer."""
        space = socket.CMSG_SPACE(_TIMESPEC.size)
        count, notes, _, _ = self._connection.recvmsg_into([buffer], space)
        for level, kind, note in notes:
            if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMP):
                seconds, nanoseconds = _TIMESPEC.unpack(note)
                since_boot = time.time() - time.monotonic()
                self.arrived = seconds + nanoseconds / 1e9 - since_boot
        return count
