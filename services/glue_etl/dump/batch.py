"""A batch of a dump's lines: processed rows, and quarantine records beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from cleaning.columns import cover_urls, decades, work_hashes, work_urls
from glue_etl.dump.columns import own_columns
from glue_etl.dump.record import BadLineError, Source, record_of, work_of
from schemas.derive.arrow import arrow_schema
from schemas.rows.quarantine import QuarantineRecord
from schemas.source.dump import NO_LISTING, DumpWork
from schemas.tables import WORKS
from schemas.version import CONTRACT_VERSION

_ROWS: Final = arrow_schema(WORKS.columns)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected line, and the key of the work that it is of, if it says so."""

    record: QuarantineRecord
    work_key: str | None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What lines became, in order: each is a row, with the columns of ``works``, or rejected."""

    rows: pa.RecordBatch
    rejected: list[Rejected]


def parse_batch(lines: Iterable[tuple[bytes, int]], source: Source) -> Parsed:
    """Parse lines, each with its position."""
    works: list[DumpWork] = []
    positions: list[int] = []
    rejected: list[Rejected] = []
    for line, position in lines:
        try:
            works.append(record_of(line))
        except BadLineError as error:
            rejected.append(Rejected(source.rejected(line, position, error), work_of(line)))
        else:
            positions.append(position)
    if not works:
        return Parsed(pa.RecordBatch.from_pylist([], schema=_ROWS), rejected)
    made = _same_for_all(source, len(works)) | own_columns(works, source.fetched_at.year)
    made["position"] = pa.array(positions, _ROWS.field("position").type)
    made["decade"] = decades(made["first_publish_year"])
    made["cover_url"] = cover_urls(made["cover_id"])
    made["work_url"] = work_urls(made["work_key"])
    made["record_hash"] = work_hashes(made)
    rows = pa.RecordBatch.from_arrays([made[name] for name in _ROWS.names], schema=_ROWS)
    return Parsed(rows, rejected)


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
