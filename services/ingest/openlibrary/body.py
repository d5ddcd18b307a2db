"""Reading a page's body: whole, of the right shape, and no more of it than a crawl needs."""

from __future__ import annotations

import gzip
import json
import threading
from array import array
from typing import Any, Final, TypedDict

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder as JsonDecoder
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from cleaning.gunzip import GunzipError, gunzip
from ingest.errors import BodyRefusedError, validation_summary
from ingest.ports import Page, SourceResponse
from schemas.limits import MAX_INTEGER_DIGITS

#: A page of 1000 works has about 1.3 MB, 0.2 MB of it on the wire. One that is larger than this is
#: asked for in halves: all that are under way at once must fit into the function's memory.
MAX_PLAIN_BYTES: Final = 8 * 2**20
MAX_WIRE_BYTES: Final = MAX_PLAIN_BYTES
#: Such a page has some 60,000 values; as objects, each takes up to a hundred bytes.
_MOST_VALUES: Final = 500_000
#: The largest count that is believed: ledgers and tables store it in 64 bits.
_LARGEST_COUNT: Final = 2**63 - 1
_GZIP_CODES: Final = {
    "not_gzip": "gzip_damaged",
    "damaged": "gzip_damaged",
    "truncated": "gzip_truncated",
    "too_large": "body_too_large",
}
# Built when first used: most heartbeats find nothing to do, and few pages are odd.
_STRICT: Final = ConfigDict(strict=True, extra="ignore", defer_build=True)


class _Work(Struct, gc=False):
    key: str


class _Page(Struct):
    """A page of works that all have their keys; what else it holds is skipped."""

    work_count: int
    works: list[_Work]


@with_config(_STRICT)
class _OddPage(TypedDict):
    work_count: int | None
    # A record without a key is still a record of the page: whether it is a work is for process to
    # say, and its raw bytes are kept as they came.
    works: list[Any]


#: Odd pages are made into objects one at a time, for the sake of memory.
_careful: Final = threading.Lock()
_PAGE: Final = JsonDecoder(_Page)
_ODD_PAGE: Final = TypeAdapter(_OddPage)


def read_page(response: SourceResponse) -> Page:
    """Verify the body of an answer with status 200.

    Raises
    ------
    BodyRefusedError
        When it holds no page; its code says why. ``work_count`` null with status 200 is how
        OpenLibrary answers when its search failed or timed out.
    """
    if response.cut_at_limit:
        raise BodyRefusedError("the body is larger than any page", code="body_too_large")
    encoding = response.content_encoding.strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise BodyRefusedError(f"unasked content encoding {encoding!r}", code="encoding_unknown")
    zipped = encoding.endswith("gzip")
    plain = unzip(response.body) if zipped else response.body
    if "html" in response.content_type.lower() or plain[:64].lstrip()[:1] == b"<":
        raise BodyRefusedError("HTML instead of JSON, with status 200", code="html_body")
    wire = response.body if zipped else gzip.compress(plain, 6, mtime=0)
    return _summary(wire, plain, compressed_here=not zipped)


def read_stored(wire: bytes) -> Page:
    """Read a stored page again.

    Raises
    ------
    BodyRefusedError
        When it does not hold a page.
    """
    return _summary(wire, unzip(wire), compressed_here=False)


def unzip(wire: bytes) -> bytes:
    """Decompress a gzip stream, to its checksums and within :data:`MAX_PLAIN_BYTES`.

    Raises
    ------
    BodyRefusedError
        When it is cut, damaged, too large, in too many parts, or followed by anything else.
    """
    try:
        return gunzip(wire, MAX_PLAIN_BYTES)
    except GunzipError as error:
        raise BodyRefusedError(
            str(error), code=_GZIP_CODES[error.fault] if wire else "gzip_truncated"
        ) from error


def _summary(wire: bytes, plain: bytes, *, compressed_here: bool) -> Page:
    try:
        count, keys = _read(plain)
    except RecursionError as error:
        raise BodyRefusedError("a record is nested too deeply", code="json_invalid") from error
    if count is None or count < 0:
        raise BodyRefusedError(
            f"work_count is {'null' if count is None else count}: the source's search failed",
            code="work_count_null",
        )
    if count > _LARGEST_COUNT:
        raise BodyRefusedError("work_count has more than 63 bits", code="shape_unknown")
    return Page(wire, compressed_here, count, len(keys), keys)


def _read(plain: bytes) -> tuple[int | None, array[int]]:
    try:
        page = _PAGE.decode(plain)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return _read_carefully(plain)
    return page.work_count, array("q", [hash(work.key) for work in page.works])


def _read_carefully(plain: bytes) -> tuple[int | None, array[int]]:
    # A record without a key, one lone surrogate, one byte that is not UTF-8, one deeply nested
    # record or one endless number: the page is stored as it came, and process rejects that record
    # by itself.
    if sum(map(plain.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise BodyRefusedError("the body has more values than any page", code="body_too_large")
    with _careful:
        odd = _read_as_objects(plain)
        return odd["work_count"], array("q", map(_fingerprint, odd["works"]))


def _read_as_objects(plain: bytes) -> _OddPage:
    text = plain.decode("utf-8", "surrogateescape")
    try:
        return _ODD_PAGE.validate_python(json.loads(text, parse_int=_bounded_integer))
    except ValidationError as error:
        raise BodyRefusedError(validation_summary(error)[:500], code="shape_unknown") from error
    except ValueError as error:
        raise BodyRefusedError(f"the JSON is damaged: {error}", code="json_invalid") from error


def _bounded_integer(digits: str) -> int | float:
    # Python would refuse the whole page.
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else float(digits)


def _fingerprint(record: Any) -> int:
    key = record.get("key") if isinstance(record, dict) else None
    return hash(key if isinstance(key, str) else repr(record))
