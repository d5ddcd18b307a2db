import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from lake.aws import Cloud
from lake.errors import QueryError
from lake.query import run_query

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
        assert request["Name"] == "/openlake/local/foundation/glue-database"
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

    def result(self, sql: str) -> Any:
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


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.glue.add("works", WORKS, PARQUET, DAYS)
    lake.glue.add("empty", WORKS, PARQUET, ("2026-11-25",))
    lake.glue.add("quarantine", QUARANTINE, JSON_LINES, DAYS)
    lake.glue.add("subjects", {"name": "string"}, PARQUET, ())
    lake.glue.add("other", {"a": "string"}, "org.apache.hadoop.hive.serde2.OpenCSVSerde", ())
    pq.write_table(pa.table({"name": ["love"]}), lake.path("subjects/part.parquet"))
    for day in (*DAYS, "2026-12-31"):
        pq.write_table(works_of(day), lake.path(f"works/ingest_date={day}/page.parquet"))
        record = f'{{"reason_code": "{day}T00:00:00Z", "payload": "{{\\"key\\": 7}}", "more": [1]}}'
        path = lake.path(f"quarantine/ingest_date={day}/page.jsonl.gz")
        path.write_bytes(gzip.compress(f"{record}\n".encode()))
    lake.path("works/ingest_date=2026-11-23/_SUCCESS").write_text("not data")
    lake.path("works/ingest_date=2026-11-23/marker").touch()
    return lake


def test_only_registered_partitions_count(lake: Lake) -> None:
    found = lake.rows("SELECT ingest_date, count(*) FROM works GROUP BY 1 ORDER BY 1")
    assert found == [(day, 2) for day in DAYS]


def test_values_are_those_of_python(lake: Lake) -> None:
    found = lake.result("SELECT * FROM works WHERE year = 1997 AND ingest_date = '2026-11-23'")
    assert found.columns == [*WORKS, "ingest_date"]
    assert found.types[2:4] == ["integer", 'array(row("key" varchar, "name" varchar))']
    (row,) = found.records()
    assert row == {
        "work_key": "/works/OL1W",
        "title": "It's",
        "year": 1997,
        "authors": [{"key": "a1", "name": "Jane"}, {"key": "a2", "name": "Émile"}],
        "tags": ["x", "y"],
        "fetched_at": "2026-11-23T06:00:00",
        "shares": {"a": 0.5},
        "price": 1,
        "added_later": None,
        "ingest_date": "2026-11-23",
    }


def test_a_filter_on_the_partition_leaves_others_unread(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.glue.add("works", {"title": "string"}, PARQUET, DAYS)
    good, bad = (lake.path(f"works/ingest_date={day}/page.parquet") for day in DAYS)
    pq.write_table(pa.table({"title": ["a"]}), good)
    bad.write_text("this is no Parquet file")
    assert lake.rows("SELECT title FROM works WHERE ingest_date = '2026-11-23'") == [("a",)]
    with pytest.raises(QueryError, match="page.parquet"):
        lake.rows("SELECT title FROM works")


def test_a_table_without_rows_has_its_columns(lake: Lake) -> None:
    found = lake.result("SELECT * FROM empty")
    assert found.rows == []
    assert found.columns == [*WORKS, "ingest_date"]
    assert lake.rows("SELECT count(*), max(year) FROM empty") == [(0, None)]


def test_json_lines_are_a_table(lake: Lake) -> None:
    found = lake.rows("SELECT reason_code, position, ingest_date FROM quarantine ORDER BY 1")
    assert found == [(f"{day}T00:00:00Z", None, day) for day in DAYS]
    assert lake.rows("SELECT DISTINCT json_extract_scalar(payload, '$.key') FROM quarantine") == [
        ("7",)
    ]


def test_a_table_needs_no_partitions(lake: Lake) -> None:
    assert lake.rows("SELECT name FROM subjects") == [("love",)]


@pytest.mark.parametrize(
    "table",
    ["works", "WORKS", '"works"', "openlake_local.works", "awsdatacatalog.openlake_local.works"],
)
def test_a_table_has_its_names(lake: Lake, table: str) -> None:
    assert lake.rows(f"SELECT count(*) FROM {table}") == [(4,)]


def test_a_with_name_may_be_that_of_a_table(lake: Lake) -> None:
    sql = "WITH works AS (SELECT * FROM works WHERE year > 2000) SELECT count(*) FROM works"
    assert lake.rows(sql) == [(2,)]


@pytest.mark.parametrize(
    "table",
    ["nope", "elsewhere.works", "other_catalog.openlake_local.works", "information_schema.tables"]
    + ['"/etc/passwd"', '"page.parquet"', "_lake_0", '"x""; DROP TABLE works; --"'],
)
def test_an_unknown_table_is_answered_with_the_known_ones(lake: Lake, table: str) -> None:
    with pytest.raises(QueryError, match="There is no table") as caught:
        lake.rows(f"SELECT * FROM {table}")
    assert "empty, other, quarantine, subjects, works" in caught.value.hint


def test_an_empty_catalogue_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="the catalogue is empty") as caught:
        Lake(tmp_path).rows("SELECT * FROM works")
    assert "./lake ingest" in caught.value.hint


