"""Deployed units, runs, queues and the curated tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lake.aws import Cloud
from lake.deploy import deployment, history, stacks
from lake.deploy.units import UNITS, Unit
from lake.etl import curated
from lake.etl.curated import Curated
from lake.etl.job_runs import JobRun
from lake.operations.status.quarantine import QuarantineReader, QuarantineStatus
from lake.operations.status.runs import (
    RunStatus,
    SubjectGap,
    freshness_hours,
    gaps,
    read_runs,
    run_status,
)
from lake.runs.ledger import run_ids
from lake.times import utc_text

RUNS_SHOWN = 10
JOB_RUNS_SHOWN = 5
METRIC_WINDOW = timedelta(minutes=10)
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

ReadJobRuns = Callable[[str, int], Sequence[JobRun]]


@dataclass(frozen=True)
class UnitStatus:
    """A unit's stack, and the commit that its package was built from."""

    unit: str
    state: str
    deployed_at: str | None
    version: str | None
    commit: str | None
    log_group: str | None


@dataclass(frozen=True)
class QueueStatus:
    """Messages that wait, and messages in flight.

    Attributes
    ----------
    oldest_seconds
        Age of the oldest one that waits; None where nothing waits, or nobody measures it: the
        local AWS does not.
    """

    queue: str
    waiting: int
    in_flight: int
    oldest_seconds: int | None = None


@dataclass(frozen=True)
class EtlStatus:
    """The curated tables, and the jobs that build them.

    Attributes
    ----------
    build, published_at, age_hours
        The build that readers have; None before the first.
    rows
        Its rows by table.
    waiting_runs
        Processed runs that are not in it: the lag of the ETL.
    pinned
        Why readers stay in this build; None if it is not pinned.
    excluded_runs
        Runs that stay out of the tables, with the reason.
    job_runs
        The newest, newest first.
    """

    build: str | None = None
    published_at: str | None = None
    age_hours: float | None = None
    rows: dict[str, int] = field(default_factory=dict)
    waiting_runs: list[str] = field(default_factory=list)
    pinned: str | None = None
    excluded_runs: dict[str, str] = field(default_factory=dict)
    job_runs: list[JobRun] = field(default_factory=list)


@dataclass(frozen=True)
class LakeStatus:
    """The state of one environment.

    Attributes
    ----------
    freshness_hours
        Since the newest processed run was crawled.
    gaps
        Subjects that the newest crawl does not have whole.
    quarantine
        What is quarantined of the newest run that has pages.
    """

    env: str
    endpoint: str | None
    region: str
    units: list[UnitStatus] = field(default_factory=list)
    queues: list[QueueStatus] = field(default_factory=list)
    runs: list[RunStatus] = field(default_factory=list)
    freshness_hours: float | None = None
    gaps: list[SubjectGap] = field(default_factory=list)
    quarantine: QuarantineStatus | None = None
    etl: EtlStatus = field(default_factory=EtlStatus)


def read_status(
    cloud: Cloud,
    job_runs: ReadJobRuns = lambda _bucket, _count: (),
    quarantine: QuarantineReader | None = None,
) -> LakeStatus:
    """Read the state of an environment.

    Parameters
    ----------
    cloud
        Where it is.
    job_runs
        Returns the newest job runs of a bucket, up to a number; by default none.
    quarantine
        Keeps what it has read, for who looks again and again.
    """
    described = {
        u.name: stacks.describe(cloud, deployment.stack_name(cloud, u.name)) for u in UNITS
    }
    present = {name: stack for name, stack in described.items() if stack is not None}
    status = LakeStatus(
        env=cloud.env,
        endpoint=cloud.endpoint,
        region=cloud.region,
        units=[_unit(cloud, unit, described[unit.name]) for unit in UNITS],
        queues=[q for name, stack in present.items() for q in _queues(cloud, name, stack)],
    )
    if "foundation" not in present:
        return status
    bucket = cloud.parameter("foundation/data-bucket")
    known = curated.read_curated(cloud, bucket)
    newest = read_runs(cloud, bucket, run_ids(cloud, bucket)[-RUNS_SHOWN:][::-1])
    runs = [run_status(cloud, bucket, run, known) for run in newest]
    with_pages = next((run.run_id for run in runs if run.pages_processed), None)
    reader = quarantine or QuarantineReader()
    return replace(
        status,
        runs=runs,
        freshness_hours=freshness_hours(newest),
        gaps=gaps(newest),
        quarantine=reader.read(cloud, bucket, with_pages) if with_pages else None,
        etl=_etl(cloud, bucket, known, job_runs),
    )


def _unit(cloud: Cloud, unit: Unit, stack: Mapping[str, Any] | None) -> UnitStatus:
    if stack is None:
        return UnitStatus(unit.name, "not deployed", None, None, None, None)
    found = stacks.outputs(stack)
    moment = stack.get("LastUpdatedTime", stack["CreationTime"])
    commit = history.commit(cloud, unit.name, stacks.parameters(stack)) if unit.packaged else ""
    return UnitStatus(
        unit=unit.name,
        state=stack["StackStatus"],
        deployed_at=utc_text(moment),
        version=found.get("ServiceVersion"),
        commit=commit or None,
        log_group=found.get("LogGroupName"),
    )


def _queues(cloud: Cloud, unit: str, stack: Mapping[str, Any]) -> list[QueueStatus]:
    found = stacks.outputs(stack)
    urls = {
        unit: found.get("QueueUrl"),
        f"{unit} dead letters": found.get("DeadLetterQueueUrl"),
    }
    return [_queue(cloud, name, url) for name, url in urls.items() if url]


def _queue(cloud: Cloud, name: str, url: str) -> QueueStatus:
    sqs = cloud.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))["Attributes"]
    waiting, in_flight = (int(found[count]) for count in COUNTS)
    oldest = _oldest_seconds(cloud, url) if waiting and not cloud.is_local else None
    return QueueStatus(name, waiting, in_flight, oldest)


def _oldest_seconds(cloud: Cloud, url: str) -> int | None:
    """Return the age of a queue's oldest message, which only a metric tells."""
    now = datetime.now(UTC)
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
        StartTime=now - METRIC_WINDOW,
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    newest = max(points, key=lambda point: point["Timestamp"], default=None)
    return int(newest["Maximum"]) if newest else None


def _etl(cloud: Cloud, bucket: str, known: Curated, job_runs: ReadJobRuns) -> EtlStatus:
    published = known.current.builds[0].published_at if known.current else None
    age = datetime.now(UTC) - published if published else None
    return EtlStatus(
        build=known.current.build if known.current else None,
        published_at=utc_text(published) if published else None,
        age_hours=round(age.total_seconds() / 3600, 2) if age else None,
        rows=known.rows,
        waiting_runs=curated.waiting_runs(cloud, bucket, known),
        pinned=(known.pin.reason or "no reason given") if known.pin else None,
        excluded_runs={run: note.reason for run, note in known.excluded.items()},
        job_runs=list(job_runs(bucket, JOB_RUNS_SHOWN)),
    )
