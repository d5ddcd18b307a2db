import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.aws import Cloud
from lake.errors import QueryError, UnknownTableError
from lake.query import execute
from lake.query.execute import run_query
from lake.testing.fake_lake import (
    DAYS,
    JSON_LINES,
    PARQUET,
    QUARANTINE,
    WORKS,
    FakeSsm,
    Lake,
    MissingError,
)

SUBJECTS = {
    "subject_key": "string",
    "name": "string",
    "kind": "string",
    "work_count": "bigint",
    "ebook_count": "bigint",
}

# Table names cannot be parameters, and every statement here is written here.
# ruff: noqa: S608


def test_only_registered_partitions_count(lake: Lake) -> None:
    found = lake.rows("SELECT ingest_date, count(*) FROM works GROUP BY 1 ORDER BY 1")
    assert found == [(day, 2) for day in DAYS]


def test_values_are_python_values(lake: Lake) -> None:
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


def test_the_longest_record_that_is_kept_of_a_rejected_one_can_be_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.glue.add("quarantine", QUARANTINE, JSON_LINES, DAYS)
    # As long as JSON makes a million characters.
    records = [{"reason_code": "record.bad", "payload": text} for text in ("a", "\x01" * 1_000_000)]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    path = lake.path(f"quarantine/ingest_date={DAYS[0]}/page.jsonl.gz")
    path.write_bytes(gzip.compress(lines.encode()))

    found = lake.rows("SELECT length(payload) FROM quarantine ORDER BY 1")

    assert found == [(1,), (1_000_000,)]


def test_a_table_needs_no_partitions(lake: Lake) -> None:
    assert lake.rows("SELECT name FROM subjects") == [("love",)]


@pytest.mark.parametrize(
    "table",
    ["works", "WORKS", '"works"', "openlake_local.works", "awsdatacatalog.openlake_local.works"],
)
def test_a_table_shows_the_column_names(lake: Lake, table: str) -> None:
    assert lake.rows(f"SELECT count(*) FROM {table}") == [(4,)]


def test_a_with_name_may_shadow_a_table(lake: Lake) -> None:
    sql = "WITH works AS (SELECT * FROM works WHERE year > 2000) SELECT count(*) FROM works"
    assert lake.rows(sql) == [(2,)]


@pytest.mark.parametrize(
    "table",
    [
        "nope",
        "elsewhere.works",
        "other_catalog.openlake_local.works",
        "information_schema.tables",
        '"/etc/passwd"',
        '"page.parquet"',
        "_lake_0",
        '"x""; DROP TABLE works; --"',
    ],
)
def test_an_unknown_table_is_answered_with_the_known_ones(lake: Lake, table: str) -> None:
    with pytest.raises(QueryError, match="There is no table") as caught:
        lake.rows(f"SELECT * FROM {table}")
    assert "empty, other, quarantine, subjects, works" in caught.value.hint


@pytest.mark.parametrize(
    ("table", "message"),
    [("authors", "no curated tables were built"), ("curated_works", "is called works now")],
)
def test_a_table_that_is_not_built_yet_or_renamed_says_so(
    lake: Lake, table: str, message: str
) -> None:
    with pytest.raises(UnknownTableError, match=message):
        lake.rows(f"SELECT * FROM {table}")


def test_an_empty_catalogue_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="the catalogue is empty") as caught:
        Lake(tmp_path).rows("SELECT * FROM works")
    assert "./lake demo" in caught.value.hint


@pytest.fixture
def lake_of_views(lake: Lake) -> Iterator[Lake]:
    lake.glue.add_view("recent", {"title": "string", "half": "int"}, _RECENT)
    lake.glue.add_view("newest", {"half": "int"}, "SELECT max(half) AS half FROM recent")
    lake.glue.add_view("circle", {"a": "int"}, "SELECT a FROM around")
    lake.glue.add_view("around", {"a": "int"}, "SELECT a FROM circle")
    lake.glue.add_view("hostile", {"a": "int"}, "SELECT 1 AS a; DROP TABLE works")
    lake.glue.add_view("broken", {"a": "int"}, "SELECT 1 AS a")
    lake.glue.tables["broken"]["ViewOriginalText"] = "/* Presto View: nothing */"
    yield lake
    for name in ("recent", "newest", "circle", "around", "hostile", "broken"):
        del lake.glue.tables[name]


_RECENT = "SELECT title, year / 2 AS half FROM works WHERE year > 2000"


