"""Queries on AWS: Athena, in the workgroup of the environment (which limits what a query scans)."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lake.aws import Cloud
from lake.errors import NotDeployedError, QueryError
from lake.query.tabular import QueryResult

TIMEOUT_SECONDS = 600.0
FIRST_POLL_SECONDS = 0.2
LONGEST_POLL_SECONDS = 2.0
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


def run_on_athena(
    cloud: Cloud,
    sql: str,
    *,
    timeout: float = TIMEOUT_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> QueryResult:
    """Run a query and return all of its rows.

    Arrays, maps and rows stay the text that Athena makes of them: it quotes nothing in them, so
    they cannot be parsed reliably.

    Parameters
    ----------
    cloud
        AWS.
    sql
        One query.
    timeout
        Seconds after which it is cancelled.
    sleep
        Waits between two polls of its state.

    Raises
    ------
    QueryError
        Athena refused it, it failed, or it took too long.
    """
    from botocore.exceptions import ClientError

    workgroup, database = _workgroup_and_database(cloud)
    client = cloud.client("athena")
    try:
        started = client.start_query_execution(
            QueryString=sql,
            WorkGroup=workgroup,
            QueryExecutionContext={"Database": database},
        )
        execution = str(started["QueryExecutionId"])
        _wait(client, execution, timeout, sleep)
        return _result(client, execution)
    except ClientError as error:
        raise QueryError(f"Athena refused: {error.response['Error']['Message']}") from error


def value_of(kind: str, text: str | None) -> Any:
    """Return a value of Athena's result as a Python value.

    Parameters
    ----------
    kind
        Name of the column's type, as the result's metadata has it.
    text
        The value as text; None for null. It stays text where Python has no such value: a year after
        9999, or a time zone that this machine does not know.
    """
    convert = _CONVERTERS.get(kind)
    if text is None or convert is None:
        return text
    try:
        return convert(text)
    except (ValueError, ZoneInfoNotFoundError):
        return text


def _workgroup_and_database(cloud: Cloud) -> tuple[str, str]:
    try:
        return (
            cloud.parameter("foundation/athena-workgroup"),
            cloud.parameter("foundation/glue-database"),
        )
    except NotDeployedError as error:
        raise QueryError(
            f"There is no catalogue or workgroup: {error.message}",
            f"Deploy first: {cloud.command('deploy foundation')}",
        ) from error


def _wait(client: Any, execution: str, timeout: float, sleep: Callable[[float], None]) -> None:
    try:
        status = _poll(client, execution, timeout, sleep)
    except BaseException:
        # Also on Ctrl-C: it would keep running, and cost money, with nobody to read the result.
        client.stop_query_execution(QueryExecutionId=execution)
        raise
    if status["State"] != "SUCCEEDED":
        reason = status.get("StateChangeReason", "no reason given")
        raise QueryError(f"The query {status['State'].lower()}: {reason}")


def _poll(
    client: Any, execution: str, timeout: float, sleep: Callable[[float], None]
) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    pause = FIRST_POLL_SECONDS
    while True:
        execution_state = client.get_query_execution(QueryExecutionId=execution)
        status: dict[str, Any] = execution_state["QueryExecution"]["Status"]
        if status["State"] in ENDED:
            return status
        if time.monotonic() >= deadline:
            raise QueryError(
                f"The query took longer than {timeout:g} seconds and was cancelled.",
                "Name fewer columns, or filter by ingest_date.",
            )
        sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL_SECONDS)


def _result(client: Any, execution: str) -> QueryResult:
    columns: list[str] = []
    kinds: list[str] = []
    rows: list[tuple[Any, ...]] = []
    for page in _pages(client, execution):
        data = page["Rows"]
        if not columns:
            described = page["ResultSetMetadata"]["ColumnInfo"]
            columns = [column["Name"] for column in described]
            kinds = [column["Type"] for column in described]
            # The first row of the first page repeats the names.
            data = data[1:]
        for row in data:
            texts = [cell.get("VarCharValue") for cell in row["Data"]]
            rows.append(tuple(value_of(k, t) for k, t in zip(kinds, texts, strict=True)))
    return QueryResult(columns, kinds, rows)


def _pages(client: Any, execution: str) -> Iterator[dict[str, Any]]:
    paginator = client.get_paginator("get_query_results")
    for page in paginator.paginate(QueryExecutionId=execution):
        yield page["ResultSet"]


def _zoned(text: str) -> datetime:
    moment, _, zone = text.rpartition(" ")
    if zone.startswith(("+", "-")):
        return datetime.fromisoformat(f"{moment}{zone}")
    return datetime.fromisoformat(moment).replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone))


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "int", "bigint"), int),
    **dict.fromkeys(("real", "float", "double"), float),
    "boolean": lambda text: text == "true",
    "decimal": Decimal,
    "date": date.fromisoformat,
    "time": time_of_day.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "timestamp with time zone": _zoned,
    "varbinary": bytes.fromhex,
}
