"""The crawls that are measured: ingest's, and the loop that most scripts have."""

from __future__ import annotations

import gzip
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests

from benchmarks.ingest.surroundings import FolderStore
from ingest.adapters.http_source import HttpSource
from ingest.errors import IngestError
from ingest.logic.heartbeat import CrawlRules, Surroundings, beat
from ingest.logic.subject_crawl import PageRange, PageResult, SubjectCrawl
from ingest.ports import Timing
from ingest.subjects import SubjectSpec
from schemas.events import Heartbeat
from schemas.run import SubjectOutcome

AGENT = "openlake-benchmark/1.0 (https://127.0.0.1)"


@dataclass(frozen=True)
class Crawled:
    """What a crawl took: pages, seconds on the clock, seconds of CPU."""

    pages: int
    wall: float
    cpu: float


class MemoryObserver:
    """Notes the process's peak memory (MiB) after so many pages."""

    def __init__(self) -> None:
        self.peak_after: dict[int, float] = {}
        self._pages = 0

    def page_stored(self, crawl: SubjectCrawl, result: PageResult) -> None:
        """Note the peak."""
        self._pages += 1
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.peak_after[self._pages] = peak / 1024

    def request_failed(self, crawl: SubjectCrawl, page: PageRange, error: IngestError) -> None:
        """Nothing is expected to fail."""

    def subject_ended(self, outcome: SubjectOutcome) -> None:
        """Nothing to note."""


def crawl_with_ingest(
    url: str,
    folder: Path,
    subjects: list[str],
    *,
    rate: float,
    page_size: int,
    observer: MemoryObserver | None = None,
) -> Crawled:
    """Crawl with the service itself, from a heartbeat to the manifest."""
    rules = CrawlRules(page_size, 10**9, rate, 1440, 1440)
    source = HttpSource(url, AGENT, rules.in_flight)
    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(rules.in_flight) as executor:
        around = Surroundings(
            rules=rules,
            store=FolderStore(folder),
            source=source,
            executor=executor,
            timing=Timing(),
            observer=observer or MemoryObserver(),
            owner="benchmark",
            remaining_seconds=lambda: 100_000.0,
            read_subjects=lambda: [SubjectSpec(subject=subject) for subject in subjects],
        )
        result = beat(Heartbeat(scheduled_time=datetime.now(UTC), start=True), around)
    source.close()
    if result.status != "complete":
        raise RuntimeError(f"the crawl ended {result.status}")
    return Crawled(result.pages, time.perf_counter() - wall, time.process_time() - cpu)


def crawl_sequentially(
    url: str, folder: Path, subject: str, *, rate: float, page_size: int, pages: int
) -> Crawled:
    """Crawl with a loop over ``requests``: get, parse, write it compressed, sleep."""
    wall, cpu = time.perf_counter(), time.process_time()
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
            time.sleep(1 / rate)
    return Crawled(pages, time.perf_counter() - wall, time.process_time() - cpu)
