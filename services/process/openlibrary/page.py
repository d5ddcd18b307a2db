"""From stored bytes to records: bounded decompression and one validating pass."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from process.errors import (
    DamagedGzipError,
    HtmlPageError,
    NotGzipError,
    NotJsonError,
    NotSubjectsPageError,
    NoWorkCountError,
    PageTooLargeError,
)
from schemas.source.page import PAGE, Rejected, SourcePage, SourceWork

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
# Python refuses longer integers by default, and would refuse the page with them.
_LONGEST_INTEGER: Final = 4000


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a subject: its records in order, and what it says about the subject."""

    records: list[SourceWork | Rejected]
    about: dict[str, Any]


def gunzip(data: bytes, limit: int) -> bytes:
    """Decompress all members of a gzip stream, never to more than ``limit`` bytes.

    Raises
    ------
    NotGzipError, DamagedGzipError, PageTooLargeError
    """
    if not data.startswith(_GZIP_MAGIC):
        raise NotGzipError(f"the object's {len(data)} bytes do not begin as gzip does")
    parts: list[bytes] = []
    room = limit
    while data:
        stream = zlib.decompressobj(_GZIP_WINDOW)
        try:
            parts.append(stream.decompress(data, room + 1))
        except zlib.error as error:
            raise DamagedGzipError(f"the gzip stream is damaged: {error}") from error
        room -= len(parts[-1])
        if room < 0:
            raise PageTooLargeError(f"the page decompresses to more than {limit} bytes")
        if not stream.eof:
            raise DamagedGzipError("the gzip stream ends before its end mark: it was truncated")
        data = stream.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def parse(body: bytes) -> Page:
    """Validate a page, each record by itself.

    Raises
    ------
    NotJsonError, HtmlPageError, NotSubjectsPageError, NoWorkCountError
    """
    try:
        page = PAGE.validate_json(body)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] != "json_invalid":
            raise NotSubjectsPageError(_summary(error)) from None
        page = _parse_carefully(body)
    if page["work_count"] is None:
        raise NoWorkCountError("work_count is null: the source's search failed or timed out")
    about = {name: value for name, value in page.items() if name != "works"}
    return Page(page["works"], about)


def is_writable(value: object) -> bool:
    """Return whether a parsed value is Unicode throughout and can be written as JSON."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _parse_carefully(body: bytes) -> SourcePage:
    # The fast parser gives up on a whole page for one lone surrogate, one byte that is not UTF-8 or
    # one deeply nested record. This way costs more, and leaves such a record to be rejected by
    # itself.
    text = body.decode("utf-8", "surrogateescape")
    try:
        document = json.loads(text, parse_int=_bounded_integer)
    except (ValueError, RecursionError) as error:
        start = text.lstrip("\ufeff \t\r\n")
        if start.startswith("<"):
            raise HtmlPageError("the page is HTML, not JSON: a proxy's error page") from None
        raise NotJsonError(f"the page is not JSON: {error}") from None
    try:
        page = PAGE.validate_python(document)
    except ValidationError as error:
        raise NotSubjectsPageError(_summary(error)) from None
    page["works"] = [
        record if isinstance(record, Rejected) or is_writable(record) else Rejected(record)
        for record in page["works"]
    ]
    return page


def _bounded_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _summary(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)
    where = ".".join(map(str, found[0]["loc"])) or "the page"
    return f"not a page of a subject: {where}: {found[0]['msg']}"
