"""A batch of a dump's lines as columns: processed rows, and quarantine records beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from cleaning.columns import cover_urls, decades, work_hashes, work_urls
from glue_etl.dump.record import BadLineError, Source, work_of
from schemas.derive.arrow import arrow_schema
from schemas.source.dump import NO_LISTING
from schemas.tables import WORKS
from schemas.version import CONTRACT_VERSION

#: The quarantine record as JSON; null for a row.
REJECTED: Final = "rejected"
_ROWS: Final = arrow_schema(WORKS.columns)
#: What a line says of its work.
_OF_WORK: Final = ("work_key", "title", "first_publish_year", "authors", "subjects", "cover_id")
#: What each line has for itself; the other columns are the same for all, or follow.
_OWN: Final = pa.schema(
    [*map(_ROWS.field, (*_OF_WORK, "position")), pa.field(REJECTED, pa.string())]
)


def parse_batch(lines: Iterable[tuple[bytes, int]], source: Source) -> pa.RecordBatch:
    """Parse lines, each with its position.

    Returns
    -------
    pyarrow.RecordBatch
        A row a line, in order: the columns of ``works``, and :data:`REJECTED`. Of a rejected line,
        the key of the work that it is of, if it says so, and what is the same for all.
    """
    rows = [_parsed(line, position, source) for line, position in lines]
    if not rows:
        return pa.RecordBatch.from_pylist([], schema=_ROWS.append(_OWN.field(REJECTED)))
    own = pa.RecordBatch.from_pylist(rows, schema=_OWN)
    # By columns, because row by row they would take most of a line's time.
    columns = _same_for_all(source, len(rows)) | dict(
        zip(own.schema.names, own.columns, strict=True)
    )
    columns["decade"] = decades(columns["first_publish_year"])
    columns["cover_url"] = cover_urls(columns["cover_id"])
    columns["work_url"] = work_urls(columns["work_key"])
    columns["record_hash"] = work_hashes(columns)
    names = [*_ROWS.names, REJECTED]
    return pa.RecordBatch.from_arrays([columns[name] for name in names], names)


def _same_for_all(source: Source, length: int) -> dict[str, pa.Array]:
    known: dict[str, Any] = {
        # A processed row must say a number; where the row ends up, it is null again.
        "edition_count": 0,
        "ia_collections": [],
        "access_level": "none",
        "source_subject": NO_LISTING,
        "run_id": source.run_id,
        "raw_key": source.raw_key,
        "fetched_at": source.fetched_at,
        "contract_version": CONTRACT_VERSION,
    }
    return {
        field.name: pa.repeat(pa.scalar(known.get(field.name), field.type), length)
        for field in _ROWS
    }


def _parsed(line: bytes, position: int, source: Source) -> dict[str, Any]:
    try:
        return source.own_columns(line) | {"position": position}
    except BadLineError as error:
        rejected = source.rejected(line, position, error)
        found = {"work_key": work_of(line), "position": position}
        return found | {REJECTED: rejected.model_dump_json()}
