"""Every fault of the AWS calls by which the Glue job publishes, compacts and cleans up.

Its programs run as processes of their own, against the local AWS. What Spark itself reads and
writes is not in it: here, that is folders.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lake.errors import EtlFailedError
from lake.etl.curated import read_curated
from schemas import keys
from schemas.ledger.compacted import PAGED
from tests.faults.lab import Lab
from tests.faults.proxy import Fault, Kind
from tests.faults.scenario import Scenario, require, require_clean

_MOST_JOBS: Final = 4
_READ: Final[tuple[Kind, ...]] = ("throttled", "cut", "lost", "killed-before")
_WRITE: Final[tuple[Kind, ...]] = (*_READ, "error", "slow", "killed-after")
_EXPECTED: Final[Mapping[str, str]] = {
    "throttled": "refused up to 6 times: repeated by the client or by the next job",
    "error": "fails up to 6 times: repeated by the client or by the next job",
    "slow": "waited for",
    "cut": "noticed, and the call repeated",
    "lost": "repeated, and the effect is there once",
    "killed-before": "the next job does it",
    "killed-after": "the next job finds the effect, and goes on",
}
_PUBLISH: Final[Mapping[str, tuple[Kind, ...]]] = {
    "etl.GetObject.lease": _READ,
    "etl.PutObject.lease": _WRITE,
    "etl.GetObject.current": _READ,
    "etl.PutObject.current": _WRITE,
    "etl.GetObject.build": _READ,
    "etl.GetObject.curated": _READ,
    "etl.ListObjectsV2.build": _READ,
    "etl.ListObjectsV2.builds": _READ,
    "etl.GetTable": _READ,
    "etl.UpdateTable": _WRITE,
}
_COMPACT: Final[Mapping[str, tuple[Kind, ...]]] = {
    "etl.ListObjectsV2.days": _READ,
    "etl.ListObjectsV2.rows": _READ,
    "etl.ListObjectsV2.compacted": _READ,
    "etl.GetObject.ledger": _READ,
    "etl.GetObject.rows": _READ,
    "etl.PutObject.compacted": _WRITE,
    "etl.PutObject.day-pages": _WRITE,
    "etl.PutObject.day": _WRITE,
    "etl.GetObject.day": _READ,
    "etl.GetObject.day-pages": _READ,
    "etl.GetPartitions": _READ,
    "etl.GetPartition": _READ,
    "etl.BatchUpdatePartition": _WRITE,
    "etl.DeleteObjects": _WRITE,
}
#: Each scenario compacts one.
_DAYS: Final = sum(map(len, _COMPACT.values()))


@dataclass(frozen=True)
class _Work:
    """What a job is to do, how to see that it is done, and a run to which it was done."""

    module: str
    arguments: Callable[[], Mapping[str, str]]
    is_done: Callable[[], bool]
    run_of: Callable[[], str]


def scenarios() -> list[Scenario]:
    """Return a scenario for each fault of each call."""
    return [
        Scenario(f"{call}:{kind}", _EXPECTED[kind], _runner(call, kind, work))
        for calls, work in ((_PUBLISH, _publication), (_COMPACT, _compaction))
        for call, kinds in calls.items()
        for kind in kinds
    ]


def _runner(
    call: str, kind: Kind, work_of: Callable[[Lab], _Work]
) -> Callable[[Lab, random.Random], str]:
    def run(lab: Lab, chance: random.Random) -> str:
        lab.need_builds(days=_DAYS)
        fault = Fault(call, kind, times=_times(kind, chance), seconds=chance.uniform(0.5, 2.0))
        work, jobs = work_of(lab), 0
        with lab.proxy.injecting(fault) as plan:
            while not jobs or not work.is_done():
                jobs += 1
                require(jobs <= _MOST_JOBS, f"not done by {_MOST_JOBS} jobs")
                _run_job(lab, work)
            calls = plan.calls[call]
        require(fault.injected, f"the call was not made: {dict(plan.calls)}")
        require_clean(lab, work.run_of())
        return f"{fault.injected} of {calls} calls spoiled; {jobs} jobs"

    return run


def _run_job(lab: Lab, work: _Work) -> None:
    try:
        lab.run_job(work.module, work.arguments())
    except EtlFailedError:
        lab.expire_build_lease()


def _publication(lab: Lab) -> _Work:
    """Send readers to the build in which they are not."""
    now = read_curated(lab.cloud, lab.bucket).current
    build = next(one for one in lab.builds if now is None or one != now.build)

    def is_done() -> bool:
        current = read_curated(lab.cloud, lab.bucket).current
        there = lab.locations().values()
        return (
            current is not None
            and current.build == build
            and not current.switching
            and all(keys.parse_build(location) == build for location in there)
        )

    return _Work("publish", lambda: {"build": build}, is_done, lambda: lab.built_runs[0])


def _compaction(lab: Lab) -> _Work:
    """Compact one more day, and remove the files of its pages."""
    before, on_record = _compacted_days(lab), lab.keys(keys.COMPACTED_DAYS_PREFIX)

    def arguments() -> dict[str, str]:
        # The job after one that failed half-way goes on with that day, and need begin no other.
        begun = lab.keys(keys.COMPACTED_DAYS_PREFIX) != on_record
        days = "0" if begun else "1"
        return {"compact-after-days": "0", "compact-days": days, "grace-minutes": "0"}

    def is_done() -> bool:
        new = _compacted_days(lab) - before
        return bool(new) and not any(
            lab.keys(keys.day_prefix(table.location, day))
            for table in PAGED.values()
            for day in new
        )

    def run_of() -> str:
        (day,) = _compacted_days(lab) - before
        return next(run for run in lab.built_runs if str(keys.parse_run_id(run).date()) == day)

    return _Work("compact", arguments, is_done, run_of)


def _compacted_days(lab: Lab) -> set[str]:
    """Return the days of which readers of every table are sent to compacted files."""
    found = [lab.days_at(table, keys.COMPACTED_PREFIX) for table in PAGED.values()]
    return set.intersection(*found)


def _times(kind: Kind, chance: random.Random) -> int:
    if kind in ("throttled", "error"):
        return chance.randint(1, 6)
    return 1 if kind.startswith("killed") or kind == "slow" else chance.randint(1, 2)
