"""The load into Redshift, without Redshift: its statements are parsed as Redshift's, and what they
mean is tried in DuckDB. No Redshift has run them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from glue_etl import job
from glue_etl.adapters.redshift import RedshiftData
from glue_etl.builds.warehouse import Load
from glue_etl.errors import InvalidArgumentsError, WarehouseError
from glue_etl.settings import PublishArguments
from glue_etl.testing.memory import World
from schemas.curated_tables import CURATED, CuratedTable

ROLE = "arn:aws:iam::123456789012:role/openlake-dev-warehouse"
LOAD = Load("s3://lake/curated_data/", "b-1", "openlake", ROLE)
#: https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
MOST_STATEMENTS = 40

each_table = pytest.mark.parametrize("table", CURATED.values(), ids=lambda table: table.name)


def parsed(statements: list[str]) -> list[Any]:
    return [sqlglot.parse_one(statement, read="redshift") for statement in statements]


def test_one_transaction_takes_all() -> None:
    assert len(LOAD.definitions()) <= MOST_STATEMENTS
    assert len(LOAD.statements()) <= MOST_STATEMENTS


def test_each_table_is_staged_copied_merged_and_cleaned() -> None:
    kinds = [type(statement) for statement in parsed(LOAD.statements())]

    assert kinds == [exp.Create, exp.Copy, exp.Merge, exp.Delete] * len(CURATED)


@each_table
def test_a_table_is_defined_by_its_contract(table: CuratedTable) -> None:
    definition = parsed(LOAD.definitions())[1 + list(CURATED).index(table.name)]

    found = {column.name: column.kind for column in definition.find_all(exp.ColumnDef)}
    assert list(found) == [column.name for column in table.columns]
    nested = {column.name for column in table.columns if not isinstance(column.type, str)}
    assert {name for name, kind in found.items() if str(kind) == "SUPER"} == nested


def test_files_of_the_build_are_copied_by_the_role() -> None:
    copies = [statement for statement in LOAD.statements() if statement.startswith("COPY")]

    assert copies[0] == (
        "COPY \"stage_works\" FROM 's3://lake/curated_data/works/build=b-1/'"
        f" IAM_ROLE '{ROLE}' FORMAT AS PARQUET SERIALIZETOJSON"
    )
    assert copies[1].endswith("FORMAT AS PARQUET")


@pytest.mark.parametrize("bad", ["s3://lake/it's/", "s3://lake/x\\/", "s3://lake/a b/"])
def test_what_could_end_a_text_of_sql_is_refused(bad: str) -> None:
    with pytest.raises(InvalidArgumentsError, match="SQL"):
        Load(bad, "b-1", "openlake", ROLE)


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for statement in LOAD.definitions():
            connection.execute(for_duckdb(statement))
        yield connection


def for_duckdb(statement: str) -> str:
    # DuckDB has no SUPER, and no sort keys.
    plain = statement.partition(" SORTKEY")[0].replace(" SUPER", " JSON")
    return sqlglot.transpile(plain, read="redshift", write="duckdb")[0]


def test_a_load_changes_adds_and_removes_rows(database: duckdb.DuckDBPyConnection) -> None:
    database.execute("insert into openlake.work_authors values ('w1', 'a1', 0), ('w2', 'a1', 0)")
    create, _, merge, delete = LOAD.statements()[12:16]
    database.execute('create temp table "stage_work_authors" as from openlake.work_authors limit 0')
    database.execute("insert into stage_work_authors values ('w1', 'a1', 3), ('w3', 'a1', 1)")

    for _ in range(2):
        for statement in (merge, delete):
            database.execute(for_duckdb(statement))

        rows = database.sql("from openlake.work_authors order by all").fetchall()
        assert rows == [("w1", "a1", 3), ("w3", "a1", 1)]
    assert '"stage_work_authors"' in create


@dataclass
class DataApi:
    """The Data API of a workgroup that ends a load so, at the first look or a later one."""

    status: str = "FINISHED"
    running: int = 0
    batches: list[dict[str, Any]] = field(default_factory=list)

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        self.batches.append(request)
        return {"Id": f"statement-{len(self.batches)}"}

    def describe_statement(self, Id: str) -> dict[str, Any]:  # noqa: N803  # AWS's name
        if self.running:
            self.running -= 1
            return {"Id": Id, "Status": "STARTED"}
        return {"Id": Id, "Status": self.status, "Error": "ERROR: no such file"}


def test_a_load_waits_for_its_end() -> None:
    api, waits = DataApi(running=2), list[float]()

    RedshiftData(api, "lake", "dev", waits.append).run(LOAD.statements())

    assert api.batches == [{"WorkgroupName": "lake", "Database": "dev", "Sqls": LOAD.statements()}]
    assert waits == [5, 5]


def test_a_load_that_fails_is_told_in_redshift_s_words() -> None:
    with pytest.raises(WarehouseError, match="no such file") as caught:
        RedshiftData(DataApi("FAILED"), "lake", "dev", lambda _: None).run(["select 1"])

    assert caught.value.fields == {"statement": "statement-1"}


PLACES = ["--curated", "s3://lake/curated_data/", "--runs", "s3://lake/runs/"]


def test_a_build_is_loaded_once_where_a_warehouse_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GIVEN a published build WHEN jobs follow that change nothing THEN it is loaded once."""
    api = DataApi()
    monkeypatch.setattr(job, "aws_client", lambda _: api)
    named = ["--warehouse", "lake", "--warehouse-role", ROLE]
    world = World()
    world.job("b-1")
    publisher = world.publisher

    with publisher.lease.held("load"):
        job.load_warehouse(PublishArguments.parse(PLACES), publisher)
        assert api.batches == []
        for _ in range(2):
            job.load_warehouse(PublishArguments.parse([*PLACES, *named]), publisher)
        assert [batch["Sqls"] for batch in api.batches] == [LOAD.definitions(), LOAD.statements()]

    world.job("b-2")
    with publisher.lease.held("load"):
        job.load_warehouse(PublishArguments.parse([*PLACES, *named]), publisher)
    assert len(api.batches) == 4


def test_a_load_that_failed_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    api = DataApi("FAILED")
    monkeypatch.setattr(job, "aws_client", lambda _: api)
    named = PublishArguments.parse([*PLACES, "--warehouse", "lake", "--warehouse-role", ROLE])
    world = World()
    world.job("b-1")
    publisher = world.publisher

    with publisher.lease.held("load"):
        for _ in range(2):
            with pytest.raises(WarehouseError):
                job.load_warehouse(named, publisher)

    assert len(api.batches) == 2


def test_a_warehouse_without_a_role_is_refused() -> None:
    with pytest.raises(InvalidArgumentsError, match="--warehouse-role"):
        PublishArguments.parse([*PLACES, "--warehouse", "lake"])
