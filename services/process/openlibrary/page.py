"""From stored bytes to records: bounded before objects exist, and each record judged by itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from cleaning.gunzip import GunzipError
from cleaning.gunzip import gunzip as bounded_gunzip
from cleaning.reasons import (
    INVALID_TEXT,
    NOT_JSON,
    NOT_UNICODE,
    TOO_DEEP,
    Reason,
    reason_of,
)
from process.errors import (
    DamagedGzipError,
    HtmlPageError,
    NotGzipError,
    NotJsonError,
    NotSubjectsPageError,
    NoWorkCountError,
    PageError,
    PageTooLargeError,
    TooManyRecordsError,
    TooManyValuesError,
)
from process.openlibrary import typed
from process.openlibrary.split import (
    SplitError,
    depth_of,
    has_more_tokens,
    split_array,
    split_members,
    split_object,
)
from process.records import Rejected
from schemas.limits import MAX_INTEGER_DIGITS, MAX_PAGE_RECORDS
from schemas.source.page import AUTHOR_FIELDS, PAGE, WORK, WORK_FIELDS, SourceWork

#: Values (commas and opening brackets) a record and its share of the page's facets may have; the
#: captured page of 1000 works has 60 a record.
VALUES_PER_RECORD: Final = 500
#: Values of a page besides its records: facets and names.
VALUES_BESIDE: Final = 200_000
# Its name, a colon, itself and a comma.
_TOKENS_PER_VALUE: Final = 4
#: How deep a record's lists and objects may be nested; those of the API go three levels deep.
MAX_DEPTH: Final = 100
_RAW_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_REFUSED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_GZIP_ERRORS: Final[dict[str, type[PageError]]] = {
    "not_gzip": NotGzipError,
    "damaged": DamagedGzipError,
    "truncated": DamagedGzipError,
    "too_large": PageTooLargeError,
}


@dataclass(frozen=True, slots=True)
class UnheldNumber:
    """A number of JSON that Python cannot hold; no field takes it, and it is written as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Extra:
    """The fields of a record and its authors that the contract does not know.

    Attributes
    ----------
    count
        How many.
    text
        All of them as JSON.
    """

    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a subject: its records in order, and what it says about the subject.

    Attributes
    ----------
    records
        One for each record of the page: a :data:`typed.Work` or a :class:`Rejected`.
    extras
        The unknown fields of the records that have any, by position.
    about
        The page's other fields that are read, each as it came; see :func:`load_field`.
    """

    records: list[Any]
    extras: dict[int, Extra]
    about: dict[str, bytes]

    @property
    def unknown_fields(self) -> int:
        """The fields of records and authors that the contract does not know."""
        return sum(extra.count for extra in self.extras.values())


def gunzip(data: bytes, limit: int) -> bytes:
    """Decompress a stored page, never to more than ``limit`` bytes.

    Raises
    ------
    NotGzipError, DamagedGzipError, PageTooLargeError
    """
    try:
        return bounded_gunzip(data, limit)
    except GunzipError as error:
        raise _GZIP_ERRORS[error.fault](str(error)) from error


def parse(body: bytes, max_records: int = MAX_PAGE_RECORDS) -> Page:
    """Read a page; a record that does not fit the contract touches no other.

    Parameters
    ----------
    body
        The decompressed page.
    max_records
        Records that the page may have: what was asked for.

    Raises
    ------
    NotJsonError, HtmlPageError, NotSubjectsPageError, NoWorkCountError
    TooManyRecordsError, TooManyValuesError
    """
    _check_values(body, max_records)
    _check_works(body, max_records)
    try:
        page = typed.PAGE.decode(body)
        return Page(page.works, {}, _about(page, max_records))
    except _REFUSED:
        # A record is odd, or has fields that the contract does not know.
        pass
    try:
        page = typed.SPLIT_PAGE.decode(body)
        return _judged_page(page.works, _about(page, max_records))
    except _REFUSED:
        return _parse_with_care(body, max_records)


def is_writable(value: object) -> bool:
    """Return whether a parsed value is Unicode throughout and can be written as JSON."""
    try:
        dump_json(value).encode()
    except (UnicodeEncodeError, RecursionError, ValueError):
        return False
    return True


def dump_json(value: object, *, ascii_only: bool = False) -> str:
    """Write JSON that a strict reader takes, with sorted names.

    Raises
    ------
    ValueError
        When a number is not finite.
    RecursionError
        When it is nested too deeply.
    """
    return json.dumps(
        value, ensure_ascii=ascii_only, allow_nan=False, sort_keys=True, default=_number_text
    )


def load_json(text: bytes) -> Any:
    """Parse JSON strictly; a number that Python cannot hold is an :class:`UnheldNumber`.

    Raises
    ------
    ValueError
        When it is not JSON, or not UTF-8.
    """
    return json.loads(
        text.decode(),
        parse_int=_integer,
        parse_float=_finite,
        parse_constant=_refuse,
    )


def load_field(text: bytes) -> Any:
    """Parse a field of a page; one that is nested too deeply or is not JSON is rejected."""
    if _is_deep(text):
        return Rejected(text, _NESTED_TOO_DEEPLY)
    try:
        return load_json(text)
    except ValueError as error:
        return Rejected(text, Reason(NOT_JSON, f"the field is not JSON: {error}"))


def split_list(text: bytes) -> list[bytes]:
    """Split a list into its values, each as it came.

    Raises
    ------
    SplitError
        When it is not a list.
    """
    try:
        return list(map(bytes, _RAW_ARRAY.decode(text)))
    except _REFUSED:
        return split_array(text)


def _check_values(body: bytes, max_records: int) -> None:
    # Every value but the first of its list follows a comma, and every list or object opens one.
    most = _most_values(max_records)
    if len(body) <= 2 * most:
        # A value and its comma, or a pair of brackets, take two bytes at least.
        return
    values = len(body) - len(body.translate(None, b",[{"))
    if values > most:
        raise TooManyValuesError(f"the page has about {values} values, more than {most}")


def _check_tokens(body: bytes, max_records: int) -> None:
    # No JSON within the bound of its values has more. What is not JSON may have a token a byte, and
    # splitting takes a microsecond for each.
    most = _TOKENS_PER_VALUE * _most_values(max_records)
    if has_more_tokens(body, most):
        raise TooManyValuesError(f"the page has more than {most} names, values and marks")


def _check_works(body: bytes, max_records: int) -> None:
    # Parsers take the last of two equal names, and the records of the first would be lost.
    if body.count(b'"works"') < 2:
        return
    _check_tokens(body, max_records)
    with suppress(SplitError):
        if sum(name == b"works" for name, _ in split_members(body)) > 1:
            raise NotSubjectsPageError("not a page of a subject: it has two lists of works")


def _most_values(max_records: int) -> int:
    return VALUES_BESIDE + VALUES_PER_RECORD * max_records


def _about(page: Any, max_records: int) -> dict[str, bytes]:
    _check_work_count(page.work_count)
    _check_records(len(page.works), max_records)
    told = ((name, getattr(page, name)) for name in typed.ABOUT)
    about = {name: bytes(raw) for name, raw in told if raw is not msgspec.UNSET}
    return {"work_count": str(page.work_count).encode()} | about


def _parse_with_care(body: bytes, max_records: int) -> Page:
    # No parser takes it whole.
    _check_tokens(body, max_records)
    fields = _split_page(body)
    _check_envelope(fields)
    texts = _split_records(fields.pop("works"), max_records)
    read = ("work_count", *typed.ABOUT)
    return _judged_page(texts, {name: fields[name] for name in read if name in fields})


def _judged_page(texts: Sequence[bytes | msgspec.Raw], about: dict[str, bytes]) -> Page:
    records: list[Any] = []
    extras: dict[int, Extra] = {}
    for position, text in enumerate(texts):
        try:
            records.append(typed.WORK.decode(text))
        except _REFUSED:
            found = _judged_by_contract(bytes(text))
            if isinstance(found, Rejected):
                records.append(found)
                continue
            records.append(typed.work_of(found))
            if extra := _extra_of(found):
                extras[position] = extra
    return Page(records, extras, about)


def _split_page(body: bytes) -> dict[str, bytes]:
    try:
        return {name: bytes(raw) for name, raw in _RAW_OBJECT.decode(body).items()}
    except _REFUSED as refused:
        problem = str(refused)
    if _is_json(body):
        raise NotSubjectsPageError(f"not a page of a subject: {problem}")
    try:
        fields = split_object(body)
    except SplitError:
        start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith(b"<"):
            raise HtmlPageError("the page is HTML, not JSON: a proxy's error page") from None
        raise NotJsonError(f"the page is not JSON: {problem}") from None
    return {name.decode("utf-8", "replace"): raw for name, raw in fields.items()}


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except _REFUSED:
        return False
    return True


def _check_envelope(fields: dict[str, bytes]) -> None:
    # The contract judges the envelope without its records.
    kept = {name: fields[name] for name in ("work_count", "works") if name in fields}
    if kept.get("works", b"").startswith(b"["):
        kept["works"] = b"[]"
    text = b",".join(b'"%s":%s' % (name.encode(), raw) for name, raw in kept.items())
    try:
        page = PAGE.validate_json(b"{%s}" % text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        where = ".".join(map(str, found[0]["loc"])) or "the page"
        raise NotSubjectsPageError(f"not a page of a subject: {where}: {found[0]['msg']}") from None
    _check_work_count(page["work_count"])


def _check_work_count(count: int | None) -> None:
    if count is None:
        raise NoWorkCountError("work_count is null: the source's search failed or timed out")


def _check_records(count: int, max_records: int) -> None:
    if count > max_records:
        raise TooManyRecordsError(f"the page has {count} records, and {max_records} were asked for")


def _split_records(works: bytes, max_records: int) -> list[bytes]:
    try:
        records = split_list(works)
    except SplitError as error:
        raise NotJsonError(f"the list of works is not JSON: {error}") from None
    _check_records(len(records), max_records)
    return records


def _judged_by_contract(text: bytes) -> SourceWork | Rejected:
    if _is_deep(text):
        return Rejected(text, _NESTED_TOO_DEEPLY)
    try:
        value = load_json(text)
    except UnicodeDecodeError:
        return Rejected(text, Reason(INVALID_TEXT, "the record is not UTF-8"))
    except ValueError as error:
        return Rejected(text, Reason(NOT_JSON, f"the record is not JSON: {error}"))
    if not is_writable(value):
        return Rejected(text, NOT_UNICODE)
    try:
        return WORK.validate_python(value)
    except ValidationError as error:
        return Rejected(text, reason_of(error))


def _extra_of(work: SourceWork) -> Extra | None:
    authors = work["authors"] or ()
    # A field of the contract is never missing here, so what is counted beyond them is unknown.
    count = len(work) - len(WORK_FIELDS) + sum(len(one) - len(AUTHOR_FIELDS) for one in authors)
    if not count:
        return None
    extra = _unknown(work, WORK_FIELDS)
    of_authors = [_unknown(author, AUTHOR_FIELDS) for author in authors]
    if any(of_authors):
        extra["authors"] = of_authors
    return Extra(count, dump_json(extra, ascii_only=True))


def _unknown(record: Mapping[str, Any], known: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in known}


_NESTED_TOO_DEEPLY: Final = Reason(
    TOO_DEEP, f"lists and objects are nested more than {MAX_DEPTH} levels deep"
)


def _is_deep(text: bytes) -> bool:
    return text.count(b"[") + text.count(b"{") > MAX_DEPTH and depth_of(text) > MAX_DEPTH


def _integer(digits: str) -> int | UnheldNumber:
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else UnheldNumber(digits)


def _finite(text: str) -> float | UnheldNumber:
    number = float(text)
    return number if math.isfinite(number) else UnheldNumber(text)


def _number_text(value: object) -> str:
    if isinstance(value, UnheldNumber):
        return value.text
    raise TypeError(f"{type(value).__name__} is not JSON")


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number in JSON")
