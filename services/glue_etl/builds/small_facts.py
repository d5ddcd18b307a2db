"""Measures a small build without Spark, which plans each question for longer than it reads.

What it finds is what :mod:`glue_etl.builds.facts` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from glue_etl.builds.rules import TableFacts
from glue_etl.ports import Files
from schemas.curated_tables import CURATED, CuratedTable
from schemas.derive.arrow import arrow_schema
from schemas.rows.curated import ALL_WORKS


def measure_small(files: Files, curated: str, build: str) -> dict[str, TableFacts]:
    """Measure all tables of a build in memory.

    Parameters
    ----------
    curated
        URI of the curated tables.
    """
    tables = {name: _read(files, curated, table, build) for name, table in CURATED.items()}
    return {name: _facts(tables, table) for name, table in CURATED.items()}


def _read(files: Files, curated: str, table: CuratedTable, build: str) -> pa.Table:
    judged = {
        *table.key,
        *table.references,
        *(column.name for column in table.columns if not column.nullable),
    }
    fields = arrow_schema([column for column in table.columns if column.name in judged])
    # A null where none may be is what is looked for.
    schema = pa.schema([(field.name, field.type) for field in fields])
    found = (files.read(file.uri) for file in files.find(f"{curated}{table.folder(build)}"))
    parts = [pq.read_table(BytesIO(body), columns=schema.names) for body in found if body]
    return pa.concat_tables([schema.empty_table(), *(part.cast(schema) for part in parts)])


def _facts(tables: Mapping[str, pa.Table], table: CuratedTable) -> TableFacts:
    rows = tables[table.name]
    required = [column.name for column in table.columns if not column.nullable]
    return TableFacts(
        rows.num_rows,
        rows.group_by(list(table.key)).aggregate([]).num_rows,
        {name: rows[name].null_count for name in required},
        {
            column: _orphans(rows[column], tables[target][key])
            for column, (target, key) in table.references.items()
        },
    )


def _orphans(values: pa.ChunkedArray, keys: pa.ChunkedArray) -> int:
    """Count the values that no key is; nulls and the mark of all works refer to nothing."""
    refers = pc.fill_null(pc.not_equal(values, ALL_WORKS), False)
    lost = pc.invert(pc.is_in(values, keys.combine_chunks()))
    return int(pc.sum(pc.and_(refers, lost)).as_py() or 0)
