"""Arrow schemas, derived from the neutral columns; no other module here imports pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from schemas.derive.columns import Column, ColumnType, ListOf, StructOf

# Microseconds are what Spark and Athena read; nanoseconds are not.
_SCALARS: Final[dict[str, pa.DataType]] = {
    "string": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_type(column_type: ColumnType) -> pa.DataType:
    """Return the Arrow type; a list's item is called ``element``, as Parquet calls it."""
    if isinstance(column_type, ListOf):
        return pa.list_(pa.field("element", arrow_type(column_type.item)))
    if isinstance(column_type, StructOf):
        return pa.struct([(field.name, arrow_type(field.type)) for field in column_type.fields])
    return _SCALARS[column_type]


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the schema; every field is nullable."""
    return pa.schema([(column.name, arrow_type(column.type)) for column in columns])
