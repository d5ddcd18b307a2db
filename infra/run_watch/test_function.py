import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.run_watch import function
from schemas.keys import excluded_run_key

BUCKET = "data"
LONGEST = timedelta(hours=6)
NOW = datetime.now(UTC)
RUN = f"{NOW - timedelta(days=1):%Y%m%dT%H%M%SZ}"
OLD = f"{NOW - timedelta(days=50):%Y%m%dT%H%M%SZ}"
#: A dump's run is of the dump's day, however late it was loaded.
DUMP = f"{NOW - timedelta(days=40):%Y%m%d}T235959Z"
LATER = NOW + timedelta(hours=7)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


def put(s3: Any, run: str, *names: str) -> None:
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=f"runs/run_id={run}/{name}", Body=b"{}")


def waiting(s3: Any, now: datetime = LATER) -> list[str]:
    return function.find_waiting(s3, BUCKET, now, LONGEST)


def test_a_processed_run_that_no_build_took_is_waiting(s3: Any) -> None:
    put(s3, RUN, "manifest.json", "processed.json")

    assert waiting(s3) == [RUN]


def test_a_dump_that_was_loaded_a_month_late_is_waiting(s3: Any) -> None:
    put(s3, DUMP, "processed.json")

    assert waiting(s3) == [DUMP]


def test_a_run_is_looked_at_in_one_request_however_many_pages_it_has(s3: Any) -> None:
    put(s3, RUN, "processed.json", *(f"pages/{number}.json" for number in range(1100)))

    assert waiting(s3) == [RUN]


@pytest.mark.parametrize(
    "names",
    [("processed.json", "curated.json"), ("manifest.json",), ("processed.json.tmp",), ()],
)
def test_a_run_that_is_curated_or_not_processed_is_not_waiting(
    s3: Any, names: tuple[str, ...]
) -> None:
    put(s3, RUN, *names)

    assert waiting(s3) == []


def test_a_run_that_is_excluded_is_not_waiting(s3: Any) -> None:
    put(s3, RUN, "processed.json")
    s3.put_object(Bucket=BUCKET, Key=excluded_run_key(RUN), Body=b"{}")

    assert waiting(s3) == []


def test_a_run_that_was_just_processed_is_not_waiting_yet(s3: Any) -> None:
    put(s3, RUN, "processed.json")

    assert waiting(s3, now=NOW) == []


def test_old_runs_are_history(s3: Any) -> None:
    put(s3, OLD, "processed.json")

    assert waiting(s3) == []


def test_the_count_is_logged_as_a_metric(
    s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(s3, RUN, "processed.json")
    for name, value in {
        "CURATED_HOURS": "0",
        "DATA_BUCKET": BUCKET,
        "LAKE_APP": "openlake",
        "LAKE_ENV": "dev",
    }.items():
        monkeypatch.setenv(name, value)

    function.handler({}, None)

    line = json.loads(capsys.readouterr().out)
    (emitted,) = line["_aws"]["CloudWatchMetrics"]
    assert emitted["Namespace"] == "openlake"
    assert {name: line[name] for name in emitted["Dimensions"][0]} == {
        "env": "dev",
        "service": "run_watch",
    }
    assert (line["RunsWaiting"], line["runs"]) == (1, [RUN])
