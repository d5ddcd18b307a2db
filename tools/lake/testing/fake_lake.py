"""A lake of fakes: a catalogue in memory and, in place of S3, a folder."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from lake.aws import Cloud
from lake.query.execute import QueryResult, run_query

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
JSON_LINES = "org.openx.data.jsonserde.JsonSerDe"
WORKS = {
    "work_key": "string",
    "title": "string",
    "year": "int",
    "authors": "array<struct<key:string,name:string>>",
    "tags": "array<string>",
    "fetched_at": "timestamp",
    "shares": "map<string,double>",
    "price": "decimal(10,2)",
    "added_later": "bigint",
}
QUARANTINE = {"reason_code": "string", "payload": "string", "position": "int"}
DAYS = ("2026-11-23", "2026-11-24")


class MissingError(Exception):
    """What boto3 would call EntityNotFoundException or ParameterNotFound."""


class FakeGlue:
    exceptions = SimpleNamespace(EntityNotFoundException=MissingError)

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}
        self.partitions: dict[str, list[str]] = {}

    def add(self, name: str, columns: dict[str, str], serde: str, days: tuple[str, ...]) -> None:
        self.partitions[name] = list(days)
        self.tables[name] = {
            "Name": name,
            "PartitionKeys": [{"Name": "ingest_date", "Type": "string"}] if days else [],
            "StorageDescriptor": {
                "Location": f"s3://bucket/{name}/",
                "Columns": [{"Name": column, "Type": kind} for column, kind in columns.items()],
                "SerdeInfo": {"SerializationLibrary": serde},
            },
        }

    def add_view(self, name: str, columns: dict[str, str], sql: str) -> None:
        """Add a view as Athena writes it into the catalogue."""
        text = base64.b64encode(json.dumps({"originalSql": sql}).encode()).decode()
        self.add(name, columns, "", ())
        self.tables[name] |= {
            "TableType": "VIRTUAL_VIEW",
            "ViewOriginalText": f"/* Presto View: {text} */",
        }

    def get_table(self, **request: str) -> dict[str, Any]:
        if request["Name"] not in self.tables:
            raise MissingError
        return {"Table": self.tables[request["Name"]]}

    def get_paginator(self, operation: str) -> Any:
        def tables(**_request: str) -> Iterator[dict[str, Any]]:
            yield {"TableList": list(self.tables.values())}

        def partitions(**request: str) -> Iterator[dict[str, Any]]:
            name = request["TableName"]
            for day in self.partitions[name]:
                place = {"Location": f"s3://bucket/{name}/ingest_date={day}"}
                yield {"Partitions": [{"Values": [day], "StorageDescriptor": place}]}

        pages = {"get_tables": tables, "get_partitions": partitions}[operation]
        return SimpleNamespace(paginate=pages)


class FakeSsm:
    exceptions = SimpleNamespace(ParameterNotFound=MissingError)

    def get_parameter(self, **request: str) -> dict[str, Any]:
        if request["Name"] != "/openlake/local/foundation/glue-database":
            raise MissingError
        return {"Parameter": {"Value": "openlake_local"}}


class Lake:
    """A catalogue and a bucket that is a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.glue = FakeGlue()
        clients = {"glue": self.glue, "ssm": FakeSsm()}
        self.cloud = Cloud(endpoint="http://127.0.0.1:1", _clients=clients)

    def path(self, key: str) -> Path:
        path = self.folder / "bucket" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.result(sql).rows

    def result(self, sql: str) -> QueryResult:
        filesystem = SubTreeFileSystem(str(self.folder), LocalFileSystem())
        return run_query(self.cloud, sql, filesystem)


def works_of(day: str) -> pa.Table:
    fetched = pa.array([datetime.fromisoformat(day).replace(hour=6, tzinfo=UTC)] * 2)
    authors = [[{"key": "a1", "name": "Jane"}, {"key": "a2", "name": "Émile"}], []]
    return pa.table(
        {
            "work_key": ["/works/OL1W", "/works/OL2W"],
            "title": ["It's", None],
            "year": pa.array([1997, 2005], pa.int32()),
            "authors": authors,
            "tags": [["x", "y"], ["y"]],
            "fetched_at": fetched.cast(pa.timestamp("us", "UTC")),
            "shares": pa.array([[("a", 0.5)], None], pa.map_(pa.string(), pa.float64())),
            "price": pa.array([1, 2], pa.decimal128(10, 2)),
        }
    )
