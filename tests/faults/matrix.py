"""Every fault of every AWS call that ingest and process make."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from tests.faults.lab import SUBJECT, Lab
from tests.faults.proxy import Fault, Kind
from tests.faults.scenario import Scenario, require, require_clean

EXPECTED: Final[Mapping[Kind, str]] = {
    "throttled": "refused up to 6 times: repeated by client, function or next heartbeat",
    "error": "fails up to 6 times: repeated by client, function or next heartbeat",
    "slow": "waited for",
    "cut": "noticed, and the call repeated",
    "lost": "repeated, and the effect is there once",
    "killed-before": "the next heartbeat or delivery does it",
    "killed-after": "the next heartbeat or delivery finds the effect, and goes on",
}
#: As many as one page takes to fail once: the attempts of an invocation.
_ATTEMPTS: Final = 6
_TABLE: Final = "subject_snapshots"


@dataclass(frozen=True)
class Target:
    """A call to spoil.

    Attributes
    ----------
    call
        See :attr:`tests.faults.calls.Call.name`.
    kinds
        Faults that make sense for it.
    setting
        Brings about that the call is made, for the length of a scenario.
    before
        Faults that bring it about.
    works
        Works that the scenario's run crawls, 10 a page; each page repeats one.
    """

    call: str
    kinds: tuple[Kind, ...]
    setting: Callable[[Lab], AbstractContextManager[Any]] = lambda _lab: nullcontext()
    before: Callable[[], list[Fault]] = list
    works: int = 28


@contextmanager
def _cold(lab: Lab) -> Iterator[None]:
    """Make containers of process look the tables up again."""
    lab.end_workers("process")
    yield


@contextmanager
def _without_table(lab: Lab) -> Iterator[None]:
    """Drop a table; put the partitions of earlier runs back at the end."""
    glue, name = lab.cloud.client("glue"), {"TableName": _TABLE}
    database = lab.cloud.parameter("foundation/glue-database")
    kept = []
    if _TABLE in lab.tables():
        pages = glue.get_paginator("get_partitions").paginate(DatabaseName=database, **name)
        kept = [part for page in pages for part in page["Partitions"]]
        glue.delete_table(DatabaseName=database, Name=_TABLE)
    lab.end_workers("process")
    try:
        yield
    finally:
        for part in kept:
            put_back = {key: part[key] for key in ("Values", "StorageDescriptor", "Parameters")}
            glue.batch_create_partition(
                DatabaseName=database, **name, PartitionInputList=[put_back]
            )


@contextmanager
def _without_column(lab: Lab) -> Iterator[None]:
    """Take the last column from a table, as if an older release had made it."""
    glue, database = lab.cloud.client("glue"), lab.cloud.parameter("foundation/glue-database")
    if _TABLE in lab.tables():
        table = glue.get_table(DatabaseName=database, Name=_TABLE)["Table"]
        kept = ("Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
        changed = {key: table[key] for key in kept if key in table}
        changed["StorageDescriptor"]["Columns"].pop()
        glue.update_table(DatabaseName=database, TableInput=changed)
    lab.end_workers("process")
    yield


def _interrupted() -> list[Fault]:
    """End the first heartbeat in the middle of its pages."""
    return [Fault("ingest.PutObject.page", "killed-before", skip=1)]


def _page_fails() -> list[Fault]:
    """Let the only page fail for a whole invocation, by what process alone repeats."""
    return [Fault("process.GetObject.page", "skewed", times=_ATTEMPTS)]


_READ: Final[tuple[Kind, ...]] = ("throttled", "error", "slow", "cut", "lost", "killed-before")
_WRITE: Final[tuple[Kind, ...]] = (*_READ, "killed-after")
# Each costs a cold start more, so the faults that say most.
_COSTLY: Final[tuple[Kind, ...]] = ("throttled", "cut", "lost", "killed-before")

TARGETS: Final = (
    Target("ingest.GetParameter", _READ),
    Target("ingest.GetObject.checkpoint", _READ),
    Target("ingest.ListObjectsV2.manifest", _READ),
    Target("ingest.GetObject.plan", _READ),
    Target("ingest.PutObject.plan", _WRITE),
    Target("ingest.PutObject.checkpoint", _WRITE),
    Target("ingest.PutObject.page", _WRITE),
    Target("ingest.PutObject.outcome", _WRITE),
    Target("ingest.GetObject.outcome", _READ),
    Target("ingest.PutObject.manifest", _WRITE),
    Target("ingest.ListObjectsV2.pages", _COSTLY, before=_interrupted),
    Target("ingest.ListObjectsV2.outcomes", _COSTLY, before=_interrupted),
    Target("ingest.GetObject.page", _COSTLY, before=_interrupted),
    Target("ingest.GetObject.manifest", _COSTLY, before=_interrupted),
    Target("process.GetObject.page", _READ),
    Target("process.GetTable", _COSTLY, setting=_cold),
    Target("process.CreateTable", _COSTLY, setting=_without_table),
    Target("process.UpdateTable", _COSTLY, setting=_without_column),
    Target("process.BatchCreatePartition", _WRITE),
    Target("process.PutObject.rows", _WRITE),
    Target("process.PutObject.rejected", _WRITE),
    Target("process.PutObject.receipt", _WRITE),
    Target("process.GetObject.manifest", _READ),
    Target("process.ListObjectsV2.receipts", _READ),
    Target("process.GetObject.receipt", _READ),
    Target("process.ListObjectsV2.parts", _READ),
    Target("process.PutObject.parts", _WRITE),
    Target("process.PutObject.part", _WRITE),
    Target("process.PutObject.sum", _WRITE),
    Target("process.PutObject.ledger", _WRITE),
    # A message that failed waits for up to a minute.
    Target("process.ChangeMessageVisibility", ("error", "lost"), before=_page_fails, works=8),
)
#: Longer than the clients wait for an answer: 10 s in ingest, 20 s in process.
_STALLED: Final = {"ingest.PutObject.page": 12.0, "process.PutObject.rows": 22.0}


def scenarios() -> list[Scenario]:
    """Return a scenario for each fault of each call."""
    found = [
        Scenario(f"{target.call}:{kind}", EXPECTED[kind], _runner(target, kind))
        for target in TARGETS
        for kind in target.kinds
    ]
    for call, seconds in _STALLED.items():
        run = _runner(Target(call, ()), "slow", seconds)
        found.append(Scenario(f"{call}:stalled", "given up by the client, and repeated", run))
    return found


def _runner(
    target: Target, kind: Kind, seconds: float | None = None
) -> Callable[[Lab, random.Random], str]:
    def run(lab: Lab, chance: random.Random) -> str:
        fault = Fault(target.call, kind, times=_times(kind, chance))
        fault.seconds = seconds or chance.uniform(0.5, 2.0)
        return _spoil(lab, target, fault)

    return run


def _times(kind: Kind, chance: random.Random) -> int:
    # botocore makes four attempts at a call: more than that, and the function has to see to it.
    if kind in ("throttled", "error"):
        return chance.randint(1, 6)
    return 1 if kind.startswith("killed") or kind == "slow" else chance.randint(1, 2)


def _spoil(lab: Lab, target: Target, fault: Fault) -> str:
    # A heartbeat that names no subjects reads them from the parameter.
    subjects = (
        []
        if target.call == "ingest.GetParameter"
        else [{"subject": SUBJECT, "max_works": target.works}]
    )
    failed_before = len(lab.failed_heartbeats)
    with target.setting(lab), lab.proxy.injecting(*target.before(), fault) as plan:
        run_id = lab.crawl(lab.new_run(), subjects)
        lab.settle(run_id)
        calls = plan.calls[target.call]
    require(fault.injected, f"the call was not made: {dict(plan.calls)}")
    figures = require_clean(lab, run_id)
    heartbeats = len(lab.failed_heartbeats) - failed_before
    parts = [f"{fault.injected} of {calls} calls spoiled"]
    if heartbeats:
        parts.append(f"{heartbeats} heartbeats failed")
    return "; ".join([*parts, figures])
