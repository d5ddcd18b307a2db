"""Waiting on AWS for the job that takes a run into the curated tables."""

from types import SimpleNamespace
from typing import Any

import pytest

from lake.aws import Cloud
from lake.errors import EtlError, EtlFailedError
from lake.etl import curated, waiting
from lake.etl.job_runs import JobRun
from lake.etl.waiting import wait_until_curated

RUN, LATER = "20261123T060000Z", "2999-01-01 00:00:00"
CLOUD = Cloud(env="dev")


def wait(monkeypatch: pytest.MonkeyPatch, ready_after: int, *jobs: JobRun) -> tuple[Any, list[str]]:
    """Wait for a run whose ledger is there after so many looks."""
    looks, said = iter(range(1000)), list[str]()
    monkeypatch.setattr(
        waiting, "read_ledger", lambda *_: "there" if next(looks) >= ready_after else None
    )
    monkeypatch.setattr(waiting, "newest_job_runs", lambda *_: jobs)
    monkeypatch.setattr(curated, "read_curated", lambda *_: SimpleNamespace(rows={"works": 3}))
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


def test_a_workflow_that_starts_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LONGEST_START_SECONDS", -1.0)

    with pytest.raises(EtlError, match=f"No job has taken run {RUN}"):
        wait(monkeypatch, 9)