def test_a_format_that_cannot_be_read_is_named(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"table other .*opencsvserde"):
        lake.rows("SELECT * FROM other")


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT 7 / 2, -7 / 2, -7 % 3, 7.0 / 2", [(3, -3, -1, 3.5)]),
        ("SELECT sum(year) FROM works", [(8004,)]),
        ("SELECT DATE '2026-01-31' + INTERVAL '1' DAY", [(date(2026, 2, 1),)]),
        ("SELECT date_add('month', 1, DATE '2026-01-31')", [(date(2026, 2, 28),)]),
        ("SELECT cardinality(tags), cardinality(shares) FROM works ORDER BY 1 DESC LIMIT 1", [(2, 1)]),
        ("SELECT any_match(ARRAY[1, 2], x -> x = 2), all_match(ARRAY[1], x -> x > 1)", [(True, False)]),
        ("SELECT approx_distinct(work_key), count_if(title IS NULL) FROM works", [(2, 2)]),
        ("SELECT 'it''s', 'a\\nb'", [("it's", "a\\nb")]),
        ("SELECT year - year % 10 AS d FROM works GROUP BY 1 ORDER BY 1", [(1990,), (2000,)]),
        ("SELECT element_at(ARRAY['a'], 1), split('a,b', ',')[2], array_join(ARRAY['a', 'b'], '+')",
         [("a", "b", "a+b")]),
        ("SELECT try_cast('x' AS bigint), coalesce(NULL, 1), if(1 > 2, 'a', 'b')", [(None, 1, "b")]),
        ("SELECT from_iso8601_timestamp('2026-11-23T06:00:00Z')", [(datetime(2026, 11, 23, 6, tzinfo=UTC),)]),
        ("SELECT count(*) FROM works WHERE fetched_at < TIMESTAMP '2026-11-24 00:00:00'", [(2,)]),
        ("SELECT date_trunc('day', fetched_at) FROM works ORDER BY 1 LIMIT 1", [(datetime(2026, 11, 23),)]),
    ],
)  # fmt: skip
def test_the_dialect_is_athena_s(lake: Lake, sql: str, rows: list[tuple[Any, ...]]) -> None:
    assert lake.rows(sql) == rows


