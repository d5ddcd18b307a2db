from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from lake.aws import Cloud
from lake.errors import QueryError
from lake.query.athena import run_on_athena, value_of
from lake.query.execute import run_query


class FakeAthena:
    """Goes through the states it was given; the last one stays."""

    def __init__(self, *states: str, pages: list[dict[str, Any]] | None = None) -> None:
        self.states = list(states)
        self.pages = pages or []
        self.started: dict[str, Any] = {}
        self.stopped: list[str] = []

    def start_query_execution(self, **request: Any) -> dict[str, str]:
        self.started = request
        return {"QueryExecutionId": "q1"}

    def get_query_execution(self, **_request: Any) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        status = {"State": state, "StateChangeReason": "COLUMN_NOT_FOUND: line 1:8"}
        return {"QueryExecution": {"Status": status}}

    def stop_query_execution(self, **request: Any) -> None:
        self.stopped.append(request["QueryExecutionId"])

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_query_results"

        def paginate(**_request: Any) -> Iterator[dict[str, Any]]:
            yield from self.pages

        return SimpleNamespace(paginate=paginate)


class FakeSsm:
    class exceptions:  # noqa: N801 (boto3's name)
        ParameterNotFound = LookupError

    def __init__(self, **values: str) -> None:
        self.values = values

    def get_parameter(self, **request: str) -> dict[str, Any]:
        name = request["Name"].rsplit("/", 1)[1].replace("-", "_")
        if name not in self.values:
            raise LookupError
        return {"Parameter": {"Value": self.values[name]}}


def cloud(athena: FakeAthena) -> Cloud:
    ssm = FakeSsm(athena_workgroup="openlake-dev", glue_database="openlake_dev")
    return Cloud(env="dev", _clients={"athena": athena, "ssm": ssm})


def page(*rows: list[str | None]) -> dict[str, Any]:
    columns = [{"Name": "title", "Type": "varchar"}, {"Name": "works", "Type": "bigint"}]
    cells = [[{} if text is None else {"VarCharValue": text} for text in row] for row in rows]
    return {
        "ResultSet": {
            "ResultSetMetadata": {"ColumnInfo": columns},
            "Rows": [{"Data": row} for row in cells],
        }
    }


def test_all_pages_become_typed_rows() -> None:
    pauses: list[float] = []
    athena = FakeAthena(
        "QUEUED",
        "RUNNING",
        "SUCCEEDED",
        pages=[page(["title", "works"], ["a", "1"]), page(["title", None], [None, "2"])],
    )
    found = run_on_athena(cloud(athena), "SELECT 1", sleep=pauses.append)
    assert found.columns == ["title", "works"]
    assert found.types == ["varchar", "bigint"]
    assert found.rows == [("a", 1), ("title", None), (None, 2)]
    assert athena.started["WorkGroup"] == "openlake-dev"
    assert athena.started["QueryExecutionContext"] == {"Database": "openlake_dev"}
    assert athena.stopped == []
    assert len(pauses) == 2


def test_a_query_on_aws_goes_to_athena() -> None:
    athena = FakeAthena("SUCCEEDED", pages=[page(["title", "works"])])
    assert run_query(cloud(athena), " SELECT 1 ").rows == []
    assert athena.started["QueryString"] == "SELECT 1"


class FakeGlue:
    """A catalogue with one view."""

    class exceptions:  # noqa: N801 (boto3's name)
        EntityNotFoundException = LookupError

    def get_table(self, **request: str) -> dict[str, Any]:
        if request["Name"] != "lake_summary":
            raise LookupError
        return {"Table": {}}


@pytest.mark.parametrize(
    ("sql", "begin", "end"),
    [
        (
            "SELECT * FROM ebook_share",
            "WITH ebook_share AS (\nSELECT",
            ")\nSELECT * FROM ebook_share",
        ),
        (
            "WITH mine AS (SELECT 1) SELECT * FROM ebook_share",
            "WITH ebook_share AS (\nSELECT",
            "), mine AS (SELECT 1) SELECT * FROM ebook_share",
        ),
        ("SELECT * FROM lake_summary", "SELECT * FROM lake", "summary"),
        ("SELECT * FROM other.ebook_share", "SELECT * FROM other", "ebook_share"),
    ],
)
def test_a_view_that_is_not_deployed_goes_along_with_the_query(
    sql: str, begin: str, end: str
) -> None:
    athena = FakeAthena("SUCCEEDED", pages=[page(["title", "works"])])
    environment = cloud(athena)
    environment._clients["glue"] = FakeGlue()

    run_query(environment, sql)

    assert athena.started["QueryString"].startswith(begin)
    assert athena.started["QueryString"].endswith(end)


