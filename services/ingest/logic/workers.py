"""The pages under way: threads that fetch, and the crawl that waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Protocol

from ingest.logic.pages import PageRange, PageResult
from ingest.logic.subject_crawl import SubjectCrawl
from ingest.ports import SubjectSpec


class Executor(Protocol):
    """The part of :class:`concurrent.futures.Executor` that a crawl needs."""

    def submit[T](self, fn: Callable[[], T], /) -> Future[T]:
        """Begin a call."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is under way for a subject.

    Attributes
    ----------
    crawl
        ``None`` for a request that only shows whether the source serves.
    page
        The page to fetch; ``None`` where a stored one is adopted.
    ticket
        The circuit breaker's.
    key
        That of the stored page.
    """

    spec: SubjectSpec
    crawl: SubjectCrawl | None
    page: PageRange | None
    ticket: int = 0
    key: str = ""


class Workers:
    """Jobs under way, at most so many at once.

    Parameters
    ----------
    executor
        Where jobs run.
    most
        How many may be under way; with the rate, it decides which latency can be hidden.
    """

    def __init__(self, executor: Executor, most: int) -> None:
        self._executor = executor
        self._most = most
        self._jobs: dict[Future[PageResult], Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def full(self) -> bool:
        """Whether no further job may begin."""
        return len(self._jobs) >= self._most

    def begin(self, job: Job, call: Callable[[], PageResult]) -> None:
        """Begin a job."""
        self._jobs[self._executor.submit(call)] = job

    def wait(self) -> None:
        """Wait until every job has ended; what came of them is nobody's business any more."""
        wait(self._jobs)

    def ended(self, timeout_seconds: float) -> Iterator[tuple[Job, Future[PageResult]]]:
        """Wait for at least one job, at most so long, and yield those that have ended."""
        done, _ = wait(self._jobs, timeout_seconds, FIRST_COMPLETED)
        for future in done:
            yield self._jobs.pop(future), future
