"""Puts given tables into a bucket and a catalogue, as process and glue_etl would have left them."""

from __future__ import annotations

from typing import Any, Final

from lake.aws import Cloud
from lake.testing.fake_lake import JSON_LINES, PARQUET
from schemas.tables import PARTITIONS
from tests.views.tables import Stored, Tables

_SERDES: Final = {"parquet": PARQUET, "json": JSON_LINES}
_KEYS: Final = tuple(column.name for column in PARTITIONS)


def put_tables(cloud: Cloud, bucket: str, database: str, tables: Tables) -> None:
    """Store every file, and register the tables and their partitions."""
    for name, stored in tables.stored.items():
        folder = tables.root / name
        for path in sorted(file for file in folder.rglob("*") if file.is_file()):
            key = f"tables/{name}/{path.relative_to(folder)}"
            cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
        _register(cloud, database, name, stored, f"s3://{bucket}/tables/{name}")


def _register(cloud: Cloud, database: str, name: str, stored: Stored, location: str) -> None:
    glue = cloud.client("glue")
    keys = _KEYS if stored.days else ()
    described: dict[str, Any] = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": stored.format},
        "PartitionKeys": [{"Name": key, "Type": stored.types[key]} for key in keys],
        "StorageDescriptor": _storage(stored, f"{location}/"),
    }
    glue.create_table(DatabaseName=database, TableInput=described)
    for day in stored.days:
        glue.create_partition(
            DatabaseName=database,
            TableName=name,
            PartitionInput={
                "Values": [day],
                "StorageDescriptor": _storage(stored, f"{location}/ingest_date={day}/"),
            },
        )


def _storage(stored: Stored, location: str) -> dict[str, Any]:
    keys = _KEYS if stored.days else ()
    columns = [{"Name": n, "Type": kind} for n, kind in stored.types.items() if n not in keys]
    serde = {"SerializationLibrary": _SERDES[stored.format]}
    return {"Location": location, "Columns": columns, "SerdeInfo": serde}
