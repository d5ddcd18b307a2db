import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.query.files import to_markdown, to_parquet
from lake.query.tabular import QueryResult
from lake.testing.fake_lake import Lake


def read(result: QueryResult) -> pa.Table:
    return pq.read_table(io.BytesIO(to_parquet(result)))


def test_a_result_keeps_its_types_in_parquet(lake: Lake) -> None:
    found = lake.result("SELECT * FROM works WHERE year = 1997 AND ingest_date = '2026-11-23'")

    table = read(found)

    assert table.schema.field("year").type == pa.int32()
    assert table.schema.field("added_later").type == pa.int64()
    assert table.schema.field("price").type == pa.decimal128(10, 2)
    assert pa.types.is_list(table.schema.field("authors").type)
    assert table.column("shares").to_pylist() == [[("a", 0.5)]]
    assert table.column("fetched_at").to_pylist() == [datetime(2026, 11, 23, 6)]
    assert table.num_rows == 1


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("date", date(2026, 11, 23), date(2026, 11, 23)),
        ("boolean", True, True),
        ("varbinary", b"\x00", b"\x00"),
        # Athena itself gives nested values as text.
        ("array", "[{key=a}]", "[{key=a}]"),
        ("decimal", Decimal("1.50"), "1.50"),
        ("unknown", None, None),
        ("date", "+10000-01-01", "+10000-01-01"),
    ],
)
def test_values_are_stored(kind: str, value: Any, stored: Any) -> None:
    assert read(QueryResult(["a"], [kind], [(value,)])).column("a").to_pylist() == [stored]


def test_a_result_without_rows_is_a_file_with_its_columns() -> None:
    table = read(QueryResult(["a", "a"], ["bigint", "varchar"], []))

    assert table.schema.names == ["a", "a_2"]
    assert table.num_rows == 0


def test_markdown_is_a_table_of_github() -> None:
    found = QueryResult(["a", "b|c"], ["varchar", "bigint"], [("x|y\nz", None), ("é", 2)])

    assert to_markdown(found) == ("| a | b\\|c |\n| --- | --- |\n| x\\|y z |  |\n| é | 2 |\n")
