"""A batch of a dump's lines as columns: processed rows, and quarantine records beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from cleaning.columns import work_hashes
from glue_etl.dump.record import BadLineError, Source, work_of
from schemas.derive.arrow import arrow_schema
from schemas.tables import WORKS

#: The quarantine record as JSON; null for a row.
REJECTED: Final = "rejected"
_HASH: Final = "record_hash"
_ROWS: Final = arrow_schema(WORKS.columns)
_SCHEMA: Final = _ROWS.append(pa.field(REJECTED, pa.string()))


def parse_batch(lines: Iterable[tuple[bytes, int]], source: Source) -> pa.RecordBatch:
    """Parse lines, each with its position.

    Returns
    -------
    pyarrow.RecordBatch
        A row a line, in order: the columns of ``works``, and :data:`REJECTED`. Of a rejected line,
        the key of the work that it is of, if it says so.
    """
    rows = [_parsed(line, position, source) for line, position in lines]
    made = pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)
    hashes = work_hashes({name: made.column(name) for name in _ROWS.names})
    # By columns, because row by row it takes a third of a line's time.
    hashes = pc.if_else(made.column(REJECTED).is_null(), hashes, pa.scalar(None, pa.string()))
    return made.set_column(_SCHEMA.get_field_index(_HASH), _SCHEMA.field(_HASH), hashes)


def _parsed(line: bytes, position: int, source: Source) -> dict[str, Any]:
    try:
        return source.row(line, position)
    except BadLineError as error:
        rejected = source.rejected(line, position, error)
        found = {"work_key": work_of(line), "position": position}
        return found | {REJECTED: rejected.model_dump_json()}
