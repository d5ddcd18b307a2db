"""What the Glue catalogue is told of a table: column types, comments, and how files are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from schemas.derive.columns import Column, ColumnType, ListOf, StructOf

_SCALARS: Final = {
    "string": "string",
    "int32": "int",
    "int64": "bigint",
    "bool": "boolean",
    "timestamp": "timestamp",
}

TableFormat = Literal["parquet", "json"]
JSON_SERDE: Final = "org.openx.data.jsonserde.JsonSerDe"
_PARQUET: Final = "org.apache.hadoop.hive.ql.io.parquet"
_READERS: Final[dict[TableFormat, tuple[str, str, str]]] = {
    "parquet": (
        f"{_PARQUET}.MapredParquetInputFormat",
        f"{_PARQUET}.MapredParquetOutputFormat",
        f"{_PARQUET}.serde.ParquetHiveSerDe",
    ),
    "json": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        JSON_SERDE,
    ),
}


def glue_type(column_type: ColumnType) -> str:
    """Return the Glue (Hive) type, without blanks: ``array<struct<key:string,name:string>>``."""
    if isinstance(column_type, ListOf):
        return f"array<{glue_type(column_type.item)}>"
    if isinstance(column_type, StructOf):
        fields = ",".join(f"{field.name}:{glue_type(field.type)}" for field in column_type.fields)
        return f"struct<{fields}>"
    return _SCALARS[column_type]


def normal_type(text: str) -> str:
    """Return a type as :func:`glue_type` writes it, however somebody wrote it."""
    return "".join(text.lower().split())


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


def storage_descriptor(
    columns: Sequence[Column], location: str, table_format: TableFormat
) -> dict[str, Any]:
    """Return Glue's ``StorageDescriptor`` of a table or partition whose files are at a location."""
    reader, writer, serde = _READERS[table_format]
    return {
        "Columns": glue_columns(columns),
        "Location": location,
        "InputFormat": reader,
        "OutputFormat": writer,
        "SerdeInfo": {"SerializationLibrary": serde},
    }
