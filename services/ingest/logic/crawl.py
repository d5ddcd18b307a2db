"""The crawl of a run within one invocation: what is asked for next, and what its outcome means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from ingest.errors import (
    BadRequestError,
    CrawlStoppingError,
    DataError,
    IngestError,
    RateLimitedError,
    TerminalError,
    UserAgentRefusedError,
)
from ingest.logic.breaker import CircuitBreaker
from ingest.logic.page_fetcher import PageFetcher
from ingest.logic.plan import RunPlan
from ingest.logic.reconcile import reconcile
from ingest.logic.retry import PageSizer, full_jitter
from ingest.logic.subject_crawl import Counters, Failure, PageRange, PageResult, SubjectCrawl
from ingest.logic.workers import Job, Workers
from ingest.ports import Timing
from schemas.ledger.run import SubjectOutcome

_LONGEST_WAIT_SECONDS: Final = 1.0
_SHORTEST_WAIT_SECONDS: Final = 0.001
#: Subjects whose only page waits to be repeated hold a place; beyond so many, no further one is
#: begun.
_MOST_SUBJECTS_AT_ONCE: Final = 64


class Observer(Protocol):
    """Told what happens, for logs and metrics."""

    def run_known(self, run_id: str) -> None:
        """Set the run that what follows is about."""

    def page_stored(self, crawl: SubjectCrawl, result: PageResult) -> None:
        """Note that a page is in the store."""

    def request_failed(self, crawl: SubjectCrawl, page: PageRange, error: IngestError) -> None:
        """Note that a request failed; the crawl decides by the error's tag."""

    def subject_ended(self, outcome: SubjectOutcome) -> None:
        """Note that a subject is done."""


@dataclass
class CrawlDependencies:
    """What a crawl works with.

    Attributes
    ----------
    may_go_on
        Whether there is time, and the lease, to begin another page.
    timeout_seconds
        How long a request that begins now may take.
    keep_alive
        Called often; renews the lease.
    keep_outcome
        Stores the outcome of a finished subject.
    """

    fetcher: PageFetcher
    workers: Workers
    breaker: CircuitBreaker
    timing: Timing
    observer: Observer
    may_go_on: Callable[[], bool]
    timeout_seconds: Callable[[], float]
    keep_alive: Callable[[dict[str, Counters]], None]
    keep_outcome: Callable[[SubjectOutcome], None]


@dataclass
class Resumed:
    """What earlier invocations left: ended subjects; stored pages and counters by subject."""

    ended: set[str] = field(default_factory=set)
    pages: dict[str, list[str]] = field(default_factory=dict)
    counters: dict[str, Counters] = field(default_factory=dict)


