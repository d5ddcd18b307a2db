"""What a crawl works with, and what it finds when it begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ingest.errors import IngestError
from ingest.logic.breaker import CircuitBreaker
from ingest.logic.page_fetcher import PageFetcher
from ingest.logic.pages import PageRange, PageResult, SubjectState
from ingest.logic.reconcile import Baseline
from ingest.logic.subject_crawl import SubjectCrawl
from ingest.logic.workers import Workers
from ingest.ports import SubjectSpec, Timing
from schemas.ledger.run import SubjectOutcome


class Observer(Protocol):
    """Told what happens, for logs and metrics."""

    def run_known(self, run_id: str) -> None:
        """Take note of the run that all that follows is about."""

    def page_stored(self, crawl: SubjectCrawl, result: PageResult) -> None:
        """Note a page that is in the store."""

    def request_failed(self, subject: str, page: PageRange, error: IngestError) -> None:
        """Note a request that failed; the crawl decides by the error's tag."""

    def subject_ended(self, outcome: SubjectOutcome) -> None:
        """Note a subject that is done."""


@dataclass
class CrawlDependencies:
    """What a crawl works with.

    Attributes
    ----------
    largest_request
        Works that the source gives at most.
    may_go_on
        Whether there is time to begin another page.
    timeout_seconds
        How long a request that begins now may take.
    keep_alive
        Called often, with what is known of the subjects: a later invocation goes on from it.
    abandon
        Sends nothing more, and returns when nothing is under way.
    keep_outcome
        Stores the outcome of a finished subject.
    find_baseline
        Returns what an earlier run counted of a subject.
    find_served
        Returns some subjects that earlier runs were served, and this one does not crawl.
    """

    fetcher: PageFetcher
    workers: Workers
    breaker: CircuitBreaker
    timing: Timing
    observer: Observer
    largest_request: int
    may_go_on: Callable[[], bool]
    timeout_seconds: Callable[[], float]
    keep_alive: Callable[[dict[str, SubjectState]], None]
    abandon: Callable[[], None]
    keep_outcome: Callable[[SubjectOutcome], None]
    find_baseline: Callable[[str], Baseline]
    find_served: Callable[[], Sequence[SubjectSpec]]


@dataclass
class Resumed:
    """What earlier invocations left.

    Attributes
    ----------
    ended, served
        Subjects that have ended, and those of which a page is stored, ended or not.
    pages, states
        Stored pages and scores by subject, of those that have not ended.
    """

    ended: set[str] = field(default_factory=set)
    served: set[str] = field(default_factory=set)
    pages: dict[str, list[str]] = field(default_factory=dict)
    states: dict[str, SubjectState] = field(default_factory=dict)
