"""Stages, gaps, age and quarantine of runs, from the objects of a lake in memory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.deploy.units import UNITS
from lake.etl.curated import Curated
from lake.operations.status import quarantine as quarantine_module
from lake.operations.status.quarantine import QuarantineReader
from lake.operations.status.reading import _queue, _unit
from lake.operations.status.runs import freshness_hours, gaps, read_runs, run_status
from lake.runs.ledger import PageCounts, Run, count_pages
from lake.testing.lakes import BUCKET, lake_in_memory, put, put_run, record
from schemas.keys import RawKey, manifest_key, raw_run_prefix, receipts_prefix
from schemas.ledger.curated_build import BUILD_FORMAT, ExcludedRun
from schemas.ledger.run import RunManifest, SubjectOutcome

RUN, LATER = "20261123T060000Z", "20261124T060000Z"
NOW = datetime.now(UTC)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield lake_in_memory()


def manifest(run_id: str, *subjects: SubjectOutcome, hours_ago: float = 0.0) -> RunManifest:
    return RunManifest(
        run_id=run_id,
        contract_version="1",
        started_at=NOW,
        # Not of NOW: tests that run before this one may take minutes.
        finished_at=datetime.now(UTC) - timedelta(hours=hours_ago),
        status="partial",
        subjects=list(subjects),
    )


def stage_of(cloud: Cloud, curated: Curated | None = None) -> tuple[str, int, int]:
    (run,) = read_runs(cloud, BUCKET, [RUN])
    found = run_status(cloud, BUCKET, run, curated or Curated())
    return found.stage, found.pages_processed, found.pages_stored


def test_a_run_goes_from_stage_to_stage(cloud: Cloud) -> None:
    page = RawKey.of(RUN, "love", 0)
    put(cloud, page.key)
    put(cloud, RawKey.of(RUN, "love", 500).key)
    put(cloud, page.receipt_key)
    assert stage_of(cloud) == ("crawling", 1, 2)

    put(cloud, manifest_key(RUN), manifest(RUN).model_dump_json())
    assert stage_of(cloud) == ("processing", 1, 2)

    put_run(cloud, RUN)
    assert stage_of(cloud)[0] == "processed"
    build = record("b", [RUN], None, BUILD_FORMAT)
    assert stage_of(cloud, Curated(record=build))[0] == "curated"
    note = ExcludedRun(run_id=RUN, reason="wrong", excluded_at=NOW)
    assert stage_of(cloud, Curated(record=build, excluded={RUN: note}))[0] == "excluded"


def test_a_damaged_run_is_marked_and_hides_no_other(cloud: Cloud) -> None:
    put(cloud, manifest_key(LATER), "{")
    put_run(cloud, RUN)

    runs = read_runs(cloud, BUCKET, [LATER, RUN])
    later, other = (run_status(cloud, BUCKET, run, Curated()) for run in runs)

    assert (later.stage, other.stage) == ("damaged", "processed")
    assert later.damage is not None
    assert f"s3://{BUCKET}/{manifest_key(LATER)} cannot be read" in later.damage
    assert other.damage is None


def test_the_gaps_are_those_of_the_newest_finished_crawl() -> None:
    whole = SubjectOutcome(subject="love", kind="subject", status="complete")
    partial = SubjectOutcome(subject="war", kind="subject", status="partial", reason="undercount")
    older = manifest(RUN, partial.model_copy(update={"subject": "peace"}))
    runs = [
        Run("20261125T060000Z", None, None),
        Run(LATER, manifest(LATER, whole, partial), None),
        Run(RUN, older, None),
    ]

    assert [(one.run_id, one.subject, one.status, one.reason) for one in gaps(runs)] == [
        (LATER, "war", "partial", "undercount")
    ]
    assert gaps([]) == []


def test_freshness_is_that_of_the_newest_run_that_is_processed() -> None:
    processed: Any = "there"
    runs = [
        Run(LATER, manifest(LATER, hours_ago=1), None),
        Run(RUN, manifest(RUN, hours_ago=25), processed),
    ]

    assert freshness_hours(runs) == pytest.approx(25, abs=0.5)
    assert freshness_hours(runs[:1]) is None


def test_what_is_shown_of_a_unit_and_a_run_is_in_utc(cloud: Cloud) -> None:
    west = datetime(2026, 11, 23, 1, tzinfo=timezone(timedelta(hours=-5)))
    stack = {"StackStatus": "CREATE_COMPLETE", "CreationTime": west}
    (analytics,) = (unit for unit in UNITS if unit.name == "analytics")
    assert _unit(cloud, analytics, stack).deployed_at == "2026-11-23 06:00:00"

    finished = manifest(RUN).model_copy(update={"finished_at": west})
    shown = run_status(cloud, BUCKET, Run(RUN, finished, None), Curated())
    assert shown.finished_at == "2026-11-23 06:00:00"


def put_quarantine(cloud: Cloud, page: RawKey, *codes: str) -> None:
    lines = "".join(json.dumps({"reason_code": code}) + "\n" for code in codes)
    cloud.client("s3").put_object(
        Bucket=BUCKET, Key=page.quarantine_key("works"), Body=gzip.compress(lines.encode())
    )


def test_a_marker_of_a_folder_is_no_page(cloud: Cloud) -> None:
    for prefix in (raw_run_prefix(RUN), receipts_prefix(RUN)):
        cloud.client("s3").put_object(Bucket=BUCKET, Key=prefix, Body=b"")

    assert count_pages(cloud, BUCKET, RUN) == PageCounts(0, 0)


def test_the_quarantine_of_a_run_is_counted_by_reason(cloud: Cloud) -> None:
    first, second = RawKey.of(RUN, "love", 0), RawKey.of(RUN, "love", 500)
    put_quarantine(cloud, first, "record.a", "record.b", "record.b")
    put_quarantine(cloud, second, "record.b")
    put_quarantine(cloud, RawKey.of(LATER, "love", 0), "record.c")
    marker = f"{first.quarantine_key('works').rpartition('/')[0]}/{RUN}-dump/"
    cloud.client("s3").put_object(Bucket=BUCKET, Key=marker, Body=b"")
    reader = QuarantineReader()

    found = reader.read(cloud, BUCKET, RUN)
    assert (list(found.reasons.items()), found.complete) == (
        [("record.b", 3), ("record.a", 1)],
        True,
    )

    # After a replay its file is another one, and empty.
    put_quarantine(cloud, first)
    assert reader.read(cloud, BUCKET, RUN).reasons == {"record.b": 1}


def test_a_quarantine_that_cannot_be_read_says_so(cloud: Cloud) -> None:
    first, second = RawKey.of(RUN, "love", 0), RawKey.of(RUN, "love", 500)
    put_quarantine(cloud, first, "record.a")
    cloud.client("s3").put_object(Bucket=BUCKET, Key=second.quarantine_key("works"), Body=b"cut")

    reasons = QuarantineReader().read(cloud, BUCKET, RUN).reasons

    assert reasons == {"record.a": 1, "object.unreadable": 1}


def test_a_large_quarantine_is_read_in_part_and_says_so(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine_module, "MOST_FILES", 2)
    for offset in (0, 500, 1000):
        put_quarantine(cloud, RawKey.of(RUN, "love", offset), "record.a")

    found = QuarantineReader().read(cloud, BUCKET, RUN)

    assert (found.reasons, found.complete) == ({"record.a": 2}, False)


def test_the_age_of_what_waits_is_a_metric_of_aws() -> None:
    counts = {
        "ApproximateNumberOfMessages": "3",
        "ApproximateNumberOfMessagesNotVisible": "1",
    }
    asked: list[dict[str, Any]] = []

    def statistics(**request: Any) -> dict[str, Any]:
        asked.append(request)
        points = [
            {"Timestamp": NOW - timedelta(minutes=ago), "Maximum": 60.0 + ago} for ago in (4, 2)
        ]
        return {"Datapoints": points}

    clients = {
        "sqs": SimpleNamespace(get_queue_attributes=lambda **_: {"Attributes": counts}),
        "cloudwatch": SimpleNamespace(get_metric_statistics=statistics),
    }
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/openlake-dev-process"

    found = _queue(Cloud(env="dev", _clients=clients), "process", url)
    assert (found.waiting, found.in_flight, found.oldest_seconds) == (3, 1, 62)
    assert asked[0]["Dimensions"] == [{"Name": "QueueName", "Value": "openlake-dev-process"}]

    local = _queue(Cloud(endpoint="http://127.0.0.1:1", _clients=clients), "process", url)
    assert local.oldest_seconds is None
