import gzip
from datetime import date
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from lake.aws import Cloud
from lake.errors import QueryError
from lake.query.catalogue import EMPTY_GZIP_BYTES, CatalogueTable, arrow_type, dataset


@pytest.mark.parametrize(
    ("glue", "arrow"),
    [
        ("string", pa.string()),
        ("varchar(20)", pa.string()),
        ("int", pa.int32()),
        ("bigint", pa.int64()),
        ("smallint", pa.int16()),
        ("tinyint", pa.int8()),
        ("float", pa.float32()),
        ("double", pa.float64()),
        ("boolean", pa.bool_()),
        ("date", pa.date32()),
        ("timestamp", pa.timestamp("us")),
        ("binary", pa.binary()),
        ("decimal", pa.decimal128(10, 0)),
        ("decimal(12,3)", pa.decimal128(12, 3)),
        ("map<string,array<int>>", pa.map_(pa.string(), pa.list_(pa.int32()))),
        (
            "array<struct<key:string,born:date>>",
            pa.list_(pa.struct([("key", pa.string()), ("born", pa.date32())])),
        ),
    ],
)
def test_glue_types_are_arrow_types(glue: str, arrow: pa.DataType) -> None:
    assert arrow_type(glue) == arrow


@pytest.mark.parametrize("glue", ["uniontype<int,string>", "array<", "nonsense"])
def test_an_unknown_type_is_named(glue: str) -> None:
    with pytest.raises(QueryError, match="unknown type"):
        arrow_type(glue)


def test_partition_values_have_the_types_of_their_keys(tmp_path: Any) -> None:
    """GIVEN a date and a null in partitions elsewhere, THEN rows carry them, files do not."""
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        pq.write_table(pa.table({"a": [1]}), tmp_path / folder / "f.parquet")
    partitions = [
        {"Values": ["2026-11-23"], "StorageDescriptor": {"Location": "s3://here/"}},
        {
            "Values": ["__HIVE_DEFAULT_PARTITION__"],
            "StorageDescriptor": {"Location": "s3://there/"},
        },
        {"Values": ["2026-11-24"], "StorageDescriptor": {"Location": "s3://nowhere/"}},
    ]
    paginator = SimpleNamespace(paginate=lambda **_request: [{"Partitions": partitions}])
    glue = SimpleNamespace(get_paginator=lambda _operation: paginator)
    table = CatalogueTable(
        "t",
        {
            "PartitionKeys": [{"Name": "day", "Type": "date"}],
            "StorageDescriptor": {
                "Columns": [{"Name": "a", "Type": "bigint"}],
                "SerdeInfo": {"SerializationLibrary": "ParquetHiveSerDe"},
            },
        },
    )
    found = dataset(
        Cloud(_clients={"glue": glue}),
        "db",
        table,
        SubTreeFileSystem(str(tmp_path), LocalFileSystem()),
    )
    assert found.to_table().to_pylist() == [
        {"a": 1, "day": date(2026, 11, 23)},
        {"a": 1, "day": None},
    ]


def test_a_view_is_reported_as_a_view() -> None:
    view = CatalogueTable("v", {"TableType": "VIRTUAL_VIEW", "StorageDescriptor": {"Columns": []}})
    with pytest.raises(QueryError, match="VIRTUAL_VIEW"):
        view.file_format()


def test_a_gzip_file_of_that_size_or_less_is_empty_and_no_other() -> None:
    assert len(gzip.compress(b"", mtime=0)) == EMPTY_GZIP_BYTES
    assert len(gzip.compress(b"\n", mtime=0)) > EMPTY_GZIP_BYTES
