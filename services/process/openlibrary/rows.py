"""From valid records to the Arrow table of ``works``, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import astuple

from cleaning import columns
from cleaning.columns import clean_column
from cleaning.values import flag
from cleaning.vocabulary import SharedVocabulary
from process.openlibrary import typed
from process.openlibrary.page import Extra
from process.records import Lineage
from schemas.derive.arrow import arrow_schema
from schemas.derive.columns import source_columns
from schemas.rows.work import SOURCE_FIELDS
from schemas.source.page import SourceWork
from schemas.tables import WORKS
from schemas.version import CONTRACT_VERSION

SCHEMA: Final = arrow_schema(WORKS.columns)
# The records' fields as they come. Only ``has_fulltext``, which may be a text, has no column there
# and follows by itself.
_SOURCE: Final = arrow_schema(source_columns(SourceWork))
_VOCABULARY: Final = SharedVocabulary()

# A page takes 2 MB of Arrow's memory. Its own allocator touches 20 MB more for it, and is no faster
# than the system's.
pa.set_memory_pool(pa.system_memory_pool())
# The first pa.array of a process imports pandas; here it does so before the first page waits for
# it.
pa.array([])


def work_table(
    works: Sequence[Any],
    positions: Sequence[int],
    extras: Mapping[int, Extra],
    lineage: Lineage,
) -> pa.Table:
    """Clean, normalise and enrich records.

    Parameters
    ----------
    works
        Valid records of one page, each a :data:`process.openlibrary.typed.Work`.
    positions
        Their positions in the page.
    extras
        The unknown fields of the records that have any, by position.
    lineage
        The page.

    Returns
    -------
    pyarrow.Table
        One row per record, in order, exactly as :data:`SCHEMA` says.
    """
    values = _values(works)
    source = _columns(values)
    made = _source_columns(source) | _ruled_columns(source, lineage.fetched_at.year)
    made |= _access_columns(made, source, [flag(text) for text in values["has_fulltext"]])
    made["record_hash"] = columns.work_hashes(made)
    made["extra_fields"] = _extra_fields(positions, extras)
    made["position"] = pa.array(positions, pa.int32())
    made |= _lineage_columns(len(works), lineage)
    return pa.Table.from_arrays([made[name] for name in SCHEMA.names], schema=SCHEMA)


def _values(works: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """Return the records' values by field."""
    fields = zip(*map(astuple, works), strict=True)
    return dict(zip(typed.Work.__struct_fields__, fields, strict=True))


def _columns(values: dict[str, Sequence[Any]]) -> dict[str, pa.Array]:
    # Arrow takes tuples for structs.
    given = values | {
        "authors": [some and [(one.key, one.name) for one in some] for some in values["authors"]],
        "availability": [one and astuple(one) for one in values["availability"]],
    }
    return {field.name: pa.array(given[field.name], field.type) for field in _SOURCE}


def _extra_fields(positions: Sequence[int], extras: Mapping[int, Extra]) -> pa.StringArray:
    if not extras:
        return pa.nulls(len(positions), pa.string())
    found = (extras.get(position) for position in positions)
    return pa.array([extra.text if extra else None for extra in found], pa.string())


def _source_columns(source: Mapping[str, pa.Array]) -> dict[str, Any]:
    found = {name: source[field] for name, field in SOURCE_FIELDS.items()}
    return {
        name: clean_column(column) if pa.types.is_string(column.type) else column
        for name, column in found.items()
    }


def _ruled_columns(source: Mapping[str, pa.Array], fetched_year: int) -> dict[str, Any]:
    years = columns.known_years(source["first_publish_year"], fetched_year)
    covers = columns.known_ids(source["cover_id"])
    return {
        "first_publish_year": years,
        "decade": columns.decades(years),
        "authors": columns.unique_authors(source["authors"]),
        "subjects": _VOCABULARY.subjects(source["subject"], SCHEMA.field("subjects").type),
        "cover_id": covers,
        "cover_url": columns.cover_urls(covers),
        "work_url": columns.work_urls(source["key"]),
        "ia_collections": columns.unique_texts(source["ia_collection"]),
    }


def _access_columns(
    made: dict[str, Any], source: Mapping[str, pa.Array], has_fulltext: list[bool | None]
) -> dict[str, Any]:
    # A field of a group that is null is null, whatever the group's values hold there.
    status = clean_column(pc.struct_field(source["availability"], "status"))
    fulltext = pa.array(has_fulltext, pa.bool_())
    level = columns.access_levels(
        made["public_scan"], fulltext, made["print_disabled"], made["lending_library"], status
    )
    return {"has_fulltext": fulltext, "availability_status": status, "access_level": level}


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
