"""From valid records to the Arrow table of ``works``, column by column."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from cleaning import columns as column_rules
from cleaning import values as rules
from cleaning.vocabulary import SharedVocabulary
from process.logic.lineage import Lineage
from schemas.derive.arrow import arrow_schema
from schemas.source.page import AUTHOR_FIELDS, WORK_FIELDS, SourceWork
from schemas.tables import WORKS
from schemas.version import CONTRACT_VERSION

SCHEMA: Final = arrow_schema(WORKS.columns)
# The records' fields as they come. Arrow reads the fields of a thousand dicts in a third of the
# time that it takes for as many lists. Only ``has_fulltext``, which may be a text, follows by
# itself.
_SOURCE: Final = pa.struct(
    {
        "key": pa.string(),
        "title": pa.string(),
        "edition_count": pa.int32(),
        "cover_id": pa.int64(),
        "cover_edition_key": pa.string(),
        "subject": pa.list_(pa.string()),
        "ia_collection": SCHEMA.field("ia_collections").type,
        "lendinglibrary": pa.bool_(),
        "printdisabled": pa.bool_(),
        "lending_edition": pa.string(),
        "lending_identifier": pa.string(),
        "authors": SCHEMA.field("authors").type,
        "first_publish_year": pa.int32(),
        "ia": pa.string(),
        "public_scan": pa.bool_(),
        "checked_out": pa.bool_(),
        "availability": pa.struct({"status": pa.string()}),
    }
)
#: The business fields, in the order in which ``record_hash`` has them.
_HASHED: Final = (
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
    "subject_names",
    "ia_collections",
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
    source = pa.array(works, _SOURCE)
    columns = _business_columns(source, lineage.fetched_at.year)
    columns["subjects"] = _VOCABULARY.subjects(
        source.field("subject"), SCHEMA.field("subjects").type
    )
    columns |= _access_columns(source, [rules.flag(work["has_fulltext"]) for work in works])
    columns["record_hash"] = _record_hashes(columns)
    columns["extra_fields"] = (
        pa.array(list(map(_extra_fields, works)), pa.string())
        if unknown_fields(works)
        else pa.nulls(len(works), pa.string())
    )
    columns["position"] = pa.array(positions, pa.int32())
    columns |= _lineage_columns(len(works), lineage)
    return pa.Table.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def unknown_fields(works: Iterable[SourceWork]) -> int:
    """Count the fields that the contract does not know, of works and of their authors."""
    return sum(
        len(work)
        - len(WORK_FIELDS)
        + sum(len(author) - len(AUTHOR_FIELDS) for author in work["authors"] or ())
        for work in works
    )


def _business_columns(source: pa.StructArray, fetched_year: int) -> dict[str, Any]:
    clean = column_rules.clean_column
    years = column_rules.known_years(source.field("first_publish_year"), fetched_year)
    covers = column_rules.known_ids(source.field("cover_id"))
    return {
        "work_key": source.field("key"),
        "title": clean(source.field("title")),
        "edition_count": source.field("edition_count"),
        "first_publish_year": years,
        "decade": column_rules.decades(years),
        "authors": column_rules.unique_authors(source.field("authors")),
        "cover_id": covers,
        "cover_edition_key": clean(source.field("cover_edition_key")),
        "cover_url": column_rules.cover_urls(covers),
        "work_url": column_rules.work_urls(source.field("key")),
        "ia": clean(source.field("ia")),
        "ia_collections": column_rules.unique_texts(source.field("ia_collection")),
        "lending_edition": clean(source.field("lending_edition")),
        "lending_identifier": clean(source.field("lending_identifier")),
    }


def _access_columns(source: pa.StructArray, has_fulltext: list[bool | None]) -> dict[str, Any]:
    # A field of a group that is null is null, whatever the group's values hold there.
    status = pc.struct_field(source.field("availability"), "status")
    columns = {
        "public_scan": source.field("public_scan"),
        "has_fulltext": pa.array(has_fulltext, pa.bool_()),
        "print_disabled": source.field("printdisabled"),
        "lending_library": source.field("lendinglibrary"),
        "availability_status": column_rules.clean_column(status),
    }
    columns["access_level"] = column_rules.access_levels(*columns.values())
    columns["checked_out"] = source.field("checked_out")
    return columns


def _extra_fields(work: SourceWork) -> str | None:
    if not unknown_fields([work]):
        return None
    extra = _unknown(work, WORK_FIELDS)
    authors = [_unknown(author, AUTHOR_FIELDS) for author in work["authors"] or ()]
    if any(authors):
        extra["authors"] = authors
    return json.dumps(extra, sort_keys=True)


def _unknown(record: Mapping[str, Any], known: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in known}


def _record_hashes(columns: dict[str, Any]) -> pa.StringArray:
    subjects = columns["subjects"]
    names = subjects.values.field("name")
    hashed = columns | {"subject_names": pa.ListArray.from_arrays(subjects.offsets, names)}
    return column_rules.record_hashes([hashed[name] for name in _HASHED])


def _lineage_columns(count: int, lineage: Lineage) -> dict[str, pa.Array]:
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
