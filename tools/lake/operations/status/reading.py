"""Deployed units, runs, queues and the curated tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lake.aws import Cloud
from lake.deploy import deployment, history, stacks
from lake.deploy.units import UNITS, Unit
from lake.etl import curated
from lake.etl.job_runs import JobRun
from lake.runs.ledger import count_pages, read_run, run_ids

RUNS_SHOWN = 10
JOB_RUNS_SHOWN = 5
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
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
    """Messages that wait, and messages in flight."""

    queue: str
    waiting: int
    in_flight: int


@dataclass(frozen=True)
class RunStatus:
    """A run according to its ledgers; None where a ledger is not written yet."""

    run_id: str
    crawl: str | None
    finished_at: str | None
    subjects: int | None
    records: int | None
    pages_stored: int
    pages_processed: int
    rows: int | None
    quarantined: int | None


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
    """The state of one environment."""

    env: str
    endpoint: str | None
    region: str
    units: list[UnitStatus] = field(default_factory=list)
    queues: list[QueueStatus] = field(default_factory=list)
    runs: list[RunStatus] = field(default_factory=list)
    etl: EtlStatus = field(default_factory=EtlStatus)


def read_status(cloud: Cloud, job_runs: ReadJobRuns = lambda _bucket, _count: ()) -> LakeStatus:
    """Read the state of an environment.

    Parameters
    ----------
    cloud
        Where it is.
    job_runs
        Returns the newest job runs of a bucket, up to a number; by default none.
    """
    described = {
        u.name: stacks.describe(cloud, deployment.stack_name(cloud, u.name)) for u in UNITS
    }
    present = {name: stack for name, stack in described.items() if stack is not None}
    return LakeStatus(
        env=cloud.env,
        endpoint=cloud.endpoint,
        region=cloud.region,
        units=[_unit(cloud, unit, described[unit.name]) for unit in UNITS],
        queues=[q for name, stack in present.items() for q in _queues(cloud, name, stack)],
        runs=_runs(cloud) if "foundation" in present else [],
        etl=_etl(cloud, job_runs) if "foundation" in present else EtlStatus(),
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
        deployed_at=moment.strftime(TIME_FORMAT),
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
    return QueueStatus(name, waiting, in_flight)


def _runs(cloud: Cloud) -> list[RunStatus]:
    bucket = cloud.parameter("foundation/data-bucket")
    newest = run_ids(cloud, bucket)[-RUNS_SHOWN:]
    return [_run(cloud, bucket, run_id) for run_id in reversed(newest)]


def _run(cloud: Cloud, bucket: str, run_id: str) -> RunStatus:
    run = read_run(cloud, bucket, run_id)
    pages = count_pages(cloud, bucket, run_id)
    manifest, processed = run.manifest, run.processed
    return RunStatus(
        run_id=run_id,
        # A dump is a run without a crawl.
        crawl=manifest.status if manifest else "dump" if processed else None,
        finished_at=manifest.finished_at.strftime(TIME_FORMAT) if manifest else None,
        subjects=manifest.totals.subjects if manifest else None,
        records=manifest.totals.fetched if manifest else processed.records if processed else None,
        pages_stored=pages.stored,
        pages_processed=pages.processed,
        rows=processed.rows if processed else None,
        quarantined=processed.quarantined if processed else None,
    )


def _etl(cloud: Cloud, job_runs: ReadJobRuns) -> EtlStatus:
    bucket = cloud.parameter("foundation/data-bucket")
    known = curated.read_curated(cloud, bucket)
    published = known.current.builds[0].published_at if known.current else None
    age = datetime.now(UTC) - published if published else None
    return EtlStatus(
        build=known.current.build if known.current else None,
        published_at=published.strftime(TIME_FORMAT) if published else None,
        age_hours=round(age.total_seconds() / 3600, 2) if age else None,
        rows=known.rows,
        waiting_runs=curated.waiting_runs(cloud, bucket, known),
        pinned=(known.pin.reason or "no reason given") if known.pin else None,
        excluded_runs={run: note.reason for run, note in known.excluded.items()},
        job_runs=list(job_runs(bucket, JOB_RUNS_SHOWN)),
    )
