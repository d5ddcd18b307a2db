"""``record_hash``: which fields it covers, in which order, and how they are joined.

Fields are joined by U+001F and items of lists by U+001E, which no cleaned text contains; flags are
``true`` and ``false``, numbers are digits, and null is the empty text, which no cleaned text is.
Any engine can do the same, so changes show without comparing columns. Lending status, the loan flag
and lineage are left out: they change without the work changing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

FIELD_SEPARATOR: Final = "\x1f"
ITEM_SEPARATOR: Final = "\x1e"
#: The fields, in order. ``subjects`` stands for the subjects' names alone: their keys follow.
HASHED_FIELDS: Final = (
    "edition_count",
    "first_publish_year",
    "cover_id",
    "public_scan",
    "has_fulltext",
    "print_disabled",
    "work_key",
    "title",
    "cover_edition_key",
    "ia",
    "lending_edition",
    "lending_identifier",
    "authors",
    "subjects",
    "ia_collections",
)


def record_hash(fields: bytes) -> str:
    """Return the first 32 hex digits of the SHA-256 over a record's joined fields."""
    return sha256(fields).hexdigest()[:32]


def work_hash(row: Mapping[str, Any]) -> str:
    """Return the ``record_hash`` of a row of ``works`` that is a mapping of plain values."""
    return record_hash(FIELD_SEPARATOR.join(_text(row[name]) for name in HASHED_FIELDS).encode())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ITEM_SEPARATOR.join(text for item in value for text in _item_texts(item))
    return str(value)


def _item_texts(item: Any) -> Iterable[str]:
    if not isinstance(item, Mapping):
        return (item,)
    # A subject is known by its name, an author by key and name.
    return (item["name"],) if "kind" in item else (item["key"] or "", item["name"] or "")
