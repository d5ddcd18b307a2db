"""The cleaning rules that a dump's record needs.

They are those of ``docs/cleaning-rules.md``, whose examples a test runs here too: a work must look
the same whichever way it came.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from schemas.keys import InvalidSubjectError, SubjectKind, canonical_subject, subject_kind

_LINE_BREAKS: Final = dict.fromkeys((0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85), " ")
_REMOVED: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x200B, 0xFEFF))
_INVISIBLE: Final = {**_REMOVED, **_LINE_BREAKS}
_YEAR: Final = re.compile(r"(?<!\d)\d{4}(?!\d)", re.ASCII)


def clean_text(text: str | None) -> str | None:
    """Give a text in Unicode NFC, without control characters, with single blanks; null if blank."""
    if not text:
        return None
    cleaned = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return " ".join(cleaned.split()) or None


def known_id(number: int | None) -> int | None:
    """Give null for an id that is not positive: ``-1`` and ``0`` mean "none"."""
    return number if number is not None and number > 0 else None


def known_year(year: int | None, fetched_year: int) -> int | None:
    """Give null for a year below 1 or after that of the dump."""
    return year if year is not None and 0 < year <= fetched_year else None


def year_of(date: str | None) -> int | None:
    """Find the year in a date as editors type it: ``March 1, 1994``, ``c1994``, ``1994-03``."""
    found = _YEAR.search(date or "")
    return int(found[0]) if found else None


def decade_of(year: int | None) -> int | None:
    """Give a year's decade as its first year: 1994 gives 1990."""
    return None if year is None else year - year % 10


def cover_url(cover_id: int | None) -> str | None:
    """Give the URL of a cover (https://openlibrary.org/dev/docs/api/covers)."""
    return None if cover_id is None else f"https://covers.openlibrary.org/b/id/{cover_id}-L.jpg"


def work_url(work_key: str) -> str:
    """Give the URL of a work's page."""
    return f"https://openlibrary.org{work_key}"


def subject_of(name: str) -> tuple[str | None, str, SubjectKind]:
    """Give (canonical key, name, kind) of a cleaned subject name; punctuation alone has no key."""
    try:
        key = canonical_subject(name)
    except InvalidSubjectError:
        return None, name, "subject"
    return key, name, subject_kind(key)


def hash_text(value: str | int | None) -> str:
    """Give a value as :func:`record_hash` takes it: digits, a text, ``""`` for null."""
    return "" if value is None else str(value)


def joined(items: Iterable[str]) -> str:
    """Join a list's items for :func:`record_hash`."""
    return "\x1e".join(items)


def record_hash(texts: Iterable[str]) -> str:
    """Give the first 32 hex digits of the SHA-256 over a record's business fields."""
    return sha256("\x1f".join(texts).encode()).hexdigest()[:32]
