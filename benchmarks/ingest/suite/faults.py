"""A whole crawl through everything that goes wrong, with the stand-in's log as the witness."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.common.medians import python_environment
from benchmarks.common.results import Report
from benchmarks.ingest.suite.environment import (
    Arrival,
    FolderStore,
    Server,
    crowded,
    stand_in,
    windows,
)
from openlibrary_standin.works.subjects import HEADLINE_SHARES
from schemas.keys import RAW_PREFIX, RawKey, manifest_key
from schemas.ledger.run import RunManifest

RATE: Final = 3
PAGE_SIZE: Final = 500
WORKS: Final = 2000
#: Of all kinds: those that the stand-in knows, and more of its making.
SUBJECTS: Final = dict.fromkeys(HEADLINE_SHARES, WORKS) | {
    f"subject_{number:02}": WORKS for number in range(50 - len(HEADLINE_SHARES))
}
#: 5 % of the answers 5xx, 429 in bursts, slow pages, cut connections; and, seldom, every body that
#: is not what it says.
FAULTS: Final = (
    "5xx=0.05",
    "429=@30,120,200:burst=4",
    "slow=0.05:seconds=3",
    "cut=0.05",
    "truncated-gzip=0.01",
    "html=0.01",
    "null-count=0.01",
    "other-shape=0.01",
)
#: The crawler's process is killed (SIGKILL) when so many pages are stored.
KILLED_AT: Final = (60, 140)
#: What an invocation has, so that the crawl takes several; and from one that found the lease taken
#: to the next.
INVOCATION_SECONDS: Final = 40.0
BUSY_SECONDS: Final = 10.0
_MOST_SECONDS: Final = 900.0


@dataclass(frozen=True)
class Evidence:
    """What is left after the crawl.

    Attributes
    ----------
    repeated
        Requests for a page that was in the store before they arrived, canaries aside.
    """

    manifest: RunManifest
    arrivals: Sequence[Arrival]
    repeated: int
    heartbeats: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def measure_faults(report: Report, progress: Console, out: Console) -> None:
    """Crawl 50 subjects with 100,000 works through faults and kills, and show the evidence."""
    with TemporaryDirectory() as name, _faulty_stand_in() as server:
        folder = Path(name) / "bucket"
        folder.mkdir()
        evidence = _crawl_to_the_end(server, folder, progress)
    _report(report, evidence)
    _show(evidence, out)


@contextmanager
def _faulty_stand_in() -> Iterator[Server]:
    options = [part for fault in FAULTS for part in ("--fault", fault)]
    with stand_in(SUBJECTS, 200, options) as server:
        yield server


def _crawl_to_the_end(server: Server, folder: Path, console: Console) -> Evidence:
    heartbeats: Counter[str] = Counter()
    kills = list(KILLED_AT)
    start = time.monotonic()
    while (seconds := time.monotonic() - start) < _MOST_SECONDS:
        answer = _send_heartbeat(server, folder, kills[0] if kills else None)
        heartbeats[answer["action"] if answer else "killed"] += 1
        if answer is None:
            console.print(f"killed with {kills.pop(0)} pages stored; its lease has to end first")
        elif answer["finished"]:
            evidence = _evidence(server, folder, answer["run_id"])
            return replace(evidence, heartbeats=heartbeats, seconds=seconds)
        elif answer["action"] == "busy":
            time.sleep(BUSY_SECONDS)
    raise RuntimeError(f"the crawl did not end within {_MOST_SECONDS} s: {dict(heartbeats)}")


def _send_heartbeat(server: Server, folder: Path, kill_at: int | None) -> Mapping[str, Any] | None:
    wanted = {
        "url": server.url,
        "folder": str(folder),
        "subjects": list(SUBJECTS),
        "rate": RATE,
        "page_size": PAGE_SIZE,
        "seconds": INVOCATION_SECONDS,
    }
    command = [sys.executable, "-m", "benchmarks.ingest.suite.heartbeats", json.dumps(wanted)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=python_environment()
    ) as process:
        while process.poll() is None:
            if kill_at is not None and _pages(folder) >= kill_at:
                process.send_signal(signal.SIGKILL)
            time.sleep(0.02)
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        output = process.stdout.read()
    if process.returncode == -signal.SIGKILL:
        return None
    if process.returncode:
        raise RuntimeError(f"the heartbeat ended with {process.returncode}")
    answer: Mapping[str, Any] = json.loads(output)
    return answer


def _pages(folder: Path) -> int:
    return sum(path.name.startswith("raw_data") for path in folder.iterdir())


def _evidence(server: Server, folder: Path, run_id: str) -> Evidence:
    store = FolderStore(folder)
    found = store.get(manifest_key(run_id))
    assert found is not None  # noqa: S101  # the run is finished
    stored: dict[tuple[str, int], float] = {}
    for key, at in store.stored_at().items():
        if key.startswith(RAW_PREFIX):
            raw = RawKey.parse(key)
            stored[raw.subject, raw.offset] = at
    arrivals = server.arrivals()
    repeated = sum(
        one.time > stored.get((one.subject, one.offset), float("inf"))
        for one in arrivals
        if not _is_canary(one)
    )
    return Evidence(RunManifest.model_validate_json(found.body), arrivals, repeated)


def _is_canary(arrival: Arrival) -> bool:
    # Asks for one work, to see whether the source serves, and stores nothing.
    return (arrival.offset, arrival.limit) == (0, 1)


def _report(report: Report, evidence: Evidence) -> None:
    totals = evidence.manifest.totals
    works = sum(SUBJECTS.values())
    incomplete = sum(one.status != "complete" for one in evidence.manifest.subjects)
    arrived = [one.time for one in evidence.arrivals]
    report.at_most("faults: subjects not complete", incomplete, "subjects", 0)
    report.at_most("faults: works missing", works - totals.distinct, "works", 0)
    name = f"faults: windows of 1 s with more than {RATE} requests"
    report.at_most(name, crowded(arrived, RATE), "windows", 0)
    report.at_most("faults: pages fetched again once stored", evidence.repeated, "requests", 0)
    report.at_least("faults: kills", evidence.heartbeats["killed"], "kills", len(KILLED_AT))
    name = f"faults: shortest time of {RATE + 1} requests"
    report.detail(name, min(windows(arrived, RATE)), "s")
    report.detail("faults: seconds, leases of killed invocations included", evidence.seconds, "s")


def _show(evidence: Evidence, console: Console) -> None:
    manifest, arrivals = evidence.manifest, evidence.arrivals
    statuses = Counter(str(one.status) for one in arrivals)
    faults = Counter(fault for one in arrivals for fault in one.faults)
    table = Table(f"manifest of {manifest.run_id}", manifest.status)
    for name, value in manifest.totals.model_dump().items():
        table.add_row(name, f"{value:,}")
    table.add_row("heartbeats", _text(evidence.heartbeats))
    table.add_row("requests by answer", f"{len(arrivals)}: {_text(statuses)}")
    table.add_row("faults met", _text(faults))
    console.print(table)


def _text(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