def test_a_statement_that_is_not_a_query_does_not_reach_athena() -> None:
    athena = FakeAthena("SUCCEEDED")
    with pytest.raises(QueryError, match="DROP is not a query"):
        run_query(cloud(athena), "DROP TABLE works")
    assert athena.started == {}


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_failed_query_says_why(state: str) -> None:
    athena = FakeAthena("RUNNING", state)
    with pytest.raises(QueryError, match=f"{state.lower()}: COLUMN_NOT_FOUND"):
        run_on_athena(cloud(athena), "SELECT 1", sleep=lambda _seconds: None)
    assert athena.stopped == []


def test_a_query_that_takes_too_long_is_cancelled() -> None:
    athena = FakeAthena("RUNNING")
    with pytest.raises(QueryError, match="longer than 0 seconds"):
        run_on_athena(cloud(athena), "SELECT 1", timeout=0)
    assert athena.stopped == ["q1"]


def test_ctrl_c_cancels_the_query() -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    athena = FakeAthena("RUNNING")
    with pytest.raises(KeyboardInterrupt):
        run_on_athena(cloud(athena), "SELECT 1", sleep=interrupt)
    assert athena.stopped == ["q1"]


def test_a_refusal_by_athena_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_request: Any) -> None:
        error = {"Code": "InvalidRequestException", "Message": "line 1:1: mismatched input"}
        raise ClientError({"Error": error}, "StartQueryExecution")

    athena = FakeAthena("SUCCEEDED")
    monkeypatch.setattr(athena, "start_query_execution", refuse)
    with pytest.raises(QueryError, match="mismatched input"):
        run_on_athena(cloud(athena), "SELECT 1")


def test_without_a_workgroup_the_hint_says_what_to_deploy() -> None:
    bare = Cloud(env="dev", _clients={"ssm": FakeSsm()})
    with pytest.raises(QueryError, match="/openlake/dev/foundation/athena-workgroup") as caught:
        run_query(bare, "SELECT 1")
    assert "./lake deploy foundation" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("varchar", "1", "1"),
        ("varchar", None, None),
        ("bigint", "-1", -1),
        ("double", "1.0E-3", 0.001),
        ("double", "Infinity", float("inf")),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("decimal", "1.50", Decimal("1.50")),
        ("date", "2026-11-23", date(2026, 11, 23)),
        ("time", "06:00:00.000", time(6)),
        ("timestamp", "2026-11-23 06:00:00.000", datetime(2026, 11, 23, 6)),
        (
            "timestamp with time zone",
            "2026-11-23 06:00:00.000 UTC",
            datetime(2026, 11, 23, 6, tzinfo=UTC),
        ),
        (
            "timestamp with time zone",
            "2026-11-23 06:00:00.000 Europe/Berlin",
            datetime(2026, 11, 23, 6, tzinfo=ZoneInfo("Europe/Berlin")),
        ),
        (
            "timestamp with time zone",
            "2026-11-23 06:00:00.000 -03:30",
            datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        ),
        (
            "timestamp with time zone",
            "2026-11-23 06:00:00.000 Mars/Olympus",
            "2026-11-23 06:00:00.000 Mars/Olympus",
        ),
        ("date", "+10000-01-01", "+10000-01-01"),
        ("timestamp", "-0001-01-01 00:00:00.000", "-0001-01-01 00:00:00.000"),
        ("varbinary", "00 ff", b"\x00\xff"),
        ("array", "[{key=/authors/OL1A}]", "[{key=/authors/OL1A}]"),
    ],
)
def test_values_have_the_types_of_python(kind: str, text: str | None, value: Any) -> None:
    assert value_of(kind, text) == value
