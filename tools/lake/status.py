"""What is deployed, what has run, and what waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lake import deploy, releases, runs, stacks
from lake.aws import Cloud
from lake.units import UNITS, Unit

RUNS_SHOWN = 10
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


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
    """Messages that wait, and messages that are being worked on."""

    queue: str
    waiting: int
    in_flight: int


@dataclass(frozen=True)
class RunStatus:
    """A run as its ledgers tell it; None where a ledger is not written yet."""

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
class LakeStatus:
    """The state of one environment."""

    env: str
    endpoint: str | None
    units: list[UnitStatus] = field(default_factory=list)
    queues: list[QueueStatus] = field(default_factory=list)
    runs: list[RunStatus] = field(default_factory=list)


def read_status(cloud: Cloud) -> LakeStatus:
    """Read the state of an environment."""
    described = {u.name: stacks.describe(cloud, deploy.stack_name(cloud, u.name)) for u in UNITS}
    present = {name: stack for name, stack in described.items() if stack is not None}
    return LakeStatus(
        env=cloud.env,
        endpoint=cloud.endpoint,
        units=[_unit(cloud, unit, described[unit.name]) for unit in UNITS],
        queues=[q for name, stack in present.items() for q in _queues(cloud, name, stack)],
        runs=_runs(cloud) if "foundation" in present else [],
    )


def _unit(cloud: Cloud, unit: Unit, stack: Mapping[str, Any] | None) -> UnitStatus:
    if stack is None:
        return UnitStatus(unit.name, "not deployed", None, None, None, None)
    found = stacks.outputs(stack)
    moment = stack.get("LastUpdatedTime", stack["CreationTime"])
    commit = releases.commit(cloud, unit.name, stacks.parameters(stack)) if unit.packaged else ""
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
    newest = runs.run_ids(cloud, bucket)[-RUNS_SHOWN:]
    return [_run(cloud, bucket, run_id) for run_id in reversed(newest)]


def _run(cloud: Cloud, bucket: str, run_id: str) -> RunStatus:
    run = runs.read_run(cloud, bucket, run_id)
    pages = runs.count_pages(cloud, bucket, run_id)
    manifest, processed = run.manifest, run.processed
    return RunStatus(
        run_id=run_id,
        crawl=manifest.status if manifest else None,
        finished_at=manifest.finished_at.strftime(TIME_FORMAT) if manifest else None,
        subjects=manifest.totals.subjects if manifest else None,
        records=manifest.totals.fetched if manifest else None,
        pages_stored=pages.stored,
        pages_processed=pages.processed,
        rows=processed.rows if processed else None,
        quarantined=processed.quarantined if processed else None,
    )
