"""The cleaning rules over one value: pure functions, each with its reason.

Those over whole columns are in :mod:`cleaning.columns`. Every rule that cleans is idempotent:
what it gives, it leaves as it is.
"""

from __future__ import annotations

import unicodedata
from hashlib import sha256
from typing import Final, Literal

from schemas.keys import InvalidSubjectError, SubjectKind, canonical_subject, subject_kind

_LINE_BREAKS: Final = dict.fromkeys((0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85), " ")
_REMOVED: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x200B, 0xFEFF))
_INVISIBLE: Final = {**_REMOVED, **_LINE_BREAKS}


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


def flag(value: bool | Literal["true", "false"] | None) -> bool | None:
    """Give a flag for ``"true"`` and ``"false"``, which the source sent before 2022-09."""
    return value == "true" if isinstance(value, str) else value


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


def record_hash(fields: bytes) -> str:
    """Give the first 32 hex digits of the SHA-256 over a record's joined business fields."""
    return sha256(fields).hexdigest()[:32]
