"""Glue column types and comments, derived from the neutral columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from schemas.derive.columns import Column, ColumnType, ListOf, StructOf

_SCALARS: Final = {
    "string": "string",
    "int32": "int",
    "int64": "bigint",
    "bool": "boolean",
    "timestamp": "timestamp",
}


def glue_type(column_type: ColumnType) -> str:
    """Return the Glue (Hive) type, without blanks: ``array<struct<key:string,name:string>>``."""
    if isinstance(column_type, ListOf):
        return f"array<{glue_type(column_type.item)}>"
    if isinstance(column_type, StructOf):
        fields = ",".join(f"{field.name}:{glue_type(field.type)}" for field in column_type.fields)
        return f"struct<{fields}>"
    return _SCALARS[column_type]


def glue_types(columns: Sequence[Column]) -> dict[str, str]:
    """Return the types by column name, in order."""
    return {column.name: glue_type(column.type) for column in columns}


def glue_comments(columns: Sequence[Column]) -> dict[str, str]:
    """Return the comments by column name."""
    return {column.name: column.description for column in columns}


def glue_columns(columns: Sequence[Column]) -> list[dict[str, str]]:
    """Return the columns as the Glue API and CloudFormation take them."""
    return [
        {"Name": column.name, "Type": glue_type(column.type), "Comment": column.description}
        for column in columns
    ]
