"""Reading a page's body: whole, of the right shape, and no more of it than a crawl needs."""

from __future__ import annotations

import gzip
import json
from array import array
from typing import Annotated, Any, Final, TypedDict

from isal import isal_zlib
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from ingest.errors import BodyRefusedError, validation_summary
from ingest.ports import Page, SourceResponse

#: A page of 1000 works has about 1.3 MB, 0.2 MB of it on the wire.
MAX_WIRE_BYTES: Final = 16 * 2**20
MAX_PLAIN_BYTES: Final = 64 * 2**20
#: Proxies may join some; each costs a copy of the rest.
MAX_MEMBERS: Final = 16
#: Python refuses longer integers by default, and would refuse the page with them.
_LONGEST_INTEGER: Final = 4000
_GZIP: Final = 31
_GZIP_MAGIC: Final = b"\x1f\x8b"
# Built when first used: most heartbeats find nothing to do.
_STRICT: Final = ConfigDict(strict=True, extra="ignore", defer_build=True)


@with_config(_STRICT)
class _Work(TypedDict):
    key: str


@with_config(_STRICT)
class _Page(TypedDict):
    work_count: int | None
    # A record without a key is still a record of the page: whether it is a work is for process to
    # say, and its raw bytes are kept as they came.
    works: list[Annotated[_Work | Any, Field(union_mode="left_to_right")]]


_PAGE: Final = TypeAdapter(_Page)


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
        When it is cut, damaged, too large, in more than :data:`MAX_MEMBERS` parts, or followed by
        anything else.
    """
    parts: list[bytes] = []
    room = MAX_PLAIN_BYTES
    for _ in range(MAX_MEMBERS):
        plain, wire = _unzip_member(wire, room)
        parts.append(plain)
        room -= len(plain)
        if not wire:
            return b"".join(parts)
        if not wire.startswith(_GZIP_MAGIC):
            raise BodyRefusedError("bytes follow the gzip stream", code="gzip_damaged")
    raise BodyRefusedError(
        f"the gzip stream has more than {MAX_MEMBERS} members", code="gzip_damaged"
    )


def _unzip_member(wire: bytes, room: int) -> tuple[bytes, bytes]:
    # One byte more than there is room for shows a body that is too large; 0 would mean no bound.
    inflater = isal_zlib.decompressobj(_GZIP)
    try:
        plain = inflater.decompress(wire, room + 1)
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub takes the class for an object
        raise BodyRefusedError(
            f"the gzip stream is damaged: {error}", code="gzip_damaged"
        ) from error
    if len(plain) > room:
        raise BodyRefusedError(
            f"the body unpacks to more than {MAX_PLAIN_BYTES} bytes", code="body_too_large"
        )
    if not inflater.eof:
        raise BodyRefusedError("the gzip stream ends before its end", code="gzip_truncated")
    return plain, inflater.unused_data


def _summary(wire: bytes, plain: bytes, *, compressed_here: bool) -> Page:
    page = _parse(plain)
    count = page["work_count"]
    if count is None or count < 0:
        raise BodyRefusedError(
            f"work_count is {'null' if count is None else count}: the source's search failed",
            code="work_count_null",
        )
    try:
        keys = array("q", map(_fingerprint, page["works"]))
    except RecursionError as error:
        raise BodyRefusedError("a record is nested too deeply", code="json_invalid") from error
    return Page(wire, compressed_here, count, len(keys), keys)


def _parse(plain: bytes) -> _Page:
    try:
        return _PAGE.validate_json(plain)
    except ValidationError as error:
        if error.errors(include_input=False)[0]["type"] != "json_invalid":
            raise BodyRefusedError(validation_summary(error)[:500], code="shape_unknown") from error
        return _parse_carefully(plain, validation_summary(error)[:500])


def _parse_carefully(plain: bytes, finding: str) -> _Page:
    # The fast parser gives up on a whole page for one lone surrogate, one byte that is not UTF-8,
    # one deeply nested record or one endless number. The page is stored as it came, and process
    # rejects that record by itself.
    text = plain.decode("utf-8", "surrogateescape")
    try:
        document = json.loads(text, parse_int=_bounded_integer)
        return _PAGE.validate_python(document)
    except ValidationError as error:
        raise BodyRefusedError(validation_summary(error)[:500], code="shape_unknown") from error
    except (ValueError, RecursionError) as error:
        raise BodyRefusedError(finding, code="json_invalid") from error


def _bounded_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _fingerprint(record: Any) -> int:
    key = record.get("key") if isinstance(record, dict) else None
    return hash(key if isinstance(key, str) else repr(record))
