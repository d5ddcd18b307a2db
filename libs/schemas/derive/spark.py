"""Spark schemas as JSON that ``StructType.fromJson`` reads, without pyspark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from schemas.derive.columns import Column, ColumnType, ListOf, StructOf

_SCALARS: Final = {
    "string": "string",
    "int32": "integer",
    "int64": "long",
    "bool": "boolean",
    "timestamp": "timestamp",
}


def spark_schema(columns: Sequence[Column]) -> dict[str, Any]:
    """Return the schema as ``StructType.fromJson`` takes it; every column is nullable."""
    fields = [
        {
            "name": column.name,
            "type": _json_type(column.type),
            "nullable": True,
            "metadata": {"comment": column.description},
        }
        for column in columns
    ]
    return {"type": "struct", "fields": fields}


def _json_type(column_type: ColumnType) -> str | dict[str, Any]:
    if isinstance(column_type, ListOf):
        return {"type": "array", "elementType": _json_type(column_type.item), "containsNull": True}
    if isinstance(column_type, StructOf):
        return spark_schema(column_type.fields)
    return _SCALARS[column_type]
