"""Bounded decompression: no input of allowed size takes more memory or time than it may."""

from __future__ import annotations

from typing import Final, Literal

from isal import isal_zlib

MAGIC: Final = b"\x1f\x8b"
#: Members of a stream; a page has one, and a file that was appended to a few.
MAX_MEMBERS: Final = 64
_WINDOW: Final = 16 + isal_zlib.MAX_WBITS
# What follows a member is copied once per member, so a member gets the input in slices.
_SLICE: Final = 256 * 1024

GunzipFault = Literal["not_gzip", "damaged", "truncated", "too_large"]


class GunzipError(ValueError):
    """Bytes that are not a whole gzip stream of allowed size.

    Attributes
    ----------
    fault
        What is wrong with them.
    """

    def __init__(self, fault: GunzipFault, message: str) -> None:
        super().__init__(message)
        self.fault: GunzipFault = fault


def gunzip(data: bytes, limit: int) -> bytes:
    """Decompress the members of a gzip stream.

    Zero bytes after the last member are padding, as RFC 1952's tools treat them.

    Parameters
    ----------
    data
        The stream.
    limit
        Bytes that it may decompress to.

    Raises
    ------
    GunzipError
        When it is not gzip, ends early, is damaged, or is larger than allowed.
    """
    if not data.startswith(MAGIC):
        raise GunzipError("not_gzip", f"the {len(data)} bytes do not begin as gzip does")
    parts: list[bytes] = []
    place, room = 0, limit
    for _ in range(MAX_MEMBERS):
        if not data.startswith(MAGIC, place):
            raise GunzipError("damaged", "other bytes follow the gzip stream")
        place, room = _read_member(data, place, room, parts)
        if not data[place : place + _SLICE].strip(b"\0") and not data[place:].strip(b"\0"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
    raise GunzipError("damaged", f"the gzip stream has more than {MAX_MEMBERS} members")


def _read_member(data: bytes, place: int, room: int, parts: list[bytes]) -> tuple[int, int]:
    stream = isal_zlib.decompressobj(_WINDOW)
    while not stream.eof:
        piece = data[place : place + _SLICE]
        if not piece:
            raise GunzipError("truncated", "the gzip stream ends before its end mark: truncated")
        place += len(piece)
        room = _feed(stream, piece, room, parts)
    return place - len(stream.unused_data), room


def _feed(stream: isal_zlib.Decompress, piece: bytes, room: int, parts: list[bytes]) -> int:
    while piece and not stream.eof:
        try:
            part = stream.decompress(piece, room + 1)
        except isal_zlib.error as error:  # type: ignore[misc]  # its stub takes it for an object
            raise GunzipError("damaged", f"the gzip stream is damaged: {error}") from error
        parts.append(part)
        room -= len(part)
        if room < 0:
            raise GunzipError("too_large", "the stream decompresses to more bytes than allowed")
        piece = stream.unconsumed_tail
    return room
