"""The function as a whole: real HTTP to the stand-in, S3 in memory, threads, metrics."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ingest import handler as module
from ingest.errors import ConfigurationError, StateUnreadableError
from ingest.observability import logger
from openlibrary_standin.config import StandInConfig
from openlibrary_standin.faults import FaultRule
from openlibrary_standin.server import StandIn
from schemas.events import SMOKE_TEST, SMOKE_TEST_PASSED
from schemas.ledger.run import RunManifest

EVENT = {"scheduled_time": "2026-11-23T06:00:00Z", "start": True}
RUN_ID = "20261123T060000Z"


@dataclass
class FakeContext:
    """Lambda's context."""

    seconds: float = 60.0
    aws_request_id: str = "c0ffee"
    started: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds left."""
        return int(1000 * (self.started + self.seconds - time.monotonic()))


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    variables = {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "DATA_BUCKET": "lake",
        "LAKE_APP": "atlas",
        "CONTACT": "lake@example.org",
        "PAGE_SIZE": "200",
        "REQUESTS_PER_SECOND": "40",
        "SUBJECTS": '["love", "History", "person:nobody"]',
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    module._settings.cache_clear()
    module._store.cache_clear()
    with mock_aws(), StandIn(StandInConfig(works=6000)) as server:
        monkeypatch.setenv("SOURCE_URL", server.url)
        boto3.client("s3").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield server
    module._settings.cache_clear()
    module._store.cache_clear()


def manifest() -> RunManifest:
    found = boto3.client("s3").get_object(Bucket="lake", Key=f"runs/run_id={RUN_ID}/manifest.json")
    return RunManifest.model_validate_json(found["Body"].read())


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the function logs, one JSON object a line."""
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in log.getvalue().splitlines()]
    log.seek(0)
    log.truncate()
    return found


def call(event: dict[str, Any] | None = None, seconds: float = 60.0) -> dict[str, Any]:
    answer: dict[str, Any] = module.handler(event or EVENT, FakeContext(seconds))
    return answer


def test_crawl_is_whole_paced_and_done_once(lake: StandIn) -> None:
    # WHEN a run is started
    answer = call()
    # THEN it is whole
    assert answer["action"] == "started"
    assert (answer["finished"], answer["status"]) == (True, "complete")
    expected = lake.subjects()
    counts = {one.subject: one.distinct for one in manifest().subjects}
    assert counts == {"love": expected["love"], "history": expected["history"], "person:nobody": 0}
    # AND the server saw at most 40 requests in any second
    arrived = sorted(one.time for one in lake.requests())
    assert all(b - a > 1.0 for a, b in zip(arrived, arrived[40:], strict=False))
    # AND the same event again does nothing
    seen = len(lake.requests())
    assert call()["action"] == "idle"
    assert len(lake.requests()) == seen


def test_a_heartbeat_may_name_the_subjects_of_its_run(lake: StandIn) -> None:
    event = {**EVENT, "subjects": ["Place: Paris", {"subject": "love", "max_works": 300}]}

    assert call(event)["status"] == "complete"

    assert [one.subject for one in manifest().subjects] == ["place:paris", "love"]
    assert manifest().subjects[1].distinct == 300