@pytest.mark.parametrize(
    ("source", "columns", "rows"),
    [
        ("works CROSS JOIN UNNEST(authors) AS a (k, n)", "k, n", [("a1", "Jane"), ("a2", "Émile")]),
        ("works CROSS JOIN UNNEST(authors)", "key, name", [("a1", "Jane"), ("a2", "Émile")]),
        ("works w CROSS JOIN UNNEST(w.authors) WITH ORDINALITY AS a (k, n, i)", "k, i",
         [("a1", 1), ("a2", 2)]),
        ("works LEFT JOIN UNNEST(authors) AS a (k, n) ON TRUE", "n",
         [(None,), ("Jane",), ("Émile",)]),
        ("(SELECT authors AS who FROM works) CROSS JOIN UNNEST(who) AS a (k, n)", "k",
         [("a1",), ("a2",)]),
        ("works, UNNEST(filter(authors, a -> a.key = 'a2')) AS a (k, n)", "n", [("Émile",)]),
        ("works, UNNEST(tags) AS t (tag)", "tag", [("x",), ("y",)]),
        ("works, UNNEST(tags) WITH ORDINALITY AS t (tag, i)", "tag, i",
         [("x", 1), ("y", 1), ("y", 2)]),
        ("works, UNNEST(shares) AS s (k, v)", "k, v", [("a", 0.5)]),
        ("UNNEST(ARRAY[ROW(1, 'a')]) AS t (n, c)", "n, c", [(1, "a")]),
    ],
)  # fmt: skip
def test_unnest_makes_a_column_of_each_field(
    lake: Lake, source: str, columns: str, rows: list[tuple[Any, ...]]
) -> None:
    order = ", ".join(str(number) for number in range(1, len(rows[0]) + 1))
    sql = f"SELECT DISTINCT {columns} FROM {source} ORDER BY {order} NULLS FIRST"
    assert lake.rows(sql) == rows


def test_unnest_wants_a_name_for_each_field(lake: Lake) -> None:
    with pytest.raises(QueryError, match="1 columns are named, but there are 2"):
        lake.rows("SELECT a FROM works CROSS JOIN UNNEST(authors) AS t (a)")


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT count(*), year, max(year) FROM works GROUP BY year", ["_col0", "year", "_col2"]),
        ("SELECT * FROM (SELECT 1, 2 AS b)", ["_col0", "b"]),
        ("VALUES (1, 'a')", ["_col0", "_col1"]),
        ("SELECT authors[1].name, element_at(authors, 1).key FROM works", ["name", "key"]),
        ("SELECT 1 AS a, 2 AS a", ["a", "a"]),
    ],
)
def test_columns_have_the_names_that_athena_gives(lake: Lake, sql: str, columns: list[str]) -> None:
    assert lake.result(sql).columns == columns


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nope FROM works", '"nope" not found'),
        ("SELECT nope(title) FROM works", "has no function nope"),
        ("SELECT 1 / 0", "Division by zero"),
        ("SELECT CAST('x' AS bigint)", "Could not convert"),
        ("SELECT ?", "parameters"),
        ("SELECT fetched_at AT TIME ZONE 'Europe/Berlin' FROM works", "AT TIME ZONE"),
        ("SELECT 1" + "+1" * 2000, "depth"),
    ],
)
def test_a_failure_is_told_without_the_translated_text(lake: Lake, sql: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        lake.rows(sql)
    assert "LINE 1" not in caught.value.message
    assert "SET " not in caught.value.message
    assert "\n" not in caught.value.message


def test_without_a_catalogue_the_hint_says_what_to_run() -> None:
    def missing(**_request: str) -> None:
        raise MissingError

    ssm = SimpleNamespace(get_parameter=missing, exceptions=FakeSsm.exceptions)
    with pytest.raises(QueryError, match="glue-database is not set") as caught:
        run_query(Cloud(endpoint="http://127.0.0.1:1", _clients={"ssm": ssm}), "SELECT 1")
    assert "./lake demo" in caught.value.hint


def test_the_engine_is_locked(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a statement that got past every check, WHEN it runs, THEN the engine refuses it."""
    from lake import query

    outside = lake.folder / "outside.csv"
    outside.write_text("a\n1\n")
    for hostile in (
        f"SELECT * FROM read_csv('{outside}')",
        f"SELECT * FROM '{outside}'",
        f"SELECT * FROM glob('{lake.folder}/*')",
        "SELECT * FROM lake",
        "SET lock_configuration = false",
        f"COPY (SELECT 1) TO '{lake.folder}/written.csv'",
        f"ATTACH '{lake.folder}/written.db'",
        "INSTALL httpfs",
        "SELECT 1; SELECT 2",
    ):
        monkeypatch.setattr(query, "to_duckdb", lambda _statement, _tables, text=hostile: text)
        with pytest.raises(QueryError):
            lake.rows("SELECT 1")
    assert not list(lake.folder.glob("written*"))
