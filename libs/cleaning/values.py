"""The cleaning rules over one value: pure functions, each with its reason.

Those over whole columns are in :mod:`cleaning.columns`, and say the same. Every rule that cleans is
idempotent: what it returns, it leaves as it is.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import Final, Literal

from schemas.subjects import InvalidSubjectError, SubjectKind, canonical_subject, subject_kind

_LINE_BREAKS: Final = dict.fromkeys((0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85), " ")
_REMOVED: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x200B, 0xFEFF))
_INVISIBLE: Final = {**_REMOVED, **_LINE_BREAKS}
#: A long run of combining marks. Other symbols match too, which is harmless: a pattern of exactly
#: the marks would need 2,000 ranges.
_MARKS: Final = re.compile(r"[^\w\s!-~]{30,}")
# Letters and marks that show nothing: fillers, the blank of Braille, and variation selectors.
_FILLERS: Final = frozenset(
    map(
        chr,
        (
            *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            *(0x180B, 0x180C, 0x180D, 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
        ),
    )
)
_MINUS: Final = "[-\u2212\u2013]"
#: A year of the common era: neither ``-0350`` nor ``0350 B.C.``, while ``Mar-1994`` has one.
_YEAR: Final = re.compile(
    rf"(?<!\d)(?<!^{_MINUS})(?<![\s(\[{{]{_MINUS})(?<!\bc{_MINUS})(?<!\bca{_MINUS})"
    r"[0-9]{4}(?!\d)(?!\s*B\.?\s?C\.?E?\b)",
    re.IGNORECASE,
)


def clean_text(text: str | None) -> str | None:
    """Return a text in Unicode NFC, without control characters, with single blanks; null if blank.

    Equal texts must compare equal in joins and groups, and control characters (with U+200B and
    U+FEFF, which show nothing either) break CSV exports and terminals. Joiners stay: some scripts
    need them. A text of which nothing shows is blank.
    """
    if not text:
        return None
    # The source's texts are nearly all clean ASCII: these tests cost a tenth of the full treatment.
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _MARKS.sub(_ordered, text.translate(_INVISIBLE)))
        if all(map(_shows_nothing, text)):
            return None
    elif "  " not in text and text[0] != " " and text[-1] != " ":
        return text
    return " ".join(text.split()) or None


def _shows_nothing(letter: str) -> bool:
    return letter.isspace() or letter in _FILLERS or unicodedata.category(letter) == "Cf"


def _ordered(run: re.Match[str]) -> str:
    """Return a run of marks in the order of Unicode's normal forms, which stays the same text.

    Python sorts marks by insertion: a megabyte of them in the wrong order takes it minutes.
    """
    # One by one, since the longest of them is decomposed to three.
    marks = "".join(unicodedata.normalize("NFD", mark) for mark in run[0])
    groups = groupby(marks, key=lambda mark: unicodedata.combining(mark) > 0)
    return "".join("".join(sorted(group, key=unicodedata.combining)) for _, group in groups)


def flag(value: bool | Literal["true", "false"] | None) -> bool | None:
    """Return a flag for ``"true"`` and ``"false"``, which the source sent before 2022-09."""
    return value == "true" if isinstance(value, str) else value


def known_id(number: int | None) -> int | None:
    """Return null for an id that is not positive: the source writes ``-1`` and ``0`` for "none"."""
    return number if number is not None and number > 0 else None


def known_year(year: int | None, fetched_year: int) -> int | None:
    """Return null for a year below 1 or after the year of the fetch.

    The source writes ``0`` for "unknown", and typing errors such as ``20199`` lie in the future.
    The year of the fetch is the bound, so that the same bytes always give the same rows.
    """
    return year if year is not None and 0 < year <= fetched_year else None


def year_of(date: str | None) -> int | None:
    """Find the year in a date as editors type it: ``March 1, 1994``, ``c1994``, ``1994-03``."""
    found = _YEAR.search(date or "")
    return int(found[0]) if found else None


def decade_of(year: int | None) -> int | None:
    """Return a year's decade as its first year: 1994 gives 1990."""
    return None if year is None else year - year % 10


def cover_url(cover_id: int | None) -> str | None:
    """Return the URL of a cover (https://openlibrary.org/dev/docs/api/covers)."""
    return None if cover_id is None else f"https://covers.openlibrary.org/b/id/{cover_id}-L.jpg"


def work_url(work_key: str) -> str:
    """Return the URL of a work's page."""
    return f"https://openlibrary.org{work_key}"


def subject_identity(key: str | None, name: str) -> str:
    """Return what makes a subject the same as another: its key, or its name where it has none.

    ``C#``, ``C++`` and ``C`` have one key and are one subject; ``Straße`` and ``Strasse`` are two.
    """
    # No key begins with a blank.
    return f" {name}" if key is None else key


def subject_of(name: str) -> tuple[str | None, str, SubjectKind]:
    """Return (canonical key, name, kind) of a cleaned subject name.

    The key is OpenLibrary's own, so that spellings meet and ``place:`` subjects join with listings.
    A name of punctuation alone has none.
    """
    try:
        key = canonical_subject(name)
    except InvalidSubjectError:
        return None, name, "subject"
    return key, name, subject_kind(key)
