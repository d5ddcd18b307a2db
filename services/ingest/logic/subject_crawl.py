"""The crawl of one subject: which page is next, what was stored, what is missing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from ingest.errors import RateLimitedError
from ingest.logic.coverage import Coverage, Seam, first_free
from ingest.logic.pages import Failure, MissingRange, PageRange, PageResult, SubjectState
from ingest.logic.retry import (
    FAILURES_BEFORE_HALVING,
    FAILURES_OF_A_PART,
    LONGEST_STREAK,
    STREAK_TO_PARK,
    TERMINAL_ATTEMPTS,
    PageSizer,
    failures_allowed,
)
from ingest.ports import SubjectSpec
from schemas.ledger.run import PageEntry

#: Requests that may close one seam between two pages, and those of a subject.
_BRIDGES_OF_A_SEAM: Final = 3
_MOST_BRIDGES: Final = 12
#: A count may fall by this share, or by so many works, while its source is edited.
_USUAL_LOSS: Final = 0.1
_USUAL_LOSS_WORKS: Final = 3
#: A smaller page does not help where the source says that there is none.
_NOT_ABOUT_SIZE: Final = frozenset({"empty_page", "count_collapsed"})
#: The source refuses to be asked now, whatever page it is.
_NOT_ABOUT_THE_PAGE: Final = RateLimitedError.code
#: Answers in a row by which a subject is known to have no works, and one that had some before.
_ZEROS: Final = 2
_ZEROS_AFTER_WORKS: Final = 4


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Works a request: as configured, and at most; one more is asked for as the overlap."""

    size: int
    largest_request: int


def far_less(count: int, reference: int) -> bool:
    """Return whether a count is less than a former one by more than editing explains."""
    if count == 0:
        return reference > 0
    return reference - count > max(_USUAL_LOSS_WORKS, _USUAL_LOSS * reference)


