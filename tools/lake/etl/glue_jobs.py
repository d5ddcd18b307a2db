"""The jobs of glue_etl on AWS: started on Glue, and followed to their end."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from lake.aws import Cloud
from lake.errors import EtlBusyError, EtlFailedError, NotDeployedError
from lake.etl.job_runs import JobRun
from lake.steps import Say
from lake.times import utc_text

JOBS = ("etl", "bulk")
POLL_SECONDS = 5.0
ENDED = ("SUCCEEDED", "FAILED", "ERROR", "TIMEOUT", "STOPPED", "EXPIRED")
LONGEST = 600


def run_job(
    cloud: Cloud,
    job: str,
    arguments: Mapping[str, str],
    say: Say,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Start a job and wait for its end; it keeps running if this process ends.

    Parameters
    ----------
    cloud
        AWS.
    job
        etl or bulk.
    arguments
        Arguments of this run, by name without dashes.
    say
        Called with its state.
    sleep
        Waits between two polls.

    Raises
    ------
    EtlBusyError
        Another run of the job is in progress.
    EtlFailedError
        It failed.
    """
    glue = cloud.client("glue")
    name = cloud.parameter(f"glue_etl/{job}-job-name")
    try:
        started = glue.start_job_run(
            JobName=name, Arguments={f"--{key}": value for key, value in arguments.items()}
        )
    except glue.exceptions.ConcurrentRunsExceededException:
        raise EtlBusyError(
            f"Another run of the Glue job {name} is in progress.",
            f"'{cloud.command('status')}' shows it; run this again when it has ended.",
        ) from None
    run_id = str(started["JobRunId"])
    while True:
        run: dict[str, Any] = glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
        if run["JobRunState"] in ENDED:
            break
        say(f"Glue job {name}: {run['JobRunState'].lower()}, {run.get('ExecutionTime', 0)} s")
        sleep(POLL_SECONDS)
    if run["JobRunState"] != "SUCCEEDED":
        code, logged = _logged_error(cloud, run_id)
        reason = logged or run.get("ErrorMessage", "no reason given")
        raise EtlFailedError(
            f"The Glue job {name} {run['JobRunState'].lower()}: {reason}",
            f"Run {run_id}; docs/runbook.md#etl-failed says what to do.",
            code,
        )


def newest_job_runs(cloud: Cloud, count: int) -> list[JobRun]:
    """Return the newest runs of all jobs, newest first; none if they are not deployed."""
    found = []
    for job in JOBS:
        try:
            name = cloud.parameter(f"glue_etl/{job}-job-name")
        except NotDeployedError:
            return []
        answer = cloud.client("glue").get_job_runs(JobName=name, MaxResults=count)
        found += [_job_run(job, run) for run in answer["JobRuns"]]
    return sorted(found, key=lambda run: run.started_at, reverse=True)[:count]


def _job_run(job: str, run: Mapping[str, Any]) -> JobRun:
    return JobRun(
        job=job,
        started_at=utc_text(run["StartedOn"]),
        state=run["JobRunState"],
        seconds=run.get("ExecutionTime"),
        error=run.get("ErrorMessage", ""),
    )


def _logged_error(cloud: Cloud, run_id: str) -> tuple[str, str]:
    """Return the error in a run's result: its code, and both code and message.

    Glue itself reports only how the process ended, and without a result both are empty.

    A job prints its result as the last line of its standard output, which since Glue 5.0 goes to
    the same log group as its standard error.
    """
    from botocore.exceptions import ClientError

    try:
        found = cloud.client("logs").filter_log_events(
            logGroupName=cloud.parameter("glue_etl/output-log-group"),
            logStreamNamePrefix=run_id,
            filterPattern='"status" "failed"',
        )
    except (ClientError, NotDeployedError):
        return "", ""
    lines = [line for event in found["events"] for line in event["message"].splitlines()]
    results = [result for line in lines if (result := _result(line)).get("status") == "failed"]
    if not results:
        return "", ""
    code = str(results[-1]["code"])
    return code, f"{code}: {results[-1]['message']}"[:LONGEST]


def _result(line: str) -> dict[str, Any]:
    """Return what a line says as JSON; of any other line, nothing."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