def test_a_view_is_queried_as_athena_would(lake_of_views: Lake) -> None:
    assert lake_of_views.rows("SELECT half, title FROM recent") == [(1002, None)] * 2
    assert lake_of_views.rows("SELECT half FROM newest") == [(1002,)]
    joined = "SELECT count(*) FROM works w JOIN newest n ON w.year / 2 = n.half"
    assert lake_of_views.rows(joined) == [(2,)]


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ("circle", "view circle refers to itself"),
        ("hostile", "There are 2 statements"),
        ("broken", "view broken has no text"),
    ],
)
def test_an_invalid_view_is_refused(lake_of_views: Lake, view: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        lake_of_views.rows(f"SELECT * FROM {view}")


def test_a_view_answers_by_its_name_though_it_is_not_deployed(lake: Lake) -> None:
    lake.glue.add("subjects", SUBJECTS, PARQUET, ())
    rows = {"subject_key": ["love"], "name": ["Love"], "kind": ["subject"]}
    counts = {"work_count": [10], "ebook_count": [4]}
    path = lake.path("subjects/part.parquet")
    before = path.read_bytes()
    pq.write_table(pa.table(rows | counts), path)
    try:
        found = lake.result("SELECT subject, ebook_share FROM ebook_share WHERE ebook_share > 0.1")
        joined = "SELECT e.subject FROM ebook_share e JOIN subjects s USING (subject_key)"
        own = "WITH ebook_share AS (SELECT 7 AS a) SELECT a FROM ebook_share"
        assert found.rows == [("Love", 0.4)]
        assert found.types == ["varchar", "double"]
        assert lake.rows(joined) == [("Love",)]
        assert lake.rows(own) == [(7,)]
    finally:
        path.write_bytes(before)
        lake.glue.add("subjects", {"name": "string"}, PARQUET, ())


def test_a_misspelt_table_is_answered_with_the_one_that_was_meant(lake: Lake) -> None:
    for given, meant in (("work", "works"), ("ebook_shares", "ebook_share")):
        with pytest.raises(QueryError) as caught:
            lake.rows(f"SELECT * FROM {given}")
        assert caught.value.hint.startswith(f"Did you mean {meant}? ")


def test_a_format_that_cannot_be_read_is_named(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"table other .*opencsvserde"):
        lake.rows("SELECT * FROM other")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nope FROM works", '"nope" not found'),
        ("SELECT nope(title) FROM works", "has no function nope"),
        ("SELECT 1 / 0", "Division by zero"),
        ("SELECT CAST('x' AS bigint)", "cannot cast 'x' to bigint"),
        ("SELECT ?", "parameters"),
        ("SELECT fetched_at AT TIME ZONE 'Europe/Berlin' FROM works", "AT TIME ZONE"),
        ("SELECT 1" + "+1" * 2000, "depth"),
    ],
)
def test_a_failure_does_not_quote_translated_sql(lake: Lake, sql: str, message: str) -> None:
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
        monkeypatch.setattr(execute, "to_duckdb", lambda _statement, _tables, text=hostile: text)
        with pytest.raises(QueryError):
            lake.rows("SELECT 1")
    assert not list(lake.folder.glob("written*"))


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE works; --",
        "\N{PILE OF POO} \u202e\u0000",
        "/* */ -- ; \\ %s ${x} {{y}}",
        "x" * 1_000_000,
    ],
)
def test_a_hostile_text_in_quotes_is_a_text(lake: Lake, text: str) -> None:
    quoted = text.replace("'", "''")
    assert lake.rows(f"SELECT count(*), '{quoted}' FROM works") == [(4, text)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM works WHERE title = 'a'; DROP TABLE works",
        "SELECT * FROM works WHERE title = '' OR 1=1; --'\n; DELETE FROM works",
        "SELECT 1 /* ; */; INSTALL httpfs",
        "SELECT \N{PILE OF POO} FROM works",
        'SELECT * FROM "\N{PILE OF POO}"',
        "\N{PILE OF POO}",
        "SELECT \u0000",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        'SELECT * FROM "/etc/passwd"',
        "COPY (SELECT 1) TO '/tmp/written'",
        "COPY works TO '/tmp/written' (FORMAT parquet)",
        "ATTACH '/tmp/written.db'",
        "INSTALL httpfs",
        "EXPORT DATABASE '/tmp/written'",
        "SELECT * FROM works, " + ", ".join(["nope"] * 20_000),
    ],
)
def test_a_hostile_statement_is_a_query_error(lake: Lake, sql: str) -> None:
    with pytest.raises(QueryError) as caught:
        lake.rows(sql)
    assert len(caught.value.message) < 500
    assert lake.rows("SELECT count(*) FROM works") == [(4,)]