@dataclass
class SubjectCrawl:
    """A subject in a run.

    Attributes
    ----------
    spec, cap, limits
        The subject, the most works to fetch of it, and the sizes of its pages.
    state
        Carried over from the checkpoint.
    to_adopt
        Keys of pages that an earlier invocation stored: they are read from the store, never fetched
        again.
    stopped_by
        Code of the reason for which nothing more of the subject is fetched.
    parked_until, last_tried
        Monotonic seconds.
    counts, largest_count
        The counts that the source gave in this run: when, at which offset, and how many works.
    count
        The one that is believed.
    """

    spec: SubjectSpec
    cap: int
    limits: PageLimits
    state: SubjectState = field(default_factory=SubjectState)
    to_adopt: list[str] = field(default_factory=list)
    stopped_by: str | None = None
    in_flight: int = 0
    adopting: int = 0
    parked_until: float = float("-inf")
    last_tried: float = float("-inf")
    entries: dict[int, PageEntry] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    counts: list[tuple[datetime, int, int]] = field(default_factory=list)
    largest_count: int = 0
    count: int | None = None
    _end: int | None = None
    _proven_end: int | None = None
    _pending: dict[int, PageRange] = field(default_factory=dict)
    _again: list[PageRange] = field(default_factory=list)
    _bridges: dict[Seam, int] = field(default_factory=dict)
    _last_volley: int = -1
    _newest: tuple[datetime, int, int] | None = None
    _answers_at_limit: int = 0
    _lower_ends: set[int] = field(default_factory=set)
    _overrun: int = 0

    def __post_init__(self) -> None:
        self._sizer = PageSizer(self.limits.size, self.state.page_size)

    @property
    def is_failing(self) -> bool:
        """Whether it failed so often in a row that others go first."""
        return self.state.streak >= STREAK_TO_PARK or self.state.terminal > 0

    @property
    def was_tried(self) -> bool:
        """Whether anything was asked for in this invocation."""
        return self.last_tried > float("-inf")

    @property
    def finished(self) -> bool:
        """Whether nothing is left to ask for and nothing is under way."""
        if self.in_flight or self.adopting or self.to_adopt:
            return False
        if self.stopped_by is not None:
            return True
        return not self._pending and self._free() is None and self._next_bridge() is None

    def next_range(self, now: float) -> PageRange | None:
        """Take the next page to ask for; ``None``: none is ready."""
        if self.to_adopt or self.adopting or self.stopped_by is not None:
            return None
        if now < self.parked_until or (self.is_failing and self.in_flight):
            return None
        again = min(
            (one for one in self._again if one.not_before <= now),
            key=lambda one: (one.failures, one.offset),
            default=None,
        )
        # While a page keeps failing, every third request is for one that has not failed yet.
        fresh = self._fresh() if again is None or self.state.streak % 3 == 1 else None
        taken = fresh or again
        if taken is None:
            return None
        if again is not None and taken is again:
            self._again.remove(again)
        taken = replace(taken, volley=self.state.failures)
        self._pending[taken.offset] = taken
        self.last_tried = now
        return taken

    def next_ready(self, now: float) -> float | None:
        """Return the second at which something that waits is ready; ``None``: nothing waits."""
        if self.parked_until > now:
            return self.parked_until
        return min((one.not_before for one in self._again if one.not_before > now), default=None)

    def _fresh(self) -> PageRange | None:
        free = self._free()
        if free is None:
            return self._next_bridge(take=True)
        start, stop = free
        # One work of overlap, unless the key of that offset is taken.
        overlapping = start - 1
        if start > 0 and self._is_wanted(overlapping) and not self._is_taken(overlapping):
            start = overlapping
        # The last page is asked for whole: it shows works that the count does not speak of.
        wanted = stop - start + 1 if stop < self._bound else self.cap - start
        limit = min(self._request_size, wanted)
        return PageRange(start, limit, details=start == 0 and not self.state.without_details)

    @property
    def _request_size(self) -> int:
        return min(self._sizer.size + 1, self.limits.largest_request)

    @property
    def _bound(self) -> int:
        return self.cap if self._end is None else self._end

    def _free(self) -> tuple[int, int] | None:
        # Until one page has come, nobody knows how many there are.
        if self._end is None and self._pending:
            return None
        return first_free(self._blocked(), self._bound)

    def _blocked(self) -> Iterator[tuple[int, int]]:
        yield from self.coverage.ranges
        yield from ((one.offset, one.end) for one in self._pending.values())
        yield from self._abandoned()

    def _abandoned(self) -> Iterator[tuple[int, int]]:
        return ((gap.offset, gap.offset + gap.limit) for gap in self.state.missing)

    def _is_wanted(self, offset: int) -> bool:
        return not any(start <= offset < stop for start, stop in self._abandoned())

    def _is_taken(self, offset: int) -> bool:
        return offset in self.coverage.pages or offset in self._pending

    def _next_bridge(self, *, take: bool = False) -> PageRange | None:
        """Return a page across the first open seam, to be asked for when all others are there."""
        if self._pending or self.state.missing or sum(self._bridges.values()) >= _MOST_BRIDGES:
            return None
        for seam in self.coverage.open_seams():
            asked = self._bridges.get(seam, 0)
            offset = self._bridge_offset(seam)
            if asked < _BRIDGES_OF_A_SEAM and offset is not None:
                if take:
                    self._bridges[seam] = asked + 1
                return PageRange(offset, min(self._request_size, self._bound - offset))
        return None

    def _bridge_offset(self, seam: Seam) -> int | None:
        half = max(1, self._request_size // 2)
        candidates = range(max(0, seam.right - half), seam.right)
        return next((one for one in candidates if not self._is_taken(one)), None)

    def open_seams(self) -> list[Seam]:
        """Return the seams that are not closed.

        Parts of one work each have no overlap, and at the beginning no page can be asked for across
        them: that alone does not mean that anything changed.
        """
        return [
            seam
            for seam in self.coverage.open_seams()
            if self.coverage.end_of(seam.left) > seam.right
            or seam in self._bridges
            or self._bridge_offset(seam) is not None
        ]

    def doubt(self, result: PageResult, *, had_works: bool) -> str | None:
        """Return the code of a reason not to believe an answer without works.

        Parameters
        ----------
        had_works
            Whether the subject had works in an earlier run.
        """
        if result.entry is not None:
            return None
        if result.work_count == 0 and self.largest_count == 0:
            self.state.zeros += 1
            wanted = _ZEROS_AFTER_WORKS if had_works else _ZEROS
            return "count_zero" if self.state.zeros < wanted else None
        if far_less(result.work_count, self.largest_count):
            self._note_count(result)
            return "count_collapsed"
        if result.offset >= self.largest_count or result.offset in self._lower_ends:
            return None
        # One of the source's replicas may be behind the others.
        self._lower_ends.add(result.offset)
        return "end_uncertain"

    def record_page(self, result: PageResult, page: PageRange | None = None) -> None:
        """Take in a page that was stored, adopted, or found to lie behind the end.

        Parameters
        ----------
        page
            What was asked for; ``None`` for an adopted page.
        """
        if page is not None:
            self._pending.pop(page.offset, None)
            self.state.streak = self.state.terminal = 0
            self.state.limited = False
            self.parked_until = float("-inf")
            self._sizer.succeeded()
        self._note_count(result)
        if result.entry is not None:
            self.entries.setdefault(result.offset, result.entry)
            self.coverage.add(result.offset, result.fingerprints)
        self._believe(result)

    def _note_count(self, result: PageResult) -> None:
        # A subject may have 20,000 pages: none looks through those before it.
        counted = _counted(result)
        self.counts.append(counted)
        self._newest = max(self._newest or counted, counted)
        self.largest_count = max(self.largest_count, result.work_count)

    def _believe(self, result: PageResult) -> None:
        newest = _counted(result) == self._newest
        shown = self.coverage.end
        if newest:
            # A page with works shows that there are so many, whatever its count says.
            collapsed = far_less(result.work_count, max(self.largest_count, shown))
            has_works = result.entry is not None
            self.count = shown if has_works and collapsed else result.work_count
        if result.entry is None:
            self._proven_end = result.offset
        elif newest and result.work_count > (self._proven_end or 0):
            self._proven_end = None
        if result.entry is not None and len(result.fingerprints) >= result.limit:
            end = self.coverage.end_of(result.offset)
            self._overrun = max(self._overrun, end if end > result.work_count else 0)
        # A full page with more than its count allows may have others behind it.
        beyond = self.limits.size if self._overrun == shown > 0 else 0
        # A count that falls a little may as well waver: a page behind it shows which.
        self._end = min(self.cap, max(self.largest_count, shown + beyond))
        if self._proven_end is not None:
            self._end = min(self._end, self._proven_end)
        for page in [one for one in self._again if one.offset >= self._end]:
            self._again.remove(page)
            self._pending.pop(page.offset, None)

    def is_limited_alone(self, answers: int) -> bool:
        """Note an answer 429; return whether others were served since the last one.

        Parameters
        ----------
        answers
            How many the source served in this invocation.
        """
        # A pause of some length ends the invocation, so the one before may lie in another.
        is_alone = self.state.limited and answers > self._answers_at_limit
        self.state.limited, self._answers_at_limit = True, answers
        return is_alone

    def requeue(self, page: PageRange) -> None:
        """Take back a page that was never asked for."""
        self._again.append(page)

    def record_failure(self, page: PageRange, failure: Failure) -> None:
        """Note a failed request: it is repeated later, or in halves, or abandoned."""
        self.state.retries += 1
        self.state.last_code = failure.code
        if failure.charged:
            self._charge(page, failure)
        if self.stopped_by is not None:
            return
        counts = failure.charged or failure.may_be_size
        again = replace(page, not_before=failure.retry_at, failures=page.failures + counts)
        allowed = FAILURES_OF_A_PART if page.is_part else FAILURES_BEFORE_HALVING
        helps = page.limit > 1 and failure.code not in _NOT_ABOUT_SIZE
        if not counts or failure.is_terminal or failure.code == _NOT_ABOUT_THE_PAGE:
            self._again.append(again)
        elif page.trial in ("without", "again"):
            self._again.append(self._after_trial(again))
        elif again.failures < allowed:
            self._again.append(again)
        elif page.details and not page.trial and helps:
            self._again.append(replace(again, details=False, trial="without"))
        elif helps:
            self._halve(again)
        elif failure.charged:
            self._abandon(page, failure.code)
        else:
            self._again.append(again)

    def record_trial(self, page: PageRange) -> None:
        """Note that a page was served without its facets: with them, it is asked for once more."""
        self._again.append(replace(page, details=True, trial="again"))

    def _after_trial(self, page: PageRange) -> PageRange:
        # Served without the facets, and then failed with them: they are what fails.
        guilty = page.trial == "again"
        self.state.without_details = self.state.without_details or guilty
        return replace(page, details=not guilty, trial="done", failures=0)

    def _charge(self, page: PageRange, failure: Failure) -> None:
        state = self.state
        # What was under way at the same time met the same trouble, and counts once in a row.
        if page.volley == state.failures or self._last_volley != page.volley:
            self._last_volley = page.volley
            state.streak += 1
            state.terminal += failure.is_terminal
        state.failures += 1
        if self.is_failing:
            self.parked_until = failure.retry_at
        works = min(self.cap, self.count or self.cap)
        exhausted = (
            state.terminal >= TERMINAL_ATTEMPTS
            or state.streak >= LONGEST_STREAK
            or state.failures >= failures_allowed(works, self.limits.size)
        )
        if exhausted:
            self.stop(failure.code)

    def _halve(self, page: PageRange) -> None:
        del self._pending[page.offset]
        half = (page.limit + 1) // 2
        overlap = 1 if page.limit > 4 else 0
        first = replace(page, limit=half, failures=0, is_part=True)
        start = page.offset + half - overlap
        rest = replace(first, offset=start, limit=page.end - start, details=False)
        for part in (first, rest):
            # What another page under way leaves of it is found as free later.
            if part.offset not in self._pending:
                self._pending[part.offset] = part
                self._again.append(part)
        self._sizer.halve(page.limit)
        self.state.page_size = self._sizer.size

    def _abandon(self, page: PageRange, code: str) -> None:
        del self._pending[page.offset]
        is_known = any(start <= page.offset and page.end <= end for start, end in self._abandoned())
        if not (is_known or self.coverage.covers(page.offset, page.end)):
            self.state.missing.append(MissingRange(page.offset, page.limit, code))

    def stop(self, code: str) -> None:
        """Ask for nothing more of this subject; ``code`` says why."""
        self.stopped_by = self.stopped_by or code
        self._again.clear()
        self._pending.clear()


def _counted(result: PageResult) -> tuple[datetime, int, int]:
    return result.fetched_at, result.offset, result.work_count
