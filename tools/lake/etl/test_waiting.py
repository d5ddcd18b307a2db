"""Waiting on AWS for the job that takes a run into the curated tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from lake.aws import Cloud
from lake.errors import EtlError, EtlFailedError
from lake.etl import curated, waiting
from lake.etl.glue_jobs import newest_job_runs
from lake.etl.job_runs import JobRun
from lake.etl.waiting import wait_until_curated

RUN, LATER = "20261123T060000Z", "2999-01-01 00:00:00"
CLOUD = Cloud(env="dev")


def wait(
    monkeypatch: pytest.MonkeyPatch,
    ready_after: int,
    *jobs: JobRun,
    known: object = SimpleNamespace(rows={"works": 3}),  # nobody changes it
) -> tuple[Any, list[str]]:
    """Wait for a run whose ledger is there after so many looks."""
    looks, said = iter(range(1000)), list[str]()
    monkeypatch.setattr(
        waiting, "read_ledger", lambda *_: "there" if next(looks) >= ready_after else None
    )
    monkeypatch.setattr(waiting, "newest_job_runs", lambda *_: jobs)
    monkeypatch.setattr(curated, "read_curated", lambda *_: known)
    return wait_until_curated(CLOUD, "data", RUN, said.append, sleep=lambda _: None), said


def test_the_workflow_and_its_job_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, said = wait(monkeypatch, 2)
    assert (rows, said) == ({"works": 3}, ["Glue's workflow gathers finished runs"] * 2)

    running = JobRun("etl", LATER, "RUNNING", 42)
    assert wait(monkeypatch, 1, running)[1] == ["Glue job etl: running, 42 s"]


def test_a_job_that_failed_since_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = JobRun("etl", LATER, "FAILED", 42, "rules.failed")
    with pytest.raises(EtlFailedError, match="failed: rules.failed") as caught:
        wait(monkeypatch, 9, failed)
    assert "runbook.md#etl-failed" in caught.value.hint

    before = JobRun("etl", "2020-01-01 00:00:00", "FAILED", 42, "long ago")
    assert wait(monkeypatch, 1, before)[0] == {"works": 3}


@pytest.mark.parametrize("hours", [-5, 0, 9])
def test_a_job_is_of_before_or_since_in_any_zone_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    def jobs_of(moment: datetime, state: str) -> list[JobRun]:
        # botocore returns Glue's times in the zone of the machine.
        started = moment.astimezone(timezone(timedelta(hours=hours)))
        answer = {"JobRuns": [{"StartedOn": started, "JobRunState": state, "ErrorMessage": "no"}]}
        ssm = SimpleNamespace(get_parameter=lambda **_: {"Parameter": {"Value": "openlake-job"}})
        clients = {"ssm": ssm, "glue": SimpleNamespace(get_job_runs=lambda **_: answer)}
        found = newest_job_runs(Cloud(env="dev", _clients=clients), 1)
        return [replace(run, job="etl") for run in found]

    now = datetime.now(UTC)
    before = jobs_of(now - timedelta(minutes=2), "FAILED")
    assert wait(monkeypatch, 1, *before)[1] == ["Glue's workflow gathers finished runs"]

    since = jobs_of(now + timedelta(minutes=2), "FAILED")
    with pytest.raises(EtlFailedError):
        wait(monkeypatch, 9, *since)


def test_a_workflow_that_starts_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LONGEST_START_SECONDS", -1.0)

    with pytest.raises(EtlError, match=f"No job has taken run {RUN}"):
        wait(monkeypatch, 9)


@pytest.mark.parametrize(
    ("pin", "excluded", "message", "hint"),
    [
        ("B1", {}, "readers are pinned to build B1 .B2 is bad.", "--unpin"),
        (None, {RUN: "half a crawl"}, "is excluded: half a crawl", f"--include {RUN}"),
        (None, {}, f"has ended without run {RUN}", "takes it now"),
    ],
)
def test_a_job_that_ended_without_the_run_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    pin: str | None,
    excluded: dict[str, str],
    message: str,
    hint: str,
) -> None:
    known = SimpleNamespace(
        pin=pin and SimpleNamespace(build=pin, reason="B2 is bad"),
        excluded={run: SimpleNamespace(reason=why) for run, why in excluded.items()},
    )
    ended = JobRun("etl", LATER, "SUCCEEDED", 42)

    with pytest.raises(EtlError, match=message) as caught:
        wait(monkeypatch, 9, ended, known=known)

    assert hint in caught.value.hint


def test_a_job_that_took_the_run_since_the_last_look_is_none_that_passed_it_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert wait(monkeypatch, 1, JobRun("etl", LATER, "SUCCEEDED", 42)) == ({"works": 3}, [])


def test_the_loading_of_a_dump_is_not_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [JobRun("bulk", LATER, state, 42) for state in ("FAILED", "SUCCEEDED")]
    running = JobRun("etl", LATER, "RUNNING", 42)

    assert wait(monkeypatch, 1, *jobs, running)[1] == ["Glue job etl: running, 42 s"]
