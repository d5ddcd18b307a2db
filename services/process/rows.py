"""From valid records to the Arrow table of ``works``, column by column."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

import pyarrow as pa

from process import rules
from process.lineage import Lineage
from process.vocabulary import SharedVocabulary
from schemas.arrow import arrow_schema
from schemas.source import WORK_FIELDS, SourceWork
from schemas.tables import WORKS
from schemas.version import CONTRACT_VERSION

SCHEMA: Final = arrow_schema(WORKS.columns)
_HASHED_SCALARS: Final = (
    "edition_count",
    "first_publish_year",
    "cover_id",
    "public_scan",
    "has_fulltext",
    "print_disabled",
)
_HASHED_TEXTS: Final = (
    "work_key",
    "title",
    "cover_edition_key",
    "ia",
    "lending_edition",
    "lending_identifier",
)
_VOCABULARY: Final = SharedVocabulary()

# The first pa.array of a process imports pandas; here it does so before the first page waits for
# it.
pa.array([])


def work_table(works: Sequence[SourceWork], positions: Sequence[int], lineage: Lineage) -> pa.Table:
    """Clean, normalise and enrich records.

    Parameters
    ----------
    works
        Valid records of one page.
    positions
        Their positions in the page.
    lineage
        The page.

    Returns
    -------
    pyarrow.Table
        One row per record, in order, exactly as :data:`SCHEMA` says.
    """
    columns = _business_columns(works, lineage.fetched_at.year)
    columns |= _access_columns(works)
    columns["extra_fields"] = [_extra_fields(work) for work in works]
    columns["position"] = positions
    subjects = _VOCABULARY.columns([work["subject"] for work in works])
    authors = columns.pop("authors")
    columns["record_hash"] = _hashes(columns, authors, subjects.names)
    arrays = {name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()}
    arrays["authors"] = _author_array(authors)
    arrays["subjects"] = subjects.array(SCHEMA.field("subjects").type)
    arrays |= _lineage_arrays(len(works), lineage)
    return pa.Table.from_arrays([arrays[name] for name in SCHEMA.names], schema=SCHEMA)


def unknown_fields(works: Iterable[SourceWork]) -> int:
    """Count the fields that the contract does not know."""
    return sum(len(work) - len(WORK_FIELDS) for work in works)


def _business_columns(works: Sequence[SourceWork], fetched_year: int) -> dict[str, Any]:
    clean = rules.clean_column
    years = [rules.known_year(work["first_publish_year"], fetched_year) for work in works]
    covers = [rules.known_id(work["cover_id"]) for work in works]
    return {
        "work_key": [work["key"] for work in works],
        "title": clean([work["title"] for work in works]),
        "edition_count": [work["edition_count"] for work in works],
        "first_publish_year": years,
        "decade": [rules.decade_of(year) for year in years],
        "authors": [rules.unique_authors(work["authors"]) for work in works],
        "cover_id": covers,
        "cover_edition_key": clean([work["cover_edition_key"] for work in works]),
        "cover_url": [rules.cover_url(cover) for cover in covers],
        "work_url": [rules.work_url(work["key"]) for work in works],
        "ia": clean([work["ia"] for work in works]),
        "ia_collections": rules.clean_lists([work["ia_collection"] for work in works]),
        "lending_edition": clean([work["lending_edition"] for work in works]),
        "lending_identifier": clean([work["lending_identifier"] for work in works]),
    }


def _access_columns(works: Sequence[SourceWork]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "public_scan": [work["public_scan"] for work in works],
        "has_fulltext": [rules.flag(work["has_fulltext"]) for work in works],
        "print_disabled": [work["printdisabled"] for work in works],
        "lending_library": [work["lendinglibrary"] for work in works],
        "availability_status": [rules.status_of(work["availability"]) for work in works],
    }
    columns["access_level"] = list(map(rules.access_level, *columns.values()))
    columns["checked_out"] = [work["checked_out"] for work in works]
    return columns


def _extra_fields(work: SourceWork) -> str | None:
    if len(work) == len(WORK_FIELDS):
        return None
    extra = {name: value for name, value in work.items() if name not in WORK_FIELDS}
    return json.dumps(extra, sort_keys=True)


def _hashes(
    columns: dict[str, Any],
    authors: list[list[tuple[str | None, str | None]]],
    subjects: list[list[str]],
) -> list[str]:
    parts = [list(map(rules.hash_text, columns[name])) for name in _HASHED_SCALARS]
    parts += [[value or "" for value in columns[name]] for name in _HASHED_TEXTS]
    parts.append([rules.joined(part or "" for author in row for part in author) for row in authors])
    parts.append(list(map(rules.joined, subjects)))
    parts.append(list(map(rules.joined, columns["ia_collections"])))
    return list(map(rules.record_hash, zip(*parts, strict=True)))


def _author_array(authors: list[list[tuple[str | None, str | None]]]) -> pa.Array:
    # Flat arrays with offsets cost half of what a list of lists of dicts does.
    flat = [author for row in authors for author in row]
    item = SCHEMA.field("authors").type.value_type
    struct = pa.StructArray.from_arrays(
        [
            pa.array([key for key, _ in flat], pa.string()),
            pa.array([name for _, name in flat], pa.string()),
        ],
        fields=list(item),
    )
    offsets = pa.array([0, *accumulate(map(len, authors))], pa.int32())
    return pa.ListArray.from_arrays(offsets, struct, type=SCHEMA.field("authors").type)


def _lineage_arrays(count: int, lineage: Lineage) -> dict[str, pa.Array]:
    values = {
        "source_subject": lineage.page.subject,
        "run_id": lineage.page.run_id,
        "raw_key": lineage.raw_key,
        "fetched_at": lineage.fetched_at,
        "contract_version": CONTRACT_VERSION,
    }
    return {
        name: pa.repeat(pa.scalar(value, SCHEMA.field(name).type), count)
        for name, value in values.items()
    }
