"""The crawl of one subject: which page is next, what came, what is missing. Pure."""

from __future__ import annotations

import bisect
from array import array
from dataclasses import dataclass, field, replace
from datetime import datetime

from ingest.logic.retry import FAILURES_BEFORE_HALVING, SMALLEST_PAGE
from ingest.ports import SubjectSpec
from schemas.ledger.run import PageEntry


@dataclass(frozen=True, slots=True)
class PageRange:
    """A page to ask for: ``limit`` works from ``offset``.

    Attributes
    ----------
    failures
        How often it failed in this size.
    failing_since
        Monotonic second of the first failure, also that of a larger page which this is a part of.
    not_before
        Monotonic second before which it is not asked for.
    """

    offset: int
    limit: int
    failures: int = 0
    failing_since: float | None = None
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a page.

    Attributes
    ----------
    code
        The error's code.
    at, delay
        Monotonic second of the failure, and seconds to wait after it.
    blames_page
        Whether the page itself may be to blame, so that a smaller one can help.
    last_success
        Monotonic second at which the source served its last page, any page.
    """

    code: str
    at: float
    delay: float
    blames_page: bool
    last_success: float = float("-inf")


@dataclass(frozen=True, slots=True)
class PageResult:
    """What came of a page: ``entry`` is its stored object, ``None`` when it had no works."""

    offset: int
    limit: int
    work_count: int
    fetched_at: datetime
    entry: PageEntry | None
    fingerprints: array[int]

    @property
    def end(self) -> int:
        """Offset of the first work after the page."""
        return self.offset + max(self.limit, len(self.fingerprints))


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Works that could not be fetched, and the code of the reason."""

    offset: int
    limit: int
    code: str


@dataclass
class Counters:
    """What the stored pages do not tell: requests repeated and bodies refused."""

    retries: int = 0
    refused: int = 0


#: Lists what came, newest last, for the counts at the first and the last page.
_Seen = tuple[datetime, int, int]


@dataclass
class SubjectCrawl:
    """State of one subject in a run.

    Attributes
    ----------
    spec, cap
        The subject and the most works to fetch of it.
    counters
        Carried over from the checkpoint.
    to_adopt
        Keys of pages that an earlier invocation stored: they are read from the store, never fetched
        again.
    stopped_by
        Code of the reason for which nothing more of the subject is fetched.
    """

    spec: SubjectSpec
    cap: int
    counters: Counters = field(default_factory=Counters)
    to_adopt: list[str] = field(default_factory=list)
    stopped_by: str | None = None
    in_flight: int = 0
    adopting: int = 0
    pages: dict[int, PageEntry] = field(default_factory=dict)
    fingerprints: array[int] = field(default_factory=lambda: array("q"))
    missing: list[MissingRange] = field(default_factory=list)
    first: _Seen | None = None
    last: _Seen | None = None
    counts_seen: set[int] = field(default_factory=set)
    _covered: list[tuple[int, int]] = field(default_factory=list)
    _again: list[PageRange] = field(default_factory=list)
    _frontier: int = 0
    _end: int | None = None
    _limit_of_end: int | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to ask for and nothing is under way."""
        busy = self.in_flight or self.adopting or self.to_adopt or self._again
        return not busy and self._exhausted

    @property
    def _exhausted(self) -> bool:
        if self.stopped_by is not None:
            return True
        return self._end is not None and self._frontier >= self._end

    def next_range(self, size: int, now: float) -> PageRange | None:
        """Take the next page to ask for, of at most ``size`` works; ``None``: none is ready."""
        if self.to_adopt or self.adopting or self.stopped_by is not None:
            return None
        for index, again in enumerate(self._again):
            if again.not_before <= now:
                return self._again.pop(index)
        if self._end is None:
            return self._first_range(size)
        self._skip_covered()
        if self._frontier >= self._end:
            return None
        taken = PageRange(
            self._frontier, min(size, self._end - self._frontier, self._gap_at_frontier())
        )
        self._frontier += taken.limit
        return taken

    def next_ready(self) -> float | None:
        """Return the second at which the next repeated page is ready; ``None``: none waits."""
        return min((again.not_before for again in self._again), default=None)

    def _first_range(self, size: int) -> PageRange | None:
        # Until the first page has come, nobody knows how many there are.
        if self.in_flight or self._again or self._frontier:
            return None
        limit = min(size, self.cap, self._gap_at_frontier())
        self._frontier = limit
        return PageRange(0, limit)

    def _skip_covered(self) -> None:
        for start, end in self._covered:
            if start <= self._frontier < end:
                self._frontier = end

    def _gap_at_frontier(self) -> int:
        index = bisect.bisect_right(self._covered, (self._frontier, 0))
        following = self._covered[index][0] if index < len(self._covered) else None
        return self.cap if following is None else max(following - self._frontier, 1)

    def record_page(self, result: PageResult) -> None:
        """Take in a page that was stored, adopted or found empty."""
        seen = (result.fetched_at, result.offset, result.work_count)
        if result.offset == 0:
            self.first = seen
        self.last = seen if self.last is None else max(self.last, seen)
        self.counts_seen.add(result.work_count)
        if result.entry is None:
            self._ends_at(result.offset)
            return
        if result.offset not in self.pages:
            self.pages[result.offset] = result.entry
            self.fingerprints.extend(result.fingerprints)
        bisect.insort(self._covered, (result.offset, result.end))
        self._announce(result.work_count)
        self._skip_covered()

    def _announce(self, work_count: int) -> None:
        if self.first is not None or self._end is not None:
            grown = max(self._end or 0, min(work_count, self.cap))
            self._end = grown if self._limit_of_end is None else min(grown, self._limit_of_end)

    def _ends_at(self, offset: int) -> None:
        limit = offset if self._limit_of_end is None else min(offset, self._limit_of_end)
        self._limit_of_end = limit
        self._end = limit if self._end is None else min(self._end, limit)
        self._again = [again for again in self._again if again.offset < limit]

    def requeue(self, page: PageRange) -> None:
        """Take back a page that was never asked for."""
        self._again.append(page)

    def failed(self, page: PageRange, failure: Failure) -> bool:
        """Note a failure of a page: it is asked for again later, or in halves, or no more.

        Returns
        -------
        bool
            Whether the page was halved.
        """
        since = failure.at if page.failing_since is None else page.failing_since
        failures = page.failures + (1 if failure.blames_page else 0)
        again = replace(page, failing_since=since, not_before=failure.at + failure.delay)
        if failures >= FAILURES_BEFORE_HALVING and page.limit > SMALLEST_PAGE:
            self.counters.retries += 1
            half = (page.limit + 1) // 2
            self._again.append(replace(again, limit=half, failures=0))
            rest = replace(again, offset=page.offset + half, limit=page.limit - half, failures=0)
            self._again.append(rest)
            return True
        # While nothing else comes either, the page may be as good as any.
        if failures >= FAILURES_BEFORE_HALVING and failure.last_success > since:
            self.abandon(page, failure.code)
            return False
        self.counters.retries += 1
        self._again.append(replace(again, failures=min(failures, FAILURES_BEFORE_HALVING - 1)))
        return False

    def abandon(self, page: PageRange, code: str) -> None:
        """Note that a page cannot be fetched; without the first, nothing is known of others."""
        self.missing.append(MissingRange(page.offset, page.limit, code))
        if page.offset == 0 and self._end is None:
            self.stop(code)

    def stop(self, code: str) -> None:
        """Ask for nothing more of this subject; ``code`` says why."""
        self.stopped_by = self.stopped_by or code
        self._again.clear()
