"""What the dump says of its works, as columns of the processed rows.

Like those of a listing (:mod:`cleaning.columns`), the rules go over whole columns: work by work
they would take most of a line's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from cleaning import columns, values
from cleaning.list_items import Items
from cleaning.vocabulary import SharedVocabulary
from schemas.derive.arrow import arrow_schema
from schemas.source.dump import DumpWork
from schemas.subjects import PrefixedKind
from schemas.tables import WORKS

_ROWS: Final = arrow_schema(WORKS.columns)
_TEXTS: Final = pa.list_(pa.string())
_VOCABULARY: Final = SharedVocabulary()
#: Kinds of subjects that a record has in lists of their own.
_KINDS: Final[dict[str, PrefixedKind]] = {
    "subject_people": "person",
    "subject_places": "place",
    "subject_times": "time",
}
_PREFIXED: Final = f"^(?:{'|'.join(_KINDS.values())}): ?(.+)$"
#: Until 2010 keys were /a/OL1A.
_OLD_AUTHOR: Final = "^/a/(OL[0-9]+A)$"


def own_columns(works: Sequence[DumpWork], fetched_year: int) -> dict[str, pa.Array]:
    """Return what records say of their works, cleaned, by column of ``works``.

    Parameters
    ----------
    fetched_year
        Year of the dump, after which no book was published.
    """
    years = pa.array(map(_year, works), _ROWS.field("first_publish_year").type)
    return {
        "work_key": pa.array([work["key"] for work in works], pa.string()),
        "title": columns.clean_column(pa.array([work["title"] for work in works], pa.string())),
        "first_publish_year": columns.known_years(years, fetched_year),
        "authors": _authors(pa.array(map(_author_texts, works), _TEXTS)),
        "subjects": _subjects(pa.array(map(_spellings, works), _TEXTS)),
        "cover_id": pa.array(map(_cover, works), _ROWS.field("cover_id").type),
    }


def _year(work: DumpWork) -> int | None:
    date = work.get("first_publish_date")
    return values.year_of(date) if date else None


def _cover(work: DumpWork) -> int | None:
    covers = work.get("covers")
    return next(filter(None, map(values.known_id, covers)), None) if covers else None


def _author_texts(work: DumpWork) -> list[str | None]:
    return [author.get("author") for author in work.get("authors") or ()]


def _authors(texts: pa.ListArray) -> pa.ListArray:
    """Return each author of a work once; a text that is not a key is a name."""
    items = Items.of(texts)
    cleaned = columns.clean_column(items.values)
    identity = pc.replace_substring_regex(cleaned, _OLD_AUTHOR, r"/authors/\1")
    once = Items(items.rows, identity).once(identity)
    is_key = pc.starts_with(once.values, "/")
    nothing = pa.scalar(None, pa.string())
    parts = [
        pc.if_else(is_key, once.values, nothing),
        pc.if_else(is_key, nothing, once.values),
    ]
    list_type = _ROWS.field("authors").type
    authors = pa.StructArray.from_arrays(parts, fields=list(list_type.value_type))
    return Items(once.rows, authors).lists(len(texts), list_type)


def _spellings(work: DumpWork) -> list[str]:
    spellings = work.get("subjects") or []
    for field, kind in _KINDS.items():
        names: list[str] | None = work.get(field)  # type: ignore[assignment]  # texts
        if names:
            # Cleaned before the prefix is there, which would show where nothing else does.
            cleaned = filter(None, map(values.clean_text, names))
            spellings = [*spellings, *(f"{kind}:{name}" for name in cleaned)]
    return spellings


def _subjects(spellings: pa.ListArray) -> pa.ListArray:
    """Return each subject once, with its name alone: the kind has a column of its own.

    Readers see France, and not place:France.
    """
    found = _VOCABULARY.subjects(spellings, _ROWS.field("subjects").type)
    key, name, kind = (found.values.field(part) for part in ("key", "name", "kind"))
    alone = pc.if_else(
        pc.equal(kind, "subject"), name, pc.replace_substring_regex(name, "^[^:]*: ?", "")
    )
    # A name of punctuation alone has no key, and so no kind.
    keyless = pc.replace_substring_regex(name, _PREFIXED, r"\1")
    shown = pc.if_else(key.is_valid(), alone, keyless)
    subjects = pa.StructArray.from_arrays([key, shown, kind], fields=list(found.type.value_type))
    return pa.ListArray.from_arrays(found.offsets, subjects, type=found.type)