@pytest.mark.parametrize(
    ("subjects", "words"), [(["#"], "nothing is left"), (["C#", "c"], "twice"), ([], "subjects")]
)
def test_wrong_subjects_of_a_heartbeat_are_refused(
    lake: StandIn, subjects: list[str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        call({**EVENT, "subjects": subjects})

    assert lake.requests() == []


def test_faults_are_overcome(lake: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    lake.faults = {
        "5xx": FaultRule(rate=0.1),
        "html": FaultRule(rate=0.05),
        "truncated-gzip": FaultRule(rate=0.05),
        "null-count": FaultRule(rate=0.05),
        "cut": FaultRule(rate=0.05),
    }
    assert call()["status"] == "complete"
    assert manifest().totals.retries > 0
    # AND each page was stored once and not asked for again
    stored = [page.key for one in manifest().subjects for page in one.pages]
    assert len(stored) == len(set(stored))
    metrics = next(
        json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line
    )
    assert metrics["PagesStored"] == [float(len(stored))]
    assert metrics["RunsComplete"] == [1.0]


def test_run_goes_on_in_the_next_invocation(lake: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_PER_SECOND", "10")
    first = call(seconds=1.2)
    assert not first["finished"]
    second = call({"scheduled_time": "2026-11-23T06:05:00Z"})
    assert (second["action"], second["finished"], second["run_id"]) == ("resumed", True, RUN_ID)
    stored = [page.key for one in manifest().subjects for page in one.pages]
    assert first["pages"] + second["pages"] == len(stored) == len(set(stored))


def test_every_line_names_the_run_and_no_other(lake: StandIn, log: io.StringIO) -> None:
    # GIVEN a run with something to log from every thread
    lake.faults = {"5xx": FaultRule(rate=0.15), "html": FaultRule(rate=0.1)}
    # WHEN it ends
    call()
    # THEN each line names it
    found = lines(log)
    assert {"subject ended", "heartbeat ended"} < {line["message"] for line in found}
    assert len(found) > 5
    assert {line.get("run_id") for line in found} == {RUN_ID}
    # AND the next run's lines name that one only
    call({"scheduled_time": "2026-11-23T07:00:00Z", "start": True})
    assert {line.get("run_id") for line in lines(log)} == {"20261123T070000Z"}
    # AND outside of a run there is none
    logger.info("between")
    assert [line for line in lines(log) if "run_id" in line] == []


def test_failure_of_a_run_is_logged_with_the_run(lake: StandIn, log: io.StringIO) -> None:
    boto3.client("s3").put_object(
        Bucket="lake", Key=f"runs/run_id={RUN_ID}/plan.json", Body=b"no plan"
    )
    with pytest.raises(StateUnreadableError):
        call()
    failed = lines(log)[-1]
    assert (failed["message"], failed["run_id"]) == ("heartbeat failed", RUN_ID)
    assert (failed["code"], failed["tag"]) == ("state_unreadable", "terminal")
    logger.info("between")
    assert "run_id" not in lines(log)[0]


def test_without_a_contact_it_warns_and_a_refusal_ends_the_run(
    lake: StandIn, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    monkeypatch.delenv("CONTACT")
    answer = call()
    assert (answer["finished"], answer["status"]) == (True, "failed")
    warned, refused = lines(log)[:2]
    assert (warned["level"], "no CONTACT is set" in warned["message"]) == ("WARNING", True)
    assert (refused["code"], "Set CONTACT" in refused["message"]) == ("user_agent_refused", True)


def test_default_name_warns_that_others_share_it(
    lake: StandIn, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    monkeypatch.delenv("LAKE_APP")
    call()
    warned = lines(log)[0]
    assert (warned["level"], "set LAKE_APP" in warned["message"]) == ("WARNING", True)


def test_time_ahead_of_the_clock_is_refused_and_changes_nothing(lake: StandIn) -> None:
    with pytest.raises(ConfigurationError, match="ahead of the clock"):
        call({"scheduled_time": "2062-11-23T06:00:00Z", "start": True})
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="lake")


def test_invalid_heartbeat_event_is_refused(lake: StandIn) -> None:
    with pytest.raises(ConfigurationError, match="scheduled_time"):
        call({"Records": []})


def test_field_that_a_heartbeat_does_not_have_is_refused(lake: StandIn) -> None:
    misspelt = EVENT | {"subject": ["dogs"]}
    with pytest.raises(ConfigurationError, match="subject: Extra"):
        call(misspelt)
    assert lake.requests() == []


def test_event_of_the_schedule_is_a_heartbeat(lake: StandIn) -> None:
    # infra/ingest.yaml sends this field and no other.
    assert call({"scheduled_time": EVENT["scheduled_time"]})["action"] == "started"


def test_wrong_setting_is_named(lake: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGE_SIZE", "5000")
    with pytest.raises(ConfigurationError, match="PAGE_SIZE"):
        call()


def test_smoke_test_touches_nothing(lake: StandIn) -> None:
    assert call(SMOKE_TEST) == SMOKE_TEST_PASSED
    assert lake.requests() == []
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="lake")


def test_smoke_test_tells_a_wrong_setting(lake: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBJECTS", "love")
    with pytest.raises(ConfigurationError, match="SUBJECTS"):
        call(SMOKE_TEST)
