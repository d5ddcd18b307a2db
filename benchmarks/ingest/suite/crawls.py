"""The crawls that are measured: ingest's, and the loop that most scripts have."""

from __future__ import annotations

import gzip
import json
import re
import resource
import sys
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import requests

from benchmarks.ingest.suite.environment import FolderStore
from ingest.adapters.http_source import HttpSource
from ingest.errors import IngestError
from ingest.logic.heartbeat import CrawlRules, HeartbeatDependencies, HeartbeatResult, run_heartbeat
from ingest.logic.pages import PageRange, PageResult
from ingest.logic.subject_crawl import SubjectCrawl
from ingest.openlibrary.api import OpenLibrary
from ingest.openlibrary.body import MAX_WIRE_BYTES
from ingest.ports import SubjectSpec, Timing
from schemas.events import Heartbeat
from schemas.ledger.run import SubjectOutcome

AGENT: Final = "openlake-benchmark/1.0 (https://127.0.0.1)"
#: Pages that a crawl takes to open its connections and to touch its memory for the first time.
WARM_UP_PAGES: Final = 5
#: ``ru_maxrss`` is in KiB, on macOS in bytes.
_MAXRSS_UNITS: Final = 1024 if sys.platform == "darwin" else 1


@dataclass(frozen=True)
class Crawled:
    """What a crawl took: pages, seconds on the clock, seconds of CPU for each page."""

    pages: int
    wall: float
    cpu_per_page: float


def peak_memory() -> float:
    """Return the peak memory of this process, in MiB.

    Where the kernel tells it for this program alone: ``ru_maxrss`` also counts what the parent had
    when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found is not None  # noqa: S101  # every Linux tells it
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * _MAXRSS_UNITS)


class Watch:
    """Notes, page by page, the process's CPU time without the store's, and its peak memory."""

    def __init__(self, store: FolderStore) -> None:
        self._store = store
        self.cpu: list[float] = []
        self.peak: list[float] = []

    @property
    def cpu_per_page(self) -> float:
        """CPU seconds of a page, once the crawl was warm."""
        warm = self.cpu[WARM_UP_PAGES:] or self.cpu
        return (warm[-1] - warm[0]) / max(len(warm) - 1, 1)

    def run_known(self, run_id: str) -> None:
        """Nothing to note."""

    def page_stored(self, crawl: SubjectCrawl, result: PageResult) -> None:
        """Note both."""
        self.cpu.append(time.process_time() - self._store.cpu_seconds)
        self.peak.append(peak_memory())

    def request_failed(self, subject: str, page: PageRange, error: IngestError) -> None:
        """Nothing to note."""

    def subject_ended(self, outcome: SubjectOutcome) -> None:
        """Nothing to note."""


def heartbeat(
    url: str,
    store: FolderStore,
    watch: Watch,
    subjects: Sequence[str],
    rate: float,
    page_size: int,
    seconds: float = 100_000,
) -> HeartbeatResult:
    """Send one heartbeat, which has so many seconds, to a stand-in and a bucket in a folder."""
    rules = CrawlRules(page_size, 10**9, rate, 1440, 1440)
    source = HttpSource(url, AGENT, rules.in_flight, max_body_bytes=MAX_WIRE_BYTES)
    end = time.monotonic() + seconds
    with closing(source), ThreadPoolExecutor(rules.in_flight) as executor:
        deps = HeartbeatDependencies(
            rules=rules,
            store=store,
            source=source,
            api=OpenLibrary(),
            executor=executor,
            timing=Timing(),
            observer=watch,
            owner=uuid.uuid4().hex,
            remaining_seconds=lambda: end - time.monotonic(),
            read_subjects=lambda: [SubjectSpec(subject=subject) for subject in subjects],
        )
        return run_heartbeat(Heartbeat(scheduled_time=datetime.now(UTC)), deps)


def crawl_with_ingest(
    url: str, folder: Path, subjects: Sequence[str], *, rate: float, page_size: int
) -> tuple[Crawled, Watch]:
    """Crawl with the service itself, from a heartbeat to the manifest."""
    store = FolderStore(folder)
    watch = Watch(store)
    start = time.perf_counter()
    result = heartbeat(url, store, watch, subjects, rate, page_size)
    wall = time.perf_counter() - start
    if result.status != "complete":
        raise RuntimeError(f"the crawl ended {result.status}")
    return Crawled(result.pages, wall, watch.cpu_per_page), watch


def crawl_sequentially(
    url: str, folder: Path, subject: str, *, rate: float, page_size: int, pages: int
) -> Crawled:
    """Crawl with a loop over ``requests``: get, parse, write it compressed, sleep."""
    cpu: list[float] = []
    start = time.perf_counter()
    with requests.Session() as session:
        session.headers["User-Agent"] = AGENT
        for number in range(pages):
            answer = session.get(
                f"{url}/subjects/{subject}.json",
                params={"limit": page_size, "offset": number * page_size, "sort": "editions,key"},
                timeout=30,
            )
            answer.raise_for_status()
            page = json.dumps(answer.json()).encode()
            (folder / f"{number}.json.gz").write_bytes(gzip.compress(page))
            cpu.append(time.process_time())
            time.sleep(1 / rate)
    wall = time.perf_counter() - start
    warm = cpu[WARM_UP_PAGES:]
    return Crawled(pages, wall, (warm[-1] - warm[0]) / (len(warm) - 1))
