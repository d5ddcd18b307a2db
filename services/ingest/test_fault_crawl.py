"""A whole crawl over HTTP through every fault and two kills, with the source's log as witness."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from ingest.adapters.http_source import HttpSource
from ingest.logic.checkpoint import GUARD_SECONDS
from ingest.logic.heartbeat import CrawlRules, HeartbeatDependencies, HeartbeatResult, run_heartbeat
from ingest.openlibrary.api import OpenLibrary
from ingest.openlibrary.body import MAX_WIRE_BYTES
from ingest.ports import Gate, SourceResponse, SubjectSpec, Timing
from ingest.testing.fakes import Killed, Killer, MemoryStore
from ingest.testing.lake import SilentObserver
from schemas.events import Heartbeat
from schemas.keys import RawKey, manifest_key
from schemas.ledger.run import RunManifest

RATE = 50
SUBJECTS = [f"subject_{number}" for number in range(7)] + ["person:jane_austen"]
WORKS = 500
INVOCATION_SECONDS = 900.0
FAULTS = (
    "5xx=0.05",
    "429=@20,70:burst=3",
    "slow=0.05:seconds=0.2",
    "cut=0.05",
    "truncated-gzip=0.03",
    "html=0.03",
    "null-count=0.03",
    "other-shape=0.03",
)
AGENT = "openlake-ingest/0.1.0 (lake@example.org)"


@pytest.fixture
def url() -> Iterator[str]:
    """A stand-in in a process of its own, so that what it sees is what a server sees."""
    command = [sys.executable, "-m", "openlibrary_standin", "--latency-ms", "20"]
    for subject in SUBJECTS:
        command += ["--subject", f"{subject}={WORKS}"]
    for fault in FAULTS:
        command += ["--fault", fault]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


@dataclass
class MortalSource:
    """The source as it is, but killed with its invocation."""

    http: HttpSource
    killer: Killer

    def fetch(self, path: str, gate: Gate, timeout_seconds: float) -> SourceResponse:
        """Ask for a path, unless the invocation is dead."""

        @contextmanager
        def mortal() -> Iterator[None]:
            with gate():
                self.killer.step()
                yield

        response = self.http.fetch(path, mortal, timeout_seconds)
        self.killer.step()
        return response


@dataclass
class Lake:
    """Ingest over HTTP with a bucket in memory and a clock that can be put forward."""

    url: str
    store: MemoryStore = field(default_factory=MemoryStore)
    stored_at: dict[str, float] = field(default_factory=dict)
    ahead: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.start = datetime.now(UTC)
        create, lock = self.store.create, threading.Lock()

        def noted(key: str, new: Any) -> bool:
            try:
                return create(key, new)
            finally:
                # An invocation that is killed right after it stored a page has stored it.
                with lock:
                    if key in self.store.objects:
                        self.stored_at.setdefault(key, time.monotonic())

        self.store.create = noted  # type: ignore[method-assign]  # a spy

    def run_heartbeat(self, killed_at: int | None = None) -> HeartbeatResult:
        """Send a heartbeat; ``killed_at``: the call of store or source at which it is killed."""
        self.store.killer = killer = Killer(killed_at)
        rules = CrawlRules(50, 10_000, RATE, 1440, 1440)
        # Back-off as always, but shorter: a test does not wait for a source that gets well.
        timing = Timing(now=self.now, uniform=lambda low, high: low + (high - low) / 50)
        with (
            closing(
                HttpSource(self.url, AGENT, rules.in_flight, max_body_bytes=MAX_WIRE_BYTES)
            ) as http,
            ThreadPoolExecutor(rules.in_flight) as executor,
        ):
            deps = HeartbeatDependencies(
                rules=rules,
                store=self.store,
                source=MortalSource(http, killer),
                api=OpenLibrary(),
                executor=executor,
                timing=timing,
                observer=SilentObserver(),
                owner=str(self.ahead),
                remaining_seconds=lambda: INVOCATION_SECONDS,
                read_subjects=lambda: [SubjectSpec(subject=one) for one in SUBJECTS],
            )
            return run_heartbeat(Heartbeat(scheduled_time=self.start), deps)

    def now(self) -> datetime:
        """The clock."""
        return datetime.now(UTC) + self.ahead

    def wait_for_the_lease(self) -> None:
        """Let the lease of a killed invocation end: the clock does, the source sees a second."""
        self.ahead += timedelta(seconds=INVOCATION_SECONDS + GUARD_SECONDS + 1)
        time.sleep(1.05)


def log_of(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/_standin/requests", timeout=10) as answer:  # noqa: S310
        requests: list[dict[str, Any]] = json.load(answer)
    return requests


def test_crawl_through_every_fault_and_two_kills_is_whole(url: str) -> None:
    # GIVEN a source with every fault that it can recover from, and an invocation killed twice
    lake = Lake(url)
    for boundary in (60, 150):
        with pytest.raises(Killed):
            lake.run_heartbeat(killed_at=boundary)
        lake.wait_for_the_lease()
    # WHEN heartbeats go on
    result = next(one for one in (lake.run_heartbeat() for _ in range(20)) if one.finished)
    # THEN the run is complete, and every work is there
    assert result.run_id is not None
    manifest = RunManifest.model_validate_json(lake.store.objects[manifest_key(result.run_id)].body)
    assert manifest.status == "complete"
    assert [one.distinct for one in manifest.subjects] == [WORKS] * len(SUBJECTS)
    # AND once, but for the one by which each page overlaps the next
    overlaps = sum(len(one.pages) - 1 for one in manifest.subjects)
    assert manifest.totals.duplicates == overlaps
    listed = [page.key for one in manifest.subjects for page in one.pages]
    assert sorted(listed) == lake.store.keys("raw_data/")
    log = log_of(url)
    assert {fault.partition("=")[0] for fault in FAULTS} <= {
        name for request in log for name in request["faults"]
    }
    assert_nothing_was_fetched_once_stored(lake, log, result.run_id)
    assert_rate_was_kept(log)


def assert_nothing_was_fetched_once_stored(
    lake: Lake, log: list[dict[str, Any]], run_id: str
) -> None:
    for request in log:
        if request["params"]["limit"] == "1":  # a canary, which is not stored
            continue
        subject = unquote(request["path"]).removeprefix("/subjects/").removesuffix(".json")
        key = RawKey.of(run_id, subject, int(request["params"]["offset"])).key
        assert request["time"] <= lake.stored_at[key]


def assert_rate_was_kept(log: list[dict[str, Any]]) -> None:
    arrived = sorted(request["time"] for request in log)
    assert all(later - first > 1.0 for first, later in zip(arrived, arrived[RATE:], strict=False))
