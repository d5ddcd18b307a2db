"""The cleaning rules: pure functions, each with its reason.

Every rule is idempotent: what it gives, it leaves as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import chain
from typing import Final, Literal

from schemas.keys import InvalidSubjectError, SubjectKind, canonical_subject, subject_kind
from schemas.source import SourceAuthor, SourceAvailability
from schemas.work import AccessLevel

_LINE_BREAKS: Final = dict.fromkeys((0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85), " ")
_REMOVED: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x200B, 0xFEFF))
_INVISIBLE: Final = {**_REMOVED, **_LINE_BREAKS}
_FIELD_SEPARATOR: Final = "\x1f"
_ITEM_SEPARATOR: Final = "\x1e"


def clean_text(text: str | None) -> str | None:
    """Give a text in Unicode NFC, without control characters, with single blanks; null when blank.

    Equal texts must compare equal in joins and groups, and control characters (with U+200B and
    U+FEFF, which show nothing either) break CSV exports and terminals. Joiners stay: some scripts
    need them.
    """
    if not text:
        return None
    # The source's texts are nearly all clean ASCII: these tests cost a tenth of the full treatment.
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    elif "  " not in text and text[0] != " " and text[-1] != " ":
        return text
    return " ".join(text.split()) or None


def clean_column(texts: Sequence[str | None]) -> list[str | None]:
    """Give :func:`clean_text` of each text; a column of plain identifiers is tested as a whole."""
    if _is_plain(filter(None, texts)):
        return [text or None for text in texts]
    return list(map(clean_text, texts))


def clean_lists(lists: Sequence[Sequence[str] | None]) -> list[list[str]]:
    """Give :func:`clean_texts` of each list; plain identifiers are tested as a whole."""
    if _is_plain(chain.from_iterable(filter(None, lists))):
        return [list(dict.fromkeys(filter(None, texts))) if texts else [] for texts in lists]
    return list(map(clean_texts, lists))


def _is_plain(texts: Iterable[str]) -> bool:
    joined_texts = "".join(texts)
    return joined_texts.isascii() and joined_texts.isprintable() and " " not in joined_texts


def clean_texts(texts: Iterable[str] | None) -> list[str]:
    """Clean a list's texts, each kept once, without the blank ones.

    Before 2026 the source wrote an empty list of collections as ``[""]``.
    """
    return list(dict.fromkeys(filter(None, map(clean_text, texts or ()))))


def known_id(number: int | None) -> int | None:
    """Give null for an id that is not positive: the source writes ``-1`` and ``0`` for "none"."""
    return number if number is not None and number > 0 else None


def known_year(year: int | None, fetched_year: int) -> int | None:
    """Give null for a year below 1 or after the year of the fetch.

    The source writes ``0`` for "unknown", and typing errors such as ``20199`` lie in the future.
    The year of the fetch is the bound, so that the same page always gives the same rows.
    """
    return year if year is not None and 0 < year <= fetched_year else None


def decade_of(year: int | None) -> int | None:
    """Give a year's decade as its first year: 1994 gives 1990."""
    return None if year is None else year - year % 10


def flag(value: bool | Literal["true", "false"] | None) -> bool | None:
    """Give a flag for ``"true"`` and ``"false"``, which the source sent before 2022-09."""
    return value == "true" if isinstance(value, str) else value


def unique_authors(
    authors: Iterable[SourceAuthor] | None,
) -> list[tuple[str | None, str | None]]:
    """Give each author once as (key, name), in the source's order, without the wholly blank ones.

    An author is the same when the key is; without a key, when the name is.
    """
    unique: dict[str, tuple[str | None, str | None]] = {}
    for author in authors or ():
        key, name = clean_text(author["key"]), clean_text(author["name"])
        if key or name:
            unique.setdefault(key or f" {name}", (key, name))
    return list(unique.values())


def subject_of(name: str) -> tuple[str | None, str, SubjectKind]:
    """Give (canonical key, name, kind) of a cleaned subject name.

    The key is OpenLibrary's own, so that spellings meet and ``place:`` subjects join with listings.
    A name of punctuation alone has none.
    """
    try:
        key = canonical_subject(name)
    except InvalidSubjectError:
        return None, name, "subject"
    return key, name, subject_kind(key)


def status_of(availability: SourceAvailability | None) -> str | None:
    """Give the lending status of a work, whatever the era of its ``availability``."""
    return None if availability is None else clean_text(availability["status"])


def access_level(
    public_scan: bool | None,
    has_fulltext: bool | None,
    print_disabled: bool | None,
    lending_library: bool | None,
    status: str | None,
) -> AccessLevel:
    """Tell what a reader can do with a work: the most generous of what its fields promise.

    ``open`` before ``borrowable`` before ``print_disabled``; ``restricted`` is a scan for nobody,
    ``none`` no scan. A work on loan stays ``borrowable``. ``lending_library`` stands in for
    ``availability`` in the years that had none.
    """
    if public_scan or status == "open":
        return "open"
    if status in {"borrow_available", "borrow_unavailable"} or lending_library:
        return "borrowable"
    if print_disabled:
        return "print_disabled"
    return "restricted" if has_fulltext else "none"


def cover_url(cover_id: int | None) -> str | None:
    """Give the URL of a cover (https://openlibrary.org/dev/docs/api/covers)."""
    return None if cover_id is None else f"https://covers.openlibrary.org/b/id/{cover_id}-L.jpg"


def work_url(work_key: str) -> str:
    """Give the URL of a work's page."""
    return f"https://openlibrary.org{work_key}"


def hash_text(value: str | int | None) -> str:
    """Give a value as :func:`record_hash` takes it: ``true``, digits, a text, ``""`` for null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def joined(items: Iterable[str]) -> str:
    """Join a list's items for :func:`record_hash`."""
    return _ITEM_SEPARATOR.join(items)


def record_hash(texts: Iterable[str]) -> str:
    """Give the first 32 hex digits of the SHA-256 over a record's business fields.

    Fields are joined by U+001F and items of lists by U+001E, which no cleaned text contains; null
    is the empty text, which no cleaned text is. Any engine can do the same, so changes show without
    comparing columns. Lending status, flags of loan and lineage are left out: they change without
    the work changing.
    """
    return sha256(_FIELD_SEPARATOR.join(texts).encode()).hexdigest()[:32]