class Crawl:
    """Crawls the subjects of a plan in order, as many at once as keep the requests flowing.

    Parameters
    ----------
    plan, resumed, deps
        What to crawl, what is there already, and what with.
    closing
        Code of the reason for which nothing more may be fetched: stored pages are counted, and that
        is all.
    """

    def __init__(
        self,
        plan: RunPlan,
        resumed: Resumed,
        deps: CrawlDependencies,
        *,
        closing: str | None = None,
    ) -> None:
        self._plan = plan
        self._resumed = resumed
        self._deps = deps
        self._sizer = PageSizer(plan.page_size)
        self._waiting = self._subjects_to_begin()
        self._active: list[SubjectCrawl] = []
        self._none_left = False
        self._last_success = float("-inf")
        self.closing = closing
        self.outcomes: dict[str, SubjectOutcome] = {}
        self.pages_stored = 0

    @property
    def exhausted(self) -> bool:
        """Whether every subject has ended and none is left to begin."""
        return self._none_left and not self._active

    def run(self) -> bool:
        """Crawl until every subject has ended, or time, lease or source do not allow more.

        Returns
        -------
        bool
            Whether every subject has ended.

        Raises
        ------
        LeaseLostError
            When another invocation has taken the crawl over.
        """
        deps = self._deps
        while not self.exhausted and deps.may_go_on() and not deps.breaker.source_is_down:
            while not deps.workers.full and (job := self._next_job()):
                self._begin(job)
            self._collect()
            deps.keep_alive(self.counters())
        while deps.workers:
            self._collect()
        deps.keep_alive(self.counters())
        return self.exhausted

    def counters(self) -> dict[str, Counters]:
        """Return the counters of the subjects under way, for the checkpoint."""
        return {crawl.spec.subject: crawl.counters for crawl in self._active}

    def _subjects_to_begin(self) -> Iterator[SubjectCrawl]:
        for spec in self._plan.subjects:
            stored = self._resumed.pages.get(spec.subject, [])
            if spec.subject in self._resumed.ended or (self.closing and not stored):
                continue
            counters = self._resumed.counters.get(spec.subject) or Counters()
            yield SubjectCrawl(spec, self._plan.cap(spec), counters, list(stored), self.closing)

    def _next_job(self) -> Job | None:
        while True:
            for crawl in self._active:
                if crawl.to_adopt:
                    return Job(crawl, None, key=crawl.to_adopt.pop(0))
            if not (self._deps.breaker.allows or self.closing):
                return None
            now = self._deps.timing.monotonic()
            for crawl in self._active:
                page = crawl.next_range(self._sizer.size, now)
                if page is not None:
                    return Job(crawl, page, ticket=self._deps.breaker.sending())
            if not self._begin_subject():
                return None

    def _begin_subject(self) -> bool:
        if len(self._active) >= _MOST_SUBJECTS_AT_ONCE:
            return False
        crawl = next(self._waiting, None)
        if crawl is None:
            self._none_left = True
            return False
        self._active.append(crawl)
        return True

    def _begin(self, job: Job) -> None:
        deps = self._deps
        if job.page is None:
            job.crawl.adopting += 1
            deps.workers.begin(job, partial(deps.fetcher.adopt, job.key))
        else:
            job.crawl.in_flight += 1
            fetch = partial(deps.fetcher.fetch, job.crawl.spec, job.page, deps.timeout_seconds())
            deps.workers.begin(job, fetch)

    def _collect(self) -> None:
        """Take in what has ended; with nothing under way, wait for what comes first."""
        seconds = self._seconds_to_wait()
        if self._deps.workers:
            for job, future in self._deps.workers.ended(seconds):
                self._take_in(job, future)
        elif not self.exhausted and not any(crawl.finished for crawl in self._active):
            self._deps.timing.sleep(seconds)
        for crawl in [crawl for crawl in self._active if crawl.finished]:
            outcome = reconcile(crawl)
            self._deps.keep_outcome(outcome)
            self.outcomes[outcome.subject] = outcome
            self._active.remove(crawl)
            self._deps.observer.subject_ended(outcome)

    def _seconds_to_wait(self) -> float:
        ready = [at for crawl in self._active if (at := crawl.next_ready()) is not None]
        soonest = min(ready, default=float("inf")) - self._deps.timing.monotonic()
        soonest = max(soonest, self._deps.breaker.open_seconds)
        return min(max(soonest, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)

    def _take_in(self, job: Job, future: Future[PageResult]) -> None:
        if job.page is None:
            job.crawl.adopting -= 1
        else:
            job.crawl.in_flight -= 1
        error = future.exception()
        if error is None:
            self._record_page(job, future.result())
        elif isinstance(error, IngestError):
            self._failed(job, error)
        else:
            raise error

    def _record_page(self, job: Job, result: PageResult) -> None:
        job.crawl.record_page(result)
        if job.page is None:
            return
        self._deps.breaker.succeeded(job.ticket)
        self._sizer.succeeded()
        self._last_success = self._deps.timing.monotonic()
        if result.entry is not None:
            self.pages_stored += 1
            self._deps.observer.page_stored(job.crawl, result)

    def _failed(self, job: Job, error: IngestError) -> None:
        crawl, page, breaker = job.crawl, job.page, self._deps.breaker
        if page is None:
            # The page is asked for again, and meets its unreadable self when it is to be stored.
            self._deps.observer.request_failed(crawl, PageRange(0, 0), error)
            return
        if isinstance(error, CrawlStoppingError):
            breaker.not_sent(job.ticket)
            crawl.requeue(page)
            return
        self._deps.observer.request_failed(crawl, page, error)
        if isinstance(error, TerminalError):
            breaker.succeeded(job.ticket)
            self._abandon(crawl, page, error)
            return
        if isinstance(error, DataError):
            crawl.counters.refused += 1
        self._ask_again(job, page, error)

    def _abandon(self, crawl: SubjectCrawl, page: PageRange, error: TerminalError) -> None:
        if isinstance(error, UserAgentRefusedError):
            self.closing = error.code
            for active in self._active:
                active.stop(error.code)
        elif isinstance(error, BadRequestError):
            crawl.stop(error.code)
        else:
            crawl.abandon(page, error.code)

    def _ask_again(self, job: Job, page: PageRange, error: IngestError) -> None:
        timing, breaker = self._deps.timing, self._deps.breaker
        if isinstance(error, RateLimitedError):
            breaker.pause(job.ticket, error.retry_after)
        else:
            breaker.failed(job.ticket)
        failure = Failure(
            code=error.code,
            at=timing.monotonic(),
            delay=full_jitter(page.failures + 1, timing.uniform),
            # While the circuit is not closed, it is the source that fails and not the page.
            blames_page=not isinstance(error, RateLimitedError) and breaker.is_closed,
            last_success=self._last_success,
        )
        if job.crawl.failed(page, failure):
            self._sizer.halve(page.limit)
