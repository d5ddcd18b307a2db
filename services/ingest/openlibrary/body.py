"""Reading a page's body: whole, of the right shape, and no more of it than a crawl needs."""

from __future__ import annotations

import gzip
from array import array
from typing import Annotated, Any, Final, TypedDict

from isal import isal_zlib
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from ingest.errors import BodyRefusedError, validation_summary
from ingest.ports import Page, SourceResponse

#: A page of 1000 works has about 1.3 MB, 0.2 MB of it on the wire.
MAX_WIRE_BYTES: Final = 16 * 2**20
MAX_PLAIN_BYTES: Final = 64 * 2**20
_GZIP: Final = 31
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
        When it is no page; its code says why. ``work_count`` null with status 200 is how
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
        When it is no page.
    """
    return _summary(wire, unzip(wire), compressed_here=False)


def unzip(wire: bytes) -> bytes:
    """Decompress one gzip member, to its checksum and within :data:`MAX_PLAIN_BYTES`.

    Raises
    ------
    BodyRefusedError
        When it is cut, damaged, too large, or followed by anything.
    """
    inflater = isal_zlib.decompressobj(_GZIP)
    try:
        plain = inflater.decompress(wire, MAX_PLAIN_BYTES)
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub takes the class for an object
        raise BodyRefusedError(
            f"the gzip stream is damaged: {error}", code="gzip_damaged"
        ) from error
    if inflater.unconsumed_tail:
        raise BodyRefusedError(
            f"the body unpacks to more than {MAX_PLAIN_BYTES} bytes", code="body_too_large"
        )
    if not inflater.eof:
        raise BodyRefusedError("the gzip stream ends before its end", code="gzip_truncated")
    if inflater.unused_data:
        raise BodyRefusedError("bytes follow the gzip stream", code="gzip_damaged")
    return plain


def _summary(wire: bytes, plain: bytes, *, compressed_here: bool) -> Page:
    try:
        page = _PAGE.validate_json(plain)
    except ValidationError as error:
        code = "json_invalid" if error.errors()[0]["type"] == "json_invalid" else "shape_unknown"
        raise BodyRefusedError(validation_summary(error)[:500], code=code) from error
    count = page["work_count"]
    if count is None or count < 0:
        raise BodyRefusedError(
            f"work_count is {'null' if count is None else count}: the source's search failed",
            code="work_count_null",
        )
    keys = array("q", map(_fingerprint, page["works"]))
    return Page(wire, compressed_here, count, len(keys), keys)


def _fingerprint(record: Any) -> int:
    key = record.get("key") if isinstance(record, dict) else None
    return hash(key if isinstance(key, str) else repr(record))
