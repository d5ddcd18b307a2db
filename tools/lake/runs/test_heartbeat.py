import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lake.aws import Cloud
from lake.errors import RunFailedError
from lake.runs.heartbeat import Target, event, fire
from schemas.events import Heartbeat

TARGET = Target("arn:ingest:live", '{"scheduled_time": "<aws.scheduler.scheduled-time>"}')
AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


class FakeCloud(Cloud):
    """A Lambda that gives one answer."""

    def __init__(self, answer: object, **more: str):
        super().__init__()
        self.answer = {"Payload": io.BytesIO(json.dumps(answer).encode()), **more}

    def client(self, service: str) -> Any:
        assert service == "lambda"
        return self

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 (boto3's)
        assert FunctionName == TARGET.function_arn
        return self.answer


def test_the_event_is_the_schedules_own_with_the_time_filled_in() -> None:
    assert event(TARGET, AT, start=False) == {"scheduled_time": "2026-11-23T06:00:00Z"}


def test_the_event_can_start_a_run() -> None:
    assert event(TARGET, AT, start=True) == {
        "scheduled_time": "2026-11-23T06:00:00Z",
        "start": True,
    }


def test_the_event_names_the_subjects_of_its_run() -> None:
    found = event(TARGET, AT, start=True, subjects=["dogs", {"subject": "love", "max_works": 5}])

    assert found["subjects"] == ["dogs", {"subject": "love", "max_works": 5}]
    assert Heartbeat.model_validate(found).subjects == found["subjects"]


def test_an_invocation_on_aws_is_waited_for_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    config = Cloud(env="dev").client("lambda").meta.config

    assert config.read_timeout > 900
    assert config.retries["total_max_attempts"] == 1


def test_the_answer_is_parsed() -> None:
    cloud = FakeCloud({"action": "started", "run_id": "R", "finished": True, "status": "complete"})
    answer = fire(cloud, TARGET, {})
    assert (answer.action, answer.run_id, answer.finished, answer.status) == (
        "started",
        "R",
        True,
        "complete",
    )


def test_an_error_of_the_function_is_quoted() -> None:
    cloud = FakeCloud({"errorMessage": "SUBJECTS is missing"}, FunctionError="Unhandled")
    with pytest.raises(RunFailedError, match="ingest failed: SUBJECTS is missing"):
        fire(cloud, TARGET, {})


def test_a_malformed_answer_is_an_error() -> None:
    with pytest.raises(RunFailedError, match="ingest failed"):
        fire(FakeCloud("what"), TARGET, {})
