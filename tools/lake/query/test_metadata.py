from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.errors import UnknownTableError
from lake.query.metadata import (
    columns_of,
    describe_table,
    list_tables,
    meanings,
    metadata_query,
)
from lake.testing.fake_lake import DAYS, PARQUET, Lake


@pytest.fixture
def own(tmp_path: Path) -> Lake:
    """A lake with two works in its processed table, and nothing else."""
    lake = Lake(tmp_path)
    lake.glue.add("crawled_works", {"work_key": "string"}, PARQUET, DAYS)
    for day in DAYS:
        path = lake.path(f"crawled_works/ingest_date={day}/page.parquet")
        pq.write_table(pa.table({"work_key": ["/works/OL1W"]}), path)
    return lake


def test_every_table_and_view_of_the_contracts_is_listed(own: Lake) -> None:
    found = {row[0]: row[1:3] for row in list_tables(own.cloud).rows}

    assert found["crawled_works"] == ("processed", True)
    assert found["quarantine"] == ("processed", False)
    assert found["works"] == ("curated", False)
    assert found["ebook_share"] == ("view", True)
    assert found.keys() == meanings().keys()


def test_a_column_has_type_unit_and_meaning() -> None:
    rows = {row[0]: row[1:] for row in columns_of("crawled_works").rows}

    assert rows["edition_count"] == (
        "int",
        "editions",
        "Number of editions that OpenLibrary knows",
    )
    assert rows["ingest_date"][0] == "string"
    assert {row[0]: row[2] for row in columns_of("ebook_share").rows}["ebook_share"] == "share"


def test_a_table_is_described_with_its_rows_and_newest_day(
    own: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.query.metadata.run_query", lambda _cloud, sql: own.result(sql))

    found = describe_table(own.cloud, "crawled_works")

    assert (found.kind, found.rows, found.newest) == ("processed", 2, "2026-11-24")
    assert found.columns[0]["column"] == "work_key"


def test_a_table_that_is_not_there_yet_is_described_without_rows(
    own: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.query.metadata.run_query", lambda _cloud, sql: own.result(sql))

    found = describe_table(own.cloud, "works")

    assert (found.rows, found.newest) == (None, None)
    assert found.columns


@pytest.mark.parametrize("name", ["work", "works; DROP TABLE works", "x" * 500, "\x1b[2J"])
def test_an_unknown_table_is_refused_and_never_queried(own: Lake, name: str) -> None:
    with pytest.raises(UnknownTableError, match="There is no table") as caught:
        describe_table(own.cloud, name)

    assert len(caught.value.message) < 100
    assert caught.value.message.isprintable()
    assert "The tables and views are: crawled_works, " in caught.value.hint


@pytest.mark.parametrize("sql", ["SHOW TABLES", " show  tables; "])
def test_show_tables_is_answered_from_the_contracts(own: Lake, sql: str) -> None:
    assert metadata_query(own.cloud, sql) == list_tables(own.cloud)


@pytest.mark.parametrize("sql", ["DESCRIBE works", 'desc "WORKS";', "SHOW COLUMNS FROM works"])
def test_describe_is_answered_from_the_contracts(own: Lake, sql: str) -> None:
    assert metadata_query(own.cloud, sql) == columns_of("works")


@pytest.mark.parametrize("sql", ["SELECT 1", "SHOW CREATE TABLE works", "DESCRIBE a.b", "SHOW"])
def test_other_statements_are_not_metadata(own: Lake, sql: str) -> None:
    assert metadata_query(own.cloud, sql) is None
