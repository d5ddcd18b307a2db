import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import EtlBusyError, EtlError, EtlFailedError
from lake.etl.bulk import GlueRoute
from lake.etl.dump import Dump
from lake.etl.glue_jobs import newest_job_runs, run_job
from lake.etl.refresh import EtlOptions, run_on_glue
from lake.testing.lakes import BUCKET, FakeJobs, keys, lake_in_memory, put, put_run

RUN = "20260930T235959Z"


class TooManyError(Exception):
    """What boto3 calls ConcurrentRunsExceededException."""


class FakeGlue:
    """Runs jobs in two looks."""

    exceptions = SimpleNamespace(ConcurrentRunsExceededException=TooManyError)

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.states = ["RUNNING", "SUCCEEDED"]
        self.busy = False
        self.on_start: Any = lambda: None

    def start_job_run(self, **request: Any) -> dict[str, str]:
        if self.busy:
            raise TooManyError
        self.started.append(request)
        self.on_start()
        return {"JobRunId": "jr_1"}

    def get_job_run(self, **request: str) -> dict[str, Any]:
        assert request["RunId"] == "jr_1"
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"JobRun": {"JobRunState": state, "ErrorMessage": "SystemExit: 1"}}

    def get_job_runs(self, **request: Any) -> dict[str, Any]:
        # botocore returns Glue's times in the zone of the machine.
        hour = 1 if request["JobName"].endswith("etl") else 2
        started = datetime(2026, 11, 23, hour, tzinfo=timezone(timedelta(hours=-5)))
        run = {"StartedOn": started, "JobRunState": "FAILED", "ExecutionTime": 60}
        return {"JobRuns": [run | {"ErrorMessage": "no"}]}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        local = lake_in_memory()
        clients = {name: local.client(name) for name in ("s3", "ssm")}
        logs = SimpleNamespace(filter_log_events=lambda **_: {"events": []})
        made = Cloud(env="local", _clients={**clients, "glue": FakeGlue(), "logs": logs})
        ssm = made.client("ssm")
        for name in ("etl-job-name", "bulk-job-name", "output-log-group"):
            value = f"openlake-local-glue-{name.partition('-')[0]}"
            ssm.put_parameter(Name=f"/openlake/local/glue_etl/{name}", Value=value, Type="String")
        yield made


def glue_of(cloud: Cloud) -> FakeGlue:
    found = cloud.client("glue")
    assert isinstance(found, FakeGlue)
    return found


def run(cloud: Cloud, said: list[str] | None = None) -> None:
    told = said if said is not None else []
    run_job(cloud, "etl", {"full": "true"}, told.append, sleep=lambda _: None)


def test_a_job_is_started_and_followed(cloud: Cloud) -> None:
    said: list[str] = []

    run(cloud, said)

    assert glue_of(cloud).started == [
        {"JobName": "openlake-local-glue-etl", "Arguments": {"--full": "true"}}
    ]
    assert said == ["Glue job openlake-local-glue-etl: running, 0 s"]


def test_a_job_in_progress_is_not_started_again(cloud: Cloud) -> None:
    glue_of(cloud).busy = True

    with pytest.raises(EtlBusyError, match="in progress"):
        run(cloud)


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT", "ERROR", "STOPPED"])
def test_a_failure_quotes_the_error_that_the_job_logged(cloud: Cloud, state: str) -> None:
    glue_of(cloud).states = [state]
    with pytest.raises(EtlFailedError, match="SystemExit: 1"):
        run(cloud)

    result = {"status": "failed", "code": "rules.failed", "message": "build B breaks keys_unique"}
    line = f"noise\n{json.dumps(result)}\nrules.failed: build B breaks keys_unique\n"
    cloud.client("logs").filter_log_events = lambda **_: {"events": [{"message": line}]}
    with pytest.raises(
        EtlFailedError, match=r"rules\.failed: build B breaks keys_unique"
    ) as caught:
        run(cloud)
    assert "jr_1" in caught.value.hint
    assert caught.value.code == "rules.failed"


def test_job_runs_are_listed_newest_first(cloud: Cloud) -> None:
    runs = newest_job_runs(cloud, 5)

    assert [run.job for run in runs] == ["bulk", "etl"]
    assert [run.started_at for run in runs] == ["2026-11-23 07:00:00", "2026-11-23 06:00:00"]
    assert (runs[0].state, runs[0].error, runs[0].seconds) == ("FAILED", "no", 60)


def test_there_are_no_job_runs_before_the_jobs() -> None:
    with mock_aws():
        assert newest_job_runs(lake_in_memory(), 5) == []


def publish(cloud: Cloud, build: str) -> None:
    """Publish a build as the job on Glue does."""
    from lake.testing.lakes import record

    made = record(build, [RUN], None, 1)
    put(cloud, f"curated_data/_builds/{build}.json", made.model_dump_json())
    FakeJobs(cloud=cloud).run("glue_etl.publish", {"build": build}, Path("unused"))


def test_the_etl_on_glue_returns_what_is_published(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.etl.glue_jobs.POLL_SECONDS", 0)
    glue_of(cloud).on_start = lambda: publish(cloud, "B1")

    first = run_on_glue(cloud, EtlOptions(full=True), lambda _: None)
    again = run_on_glue(cloud, EtlOptions(), lambda _: None)

    assert (first.status, first.build, first.new_runs) == ("published", "B1", [RUN])
    assert (again.status, again.build, again.tables["works"]) == ("unchanged", "B1", 1)


def test_a_job_that_published_nothing_is_an_error(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.etl.glue_jobs.POLL_SECONDS", 0)

    with pytest.raises(EtlError, match="published nothing"):
        run_on_glue(cloud, EtlOptions(), lambda _: None)


def test_a_dump_is_uploaded_once_and_loaded_by_glue(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.etl.glue_jobs.POLL_SECONDS", 0)
    path = tmp_path / "d.txt"
    path.write_text("line\n")
    glue_of(cloud).on_start = lambda: put_run(cloud, RUN, rows=7)
    route, dump = GlueRoute(cloud, EtlOptions()), Dump(path, "d.txt", RUN)

    said: list[str] = []
    loaded = route.load(BUCKET, dump, said.append)
    route.load(BUCKET, dump, said.append)

    assert (loaded.status, loaded.rows, loaded.quarantined) == ("loaded", 7, 0)
    assert "raw_data/dumps/d.txt" in keys(cloud)
    assert sum(line.startswith("upload") for line in said) == 1
    assert glue_of(cloud).started[0]["Arguments"] == {
        "--dump": f"s3://{BUCKET}/raw_data/dumps/d.txt",
        "--run-id": RUN,
    }
