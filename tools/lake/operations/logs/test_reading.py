"""Which lines are shown, from where, and how."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import LogsError
from lake.operations.logs.reading import LogReader, Wanted, chosen_services, parse_age
from lake.operations.logs.records import LogLine
from lake.testing.lakes import lake_in_memory

RUN = "20261126T060000Z"
GROUP = "/aws/lambda/process"
NOW = int(time.time() * 1000)
PROCESSED = json.dumps(
    {
        "level": "INFO",
        "location": "_report:130",
        "message": "page processed",
        "timestamp": "2026-11-26 06:00:00,000+0000",
        "service": "process",
        "app": "openlake",
        "function_name": "openlake-local-process",
        "run_id": RUN,
        "raw_key": "raw_data/x.json.gz",
        "rows": 5,
        "code": None,
    }
)
FAILED = json.dumps(
    {
        "level": "ERROR",
        "message": "item failed",
        "run_id": RUN,
        "code": "storage.unavailable",
        "exception": "Traceback (most recent call last):\nStorageError: no answer",
    }
)
METRICS = json.dumps({"_aws": {"Timestamp": 1}, "PagesProcessed": [1.0], "run_id": RUN})


def line(text: str, moment: int = 1_795_676_400_000) -> LogLine:
    return LogLine("process", moment, text)


@pytest.mark.parametrize(
    ("text", "noise", "level"),
    [
        (PROCESSED, False, "INFO"),
        (FAILED, False, "ERROR"),
        (METRICS, True, "INFO"),
        ("START RequestId: 1 Version: 1", True, "INFO"),
        ("REPORT RequestId: 1\tDuration: 5 ms", True, "INFO"),
        ("2026 Task timed out after 60 seconds", False, "ERROR"),
        ("[ERROR] Runtime.ImportModuleError: no module", False, "ERROR"),
        ("a plain text", False, "INFO"),
        ('{"type": "platform.start", "record": {}}', True, "INFO"),
        ('{"type": "platform.report", "record": {"status": "timeout"}}', False, "ERROR"),
        ("", True, "INFO"),
    ],
)
def test_what_the_runtime_says_of_every_invocation_is_left_out(
    text: str, noise: bool, level: str
) -> None:
    assert (line(text).is_noise, line(text).level) == (noise, level)


def test_a_line_says_when_who_how_bad_what_and_of_what() -> None:
    assert line(PROCESSED).formatted() == (
        "2026-11-26 07:00:00 process  INFO     page processed"
        f" run_id={RUN} raw_key=raw_data/x.json.gz rows=5"
    )
    assert line(FAILED).formatted().splitlines() == [
        "2026-11-26 07:00:00 process  ERROR    item failed"
        f" run_id={RUN} code=storage.unavailable",
        "Traceback (most recent call last):",
        "StorageError: no answer",
    ]
    assert line("plain").formatted() == "2026-11-26 07:00:00 process  INFO     plain"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("999999m", timedelta(minutes=999_999)),
    ],
)
def test_ages(text: str, expected: timedelta) -> None:
    assert parse_age(text) == expected


@pytest.mark.parametrize("text", ["", "1", "h", "0h", "-1h", "1 h", "1w", "9999999d", "999999d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(LogsError, match="is not an age"):
        parse_age(text)


def test_a_misspelt_service_is_answered_with_the_one_that_was_meant() -> None:
    assert chosen_services(None) == ["ingest", "process", "glue_etl"]
    assert chosen_services("process") == ["process"]
    with pytest.raises(LogsError) as caught:
        chosen_services("proces")
    assert "Did you mean process?" in caught.value.hint


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A lake of which process alone is deployed."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        made = lake_in_memory()
        key = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        logs = made._clients["logs"] = boto3.client("logs", "us-east-1", **key)
        made.client("ssm").put_parameter(
            Name="/openlake/local/process/log-group", Value=GROUP, Type="String"
        )
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName="a")
        yield made


def write(cloud: Cloud, *texts: str, ago: int = 0) -> None:
    events = [{"timestamp": NOW - ago + n, "message": text} for n, text in enumerate(texts)]
    cloud.client("logs").put_log_events(logGroupName=GROUP, logStreamName="a", logEvents=events)


def wanted(**options: Any) -> Wanted:
    return Wanted(**{"services": chosen_services(None), "since": NOW - 60_000, **options})


def test_lines_are_chosen_by_time_run_and_level(cloud: Cloud) -> None:
    write(cloud, "an old one", ago=120_000)
    write(cloud, "other", METRICS, PROCESSED, FAILED)

    def texts(**options: Any) -> list[str]:
        return [found.text for found in LogReader(cloud).lines(wanted(**options))]

    assert texts() == ["other", PROCESSED, FAILED]
    assert texts(since=0)[0] == "an old one"
    assert texts(run_id=RUN) == [PROCESSED, FAILED]
    assert texts(errors=True) == [FAILED]
    assert texts(services=["ingest"]) == []


def test_following_shows_each_line_once(cloud: Cloud) -> None:
    write(cloud, "first")
    coming = iter([["second"], [], ["third", "fourth"]])

    def sleep(_seconds: float) -> None:
        if texts := next(coming):
            write(cloud, *texts)

    found = LogReader(cloud).follow(wanted(), sleep)

    assert [one.text for one in itertools.islice(found, 4)] == [
        "first",
        "second",
        "third",
        "fourth",
    ]


def test_a_group_that_is_not_written_to_yet_has_no_lines(cloud: Cloud) -> None:
    cloud.client("logs").delete_log_group(logGroupName=GROUP)

    assert LogReader(cloud).lines(wanted()) == []


def test_jobs_of_this_machine_log_into_files(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "etl.log").write_text("started\n[ERROR] no memory\n")
    (tmp_path / "bulk.log").write_text("of yesterday\n")
    os.utime(tmp_path / "bulk.log", (NOW / 1000 - 86_400,) * 2)

    found = LogReader(cloud, tmp_path).lines(wanted(services=["glue_etl"]))

    assert [(one.service, one.text, one.level) for one in found] == [
        ("glue_etl", "etl: started", "INFO"),
        ("glue_etl", "etl: [ERROR] no memory", "ERROR"),
    ]


def test_following_shows_each_line_of_a_job_once(cloud: Cloud, tmp_path: Path) -> None:
    log = tmp_path / "etl.log"
    log.write_text("started\nretry\nretry\n")
    # A job writes on; then nothing comes; then the next one begins its log anew.
    coming = iter(["started\nretry\nretry\ndone\n", "", "started\n"])
    moments = itertools.count(NOW // 1000)

    def sleep(_seconds: float) -> None:
        if text := next(coming):
            log.write_text(text)
            os.utime(log, (next(moments),) * 2)

    found = LogReader(cloud, tmp_path).follow(wanted(services=["glue_etl"]), sleep)

    assert [one.text.removeprefix("etl: ") for one in itertools.islice(found, 5)] == [
        "started",
        "retry",
        "retry",
        "done",
        "started",
    ]
