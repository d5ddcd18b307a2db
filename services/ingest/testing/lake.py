"""A whole ingest in memory: one object to send heartbeats to, and to look at afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.errors import IngestError
from ingest.logic.heartbeat import CrawlRules, HeartbeatDependencies, HeartbeatResult, run_heartbeat
from ingest.logic.pages import PageRange, PageResult
from ingest.logic.subject_crawl import SubjectCrawl
from ingest.openlibrary.api import OpenLibrary
from ingest.openlibrary.subjects import parse_subjects
from ingest.ports import SubjectSpec
from ingest.testing.fakes import (
    START,
    FakeClock,
    FakeSource,
    InlineExecutor,
    Killed,
    Killer,
    MemoryStore,
)
from schemas.events import Heartbeat
from schemas.keys import RawKey, manifest_key
from schemas.ledger.run import RunManifest, SubjectOutcome

RUN_ID = "20261123T000000Z"


class SilentObserver:
    """Keeps the errors that it is notified of."""

    def __init__(self) -> None:
        self.errors: list[IngestError] = []
        self.pages: list[int] = []

    def run_known(self, run_id: str) -> None:
        """Nothing to note."""

    def page_stored(self, crawl: SubjectCrawl, result: PageResult) -> None:
        """Note a page."""
        self.pages.append(result.offset)

    def request_failed(self, subject: str, page: PageRange, error: IngestError) -> None:
        """Note an error."""
        self.errors.append(error)

    def subject_ended(self, outcome: SubjectOutcome) -> None:
        """Nothing to note."""


@dataclass
class MemoryLake:
    """Ingest with fakes for everything outside it."""

    works: Mapping[str, int]
    subjects: list[object] | None = None
    page_size: int = 10
    max_works: int = 1000
    rate: float = 3.0
    run_deadline_minutes: float = 1440
    interval_minutes: int = 1440
    seconds_per_invocation: float = 900.0
    clock: FakeClock = field(default_factory=FakeClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    observer: SilentObserver = field(default_factory=SilentObserver)
    invocations: int = 0

    def __post_init__(self) -> None:
        self.source = FakeSource(self.works, self.clock)
        self.fetched_though_stored: list[str] = []
        self.source.on_request = self._note_repetition

    def _note_repetition(self, subject: str, offset: int, limit: int) -> None:
        key = RawKey.of(RUN_ID, subject, offset).key
        is_canary = (offset, limit) == (0, 1)
        if key in self.store.objects and not is_canary:
            self.fetched_though_stored.append(key)

    def specs(self) -> list[SubjectSpec]:
        """Return the configured subjects: by default those that have works."""
        return parse_subjects(json.dumps(self.subjects or list(self.works)))

    def dependencies(self) -> HeartbeatDependencies:
        """Return what the next invocation works with."""
        self.invocations += 1
        ends = self.clock.seconds + self.seconds_per_invocation
        return HeartbeatDependencies(
            rules=CrawlRules(
                self.page_size,
                self.max_works,
                self.rate,
                self.interval_minutes,
                self.run_deadline_minutes,
            ),
            store=self.store,
            source=self.source,
            api=OpenLibrary(),
            executor=InlineExecutor(),
            timing=self.clock.timing,
            observer=self.observer,
            owner=f"invocation-{self.invocations}",
            remaining_seconds=lambda: ends - self.clock.seconds,
            read_subjects=self.specs,
        )

    def run_heartbeat(self, *, start: bool = False) -> HeartbeatResult:
        """Send a heartbeat at the clock's time."""
        return run_heartbeat(
            Heartbeat(scheduled_time=self.clock.now(), start=start), self.dependencies()
        )

    def kill_at(self, boundary: int | None) -> None:
        """Kill the next invocation at that call of store or source; ``None``: no more."""
        killer = Killer(boundary)
        self.store.killer = self.source.killer = killer

    def run_killed_heartbeat(self, boundary: int) -> bool:
        """Send a heartbeat that is killed at that call; return whether it lived that long."""
        self.kill_at(boundary)
        try:
            self.run_heartbeat()
        except Killed:
            return True
        finally:
            self.kill_at(None)
        return False

    def run_until_finished(self, most: int = 50, every_seconds: float = 300) -> HeartbeatResult:
        """Send heartbeats until a run is finished."""
        for _ in range(most):
            result = self.run_heartbeat()
            if result.finished or (result.action == "idle" and result.status is None):
                return result
            self.clock.seconds += every_seconds
        raise AssertionError(f"not finished after {most} heartbeats: {result}")

    def manifest(self, run_id: str = RUN_ID) -> RunManifest:
        """Read a run's manifest."""
        return RunManifest.model_validate_json(self.store.objects[manifest_key(run_id)].body)

    def outcome(self, subject: str, run_id: str = RUN_ID) -> SubjectOutcome:
        """Return a subject's part of the manifest."""
        return next(one for one in self.manifest(run_id).subjects if one.subject == subject)

    def raw_keys(self) -> list[str]:
        """Keys of the stored pages."""
        return self.store.keys("raw_data/")


__all__ = ["RUN_ID", "START", "MemoryLake", "SilentObserver"]
