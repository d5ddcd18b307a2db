"""Spark schemas: the JSON that ``StructType.fromJson`` reads, and DDL, without pyspark."""

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
_DDL: Final = {**_SCALARS, "int32": "int", "int64": "bigint"}


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


def spark_ddl(columns: Sequence[Column]) -> str:
    """Return the schema as DDL, such as ``work_key string, decade int``."""
    return ", ".join(f"{column.name} {_ddl_type(column.type)}" for column in columns)


def _json_type(column_type: ColumnType) -> str | dict[str, Any]:
    if isinstance(column_type, ListOf):
        return {"type": "array", "elementType": _json_type(column_type.item), "containsNull": True}
    if isinstance(column_type, StructOf):
        return spark_schema(column_type.fields)
    return _SCALARS[column_type]


def _ddl_type(column_type: ColumnType) -> str:
    if isinstance(column_type, ListOf):
        return f"array<{_ddl_type(column_type.item)}>"
    if isinstance(column_type, StructOf):
        fields = ", ".join(f"{field.name}: {_ddl_type(field.type)}" for field in column_type.fields)
        return f"struct<{fields}>"
    return _DDL[column_type]
