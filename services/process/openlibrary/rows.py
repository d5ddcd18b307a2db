"""From valid records to the Arrow table of ``works``, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from cleaning import columns
from cleaning.columns import clean_column
from cleaning.values import flag
from cleaning.vocabulary import SharedVocabulary
from process.logic.lineage import Lineage
from process.openlibrary.page import dump_json
from schemas.derive.arrow import arrow_schema
from schemas.derive.columns import source_columns
from schemas.rows.work import SOURCE_FIELDS
from schemas.source.page import AUTHOR_FIELDS, WORK_FIELDS, SourceWork
from schemas.tables import WORKS
from schemas.version import CONTRACT_VERSION

SCHEMA: Final = arrow_schema(WORKS.columns)
# The records' fields as they come. Arrow reads the fields of a thousand dicts in a third of the
# time that it takes for as many lists. Only ``has_fulltext``, which may be a text, has no column
# there and follows by itself.
_SOURCE: Final = pa.struct(arrow_schema(source_columns(SourceWork)))
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
    made = _source_columns(source) | _ruled_columns(source, lineage.fetched_at.year)
    made |= _access_columns(made, source, [flag(work["has_fulltext"]) for work in works])
    made["record_hash"] = columns.work_hashes(made)
    made["extra_fields"] = (
        pa.array(list(map(_extra_fields, works)), pa.string())
        if unknown_fields(works)
        else pa.nulls(len(works), pa.string())
    )
    made["position"] = pa.array(positions, pa.int32())
    made |= _lineage_columns(len(works), lineage)
    return pa.Table.from_arrays([made[name] for name in SCHEMA.names], schema=SCHEMA)


def unknown_fields(works: Sequence[SourceWork]) -> int:
    """Count the fields that the contract does not know, of works and of their authors."""
    authors = [author for work in works for author in work["authors"] or ()]
    # A field of the contract is never missing here, so what is counted beyond them is unknown.
    fields = sum(map(len, works)) + sum(map(len, authors))
    return fields - len(WORK_FIELDS) * len(works) - len(AUTHOR_FIELDS) * len(authors)


def _source_columns(source: pa.StructArray) -> dict[str, Any]:
    found = {name: source.field(field) for name, field in SOURCE_FIELDS.items()}
    return {
        name: clean_column(column) if pa.types.is_string(column.type) else column
        for name, column in found.items()
    }


def _ruled_columns(source: pa.StructArray, fetched_year: int) -> dict[str, Any]:
    years = columns.known_years(source.field("first_publish_year"), fetched_year)
    covers = columns.known_ids(source.field("cover_id"))
    return {
        "first_publish_year": years,
        "decade": columns.decades(years),
        "authors": columns.unique_authors(source.field("authors")),
        "subjects": _VOCABULARY.subjects(source.field("subject"), SCHEMA.field("subjects").type),
        "cover_id": covers,
        "cover_url": columns.cover_urls(covers),
        "work_url": columns.work_urls(source.field("key")),
        "ia_collections": columns.unique_texts(source.field("ia_collection")),
    }


def _access_columns(
    made: dict[str, Any], source: pa.StructArray, has_fulltext: list[bool | None]
) -> dict[str, Any]:
    # A field of a group that is null is null, whatever the group's values hold there.
    status = clean_column(pc.struct_field(source.field("availability"), "status"))
    fulltext = pa.array(has_fulltext, pa.bool_())
    level = columns.access_levels(
        made["public_scan"], fulltext, made["print_disabled"], made["lending_library"], status
    )
    return {"has_fulltext": fulltext, "availability_status": status, "access_level": level}


def _extra_fields(work: SourceWork) -> str | None:
    if not unknown_fields([work]):
        return None
    extra = _unknown(work, WORK_FIELDS)
    authors = [_unknown(author, AUTHOR_FIELDS) for author in work["authors"] or ()]
    if any(authors):
        extra["authors"] = authors
    return dump_json(extra, ascii_only=True)


def _unknown(record: Mapping[str, Any], known: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in known}


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
