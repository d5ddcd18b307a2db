"""The crawl of a run within one invocation: whose turn it is, and what an answer means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import Final

from ingest.errors import (
    BodyRefusedError,
    CrawlStoppingError,
    IngestError,
    RateLimitedError,
    SourceUnavailableError,
    StoreUnavailableError,
    UserAgentRefusedError,
)
from ingest.logic.breaker import LONGEST_RETRY_AFTER, SUBJECTS_TO_OPEN, Canary
from ingest.logic.dependencies import CrawlDependencies, Resumed
from ingest.logic.pages import Failure, PageRange, PageResult, SubjectState
from ingest.logic.plan import RunPlan
from ingest.logic.reconcile import reconcile
from ingest.logic.retry import full_jitter, terminal_delay
from ingest.logic.subject_crawl import PageLimits, SubjectCrawl
from ingest.logic.workers import Job

_LONGEST_WAIT_SECONDS: Final = 1.0
_SHORTEST_WAIT_SECONDS: Final = 0.01
#: Codes of answers without works that are asked for again before they are believed.
_UNCERTAIN: Final = frozenset({"count_zero", "end_uncertain"})
#: A longer pause is not slept through: the next heartbeat goes on.
LONGEST_PAUSE_SECONDS: Final = 60.0
#: A source that served before and answers 403 since is asked in so many more invocations.
DOWNS_TO_BELIEVE_A_REFUSAL: Final = 2
#: A run of fewer subjects than show that the source is down, of which none was ever served, ends in
#: the invocation after so many that found it down: in some three hours.
DOWNS_TO_BELIEVE_FEW_SUBJECTS: Final = 8
#: Subjects under way, parked ones too; beyond so many, no further one is begun.
_MOST_SUBJECTS_AT_ONCE: Final = 64


class Crawl:
    """Crawls the subjects of a plan in order, as many at once as keep the requests flowing.

    The source and each subject are scored separately. A subject that keeps failing is parked: it
    gets its turn when no other has one, and ends when its own failures are used up. Failures over
    several subjects are the source's and cost no subject anything; when only failing subjects are
    left, a page that the source served before shows which of the two it is (the canary).

    Parameters
    ----------
    plan, resumed, deps
        What to crawl, what is there already, and what with.
    closing
        Code of the reason for which nothing more may be fetched: stored pages are counted, and that
        is all.
    downs
        Invocations in a row, before this one, that found the source down.
    """

    def __init__(
        self,
        plan: RunPlan,
        resumed: Resumed,
        deps: CrawlDependencies,
        *,
        closing: str | None,
        downs: int,
    ) -> None:
        self._plan = plan
        self._resumed = resumed
        self._deps = deps
        self._waiting = self._subjects_to_begin()
        self._active: list[SubjectCrawl] = []
        self._none_left = False
        served = [one for one in plan.subjects if one.key in resumed.served]
        self._canary = Canary(served, deps.find_served)
        self._canary_in_flight = False
        self._refusing: list[str] = []
        self._answers_served = 0
        self._downs = downs
        self.closing = closing
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
        while not self.exhausted and deps.may_go_on() and not self._is_pausing():
            while not deps.workers.full and (job := self._next_job()):
                self._begin(job)
            self._collect()
            deps.keep_alive(self.states())
        while deps.workers:
            self._collect()
            deps.keep_alive(self.states())
        return self.exhausted

    def states(self) -> dict[str, SubjectState]:
        """Return the scores of the subjects under way, for the checkpoint."""
        timing, scores = self._deps.timing, {}
        for crawl in self._active:
            parked = crawl.parked_until - timing.monotonic()
            crawl.state.not_before = (
                timing.now() + timedelta(seconds=parked) if parked > 0 else None
            )
            scores[crawl.spec.key] = crawl.state
        # Subjects that this invocation has not come to keep theirs.
        return self._resumed.states | scores

    def _is_pausing(self) -> bool:
        breaker = self._deps.breaker
        if self.closing:
            return False
        if breaker.source_is_down and self._refusing and self._downs >= DOWNS_TO_BELIEVE_A_REFUSAL:
            self._close(UserAgentRefusedError.code)
            return False
        if breaker.source_is_down and self._only_subjects_fail():
            for crawl in self._active:
                crawl.stop(crawl.state.last_code)
            self._close(SourceUnavailableError.code)
            return False
        return breaker.source_is_down or breaker.open_seconds > LONGEST_PAUSE_SECONDS

    def _only_subjects_fail(self) -> bool:
        # Too few to tell, and nothing to tell by: the lake must not wait a day for one of them.
        if self._downs < DOWNS_TO_BELIEVE_FEW_SUBJECTS:
            return False
        return len(self._plan.subjects) < SUBJECTS_TO_OPEN and not self._canary.exists

    def _subjects_to_begin(self) -> Iterator[SubjectCrawl]:
        now, wall = self._deps.timing.monotonic(), self._deps.timing.now()
        limits = PageLimits(self._plan.page_size, self._deps.largest_request)
        specs = self._plan.subjects
        if not self._deps.breaker.is_closed:
            # The probes of this invocation go to others than those of the invocations before it.
            tried = {key: state.retries for key, state in self._resumed.states.items()}
            specs = sorted(specs, key=lambda spec: tried.get(spec.key, 0))
        for spec in specs:
            stored = self._resumed.pages.get(spec.key, [])
            state = self._resumed.states.pop(spec.key, None)
            if spec.key in self._resumed.ended or not (stored or state or not self.closing):
                continue
            crawl = SubjectCrawl(spec, self._plan.cap(spec), limits, state or SubjectState())
            crawl.to_adopt, crawl.stopped_by = list(stored), self.closing
            if crawl.state.not_before is not None:
                crawl.parked_until = now + (crawl.state.not_before - wall).total_seconds()
            yield crawl

    def _next_job(self) -> Job | None:
        breaker = self._deps.breaker
        while True:
            for crawl in self._active:
                if crawl.to_adopt:
                    return Job(crawl.spec, crawl, None, key=crawl.to_adopt.pop(0))
            if not (breaker.allows or self.closing):
                return None
            crawls = [crawl for crawl in self._active if not crawl.is_failing]
            if not (breaker.is_closed or self.closing):
                # What failed last may fail by itself: a probe shows more of a subject untried,
                # once its stored pages are read.
                crawls = _longest_untried(crawls)
                if crawls and crawls[0].adopting:
                    return None
                doubtful = breaker.is_last_probe or any(one.state.limited for one in crawls[:1])
                if doubtful and (job := self._canary_job()):
                    return job
                if all(crawl.was_tried for crawl in crawls[:1]) and self._begin_subject():
                    continue
            job = self._job_of(crawls)
            if job or not self._begin_subject():
                return job or self._canary_job() or self._job_of(self._parked())

    def _parked(self) -> list[SubjectCrawl]:
        return _longest_untried([crawl for crawl in self._active if crawl.is_failing])

    def _job_of(self, crawls: Iterable[SubjectCrawl]) -> Job | None:
        now = self._deps.timing.monotonic()
        for crawl in crawls:
            page = crawl.next_range(now)
            if page is not None:
                return Job(crawl.spec, crawl, page, ticket=self._deps.breaker.begin())
        return None

    def _canary_job(self) -> Job | None:
        if self.closing or self._canary_in_flight:
            return None
        spec = self._canary.due(
            self._deps.breaker, {crawl.spec.key for crawl in self._active if crawl.is_failing}
        )
        if spec is None:
            return None
        return Job(spec, None, PageRange(0, 1), ticket=self._deps.breaker.begin())

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
        deps, fetcher = self._deps, self._deps.fetcher
        if job.page is None:
            assert job.crawl is not None  # noqa: S101  # a stored page belongs to a subject
            job.crawl.adopting += 1
            deps.workers.begin(job, partial(fetcher.adopt, job.key))
            return
        if job.crawl is None:
            self._canary_in_flight = True
        else:
            job.crawl.in_flight += 1
        may_send = partial(deps.breaker.may_send, job.ticket)
        call = fetcher.probe if job.crawl is None or not job.page.is_stored else fetcher.fetch
        deps.workers.begin(job, partial(call, job.spec, job.page, may_send, deps.timeout_seconds()))

    def _collect(self) -> None:
        """Take in what has ended; with nothing under way, wait for what comes first."""
        seconds = self._seconds_to_wait()
        if self._deps.workers:
            for job, future in self._deps.workers.ended(seconds):
                self._take_in(job, future)
        elif not self.exhausted and not any(crawl.finished for crawl in self._active):
            self._deps.timing.sleep(seconds)
        for crawl in [crawl for crawl in self._active if crawl.finished]:
            self._end_subject(crawl)

    def _end_subject(self, crawl: SubjectCrawl) -> None:
        outcome = reconcile(crawl, self._deps.find_baseline(crawl.spec.key))
        self._deps.keep_outcome(outcome)
        self._active.remove(crawl)
        self._deps.observer.subject_ended(outcome)

    def _seconds_to_wait(self) -> float:
        now = self._deps.timing.monotonic()
        # What is ready already waits for a free worker or for the probe, and not for the clock.
        events = [at - now for one in self._active if (at := one.next_ready(now)) is not None]
        events.append(self._deps.breaker.open_seconds or _LONGEST_WAIT_SECONDS)
        return min(max(min(events), _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)

    def _take_in(self, job: Job, future: Future[PageResult]) -> None:
        if job.crawl is None:
            self._canary_in_flight = False
        elif job.page is None:
            job.crawl.adopting -= 1
        else:
            job.crawl.in_flight -= 1
        error = future.exception()
        if error is None:
            self._record_answer(job, future.result())
        elif isinstance(error, IngestError) and not isinstance(error, StoreUnavailableError):
            self._record_error(job, error)
        else:
            raise error

    def _record_answer(self, job: Job, result: PageResult) -> None:
        crawl, page = job.crawl, job.page
        if crawl is None:
            self._source_served(job)
            self._stand_back()
        elif page is None:
            crawl.record_page(result)
        elif not page.is_stored:
            self._source_served(job)
            crawl.record_trial(page)
        elif (code := self._doubt(crawl, result)) is not None:
            message = f"work_count is {result.work_count} and works is empty"
            self._record_error(job, SourceUnavailableError(message, code=code))
        else:
            self._source_served(job)
            crawl.record_page(result, page)
            if result.entry is not None:
                self._canary.served(crawl.spec)
                self.pages_stored += 1
                self._deps.observer.page_stored(crawl, result)

    def _stand_back(self) -> None:
        # A canary may have taken what a limit allows just now: the next 429 would be its doing.
        timing = self._deps.timing
        for crawl in [one for one in self._active if one.state.limited]:
            delay = full_jitter(crawl.state.streak + 1, timing.uniform)
            crawl.parked_until = max(crawl.parked_until, timing.monotonic() + delay)

    def _doubt(self, crawl: SubjectCrawl, result: PageResult) -> str | None:
        had_works = False
        if result.entry is None and result.work_count == 0:
            had_works = bool(self._deps.find_baseline(crawl.spec.key).count)
        return crawl.doubt(result, had_works=had_works)

    def _source_served(self, job: Job) -> None:
        self._deps.breaker.succeeded(job.ticket)
        self._refusing.clear()
        self._answers_served += 1

    def _record_error(self, job: Job, error: IngestError) -> None:
        crawl, page, breaker = job.crawl, job.page, self._deps.breaker
        if isinstance(error, CrawlStoppingError):
            breaker.not_sent(job.ticket)
            if crawl is not None and page is not None:
                crawl.requeue(page)
            return
        self._deps.observer.request_failed(job.spec.key, page or PageRange(0, 0), error)
        if page is None:
            # The page is asked for again, and meets its unreadable self when it is to be stored.
            return
        self._score_source(job, error)
        if crawl is None:
            return
        if isinstance(error, BodyRefusedError):
            crawl.state.refused += 1
        if crawl.stopped_by is None:
            crawl.record_failure(page, self._failure(crawl, error))

    def _score_source(self, job: Job, error: IngestError) -> None:
        breaker, subject = self._deps.breaker, job.spec.key
        if isinstance(error, RateLimitedError):
            breaker.pause(job.ticket, error.retry_after)
            return
        if error.code in _UNCERTAIN:
            # An answer after all; whether to believe it is a question of this subject alone.
            breaker.not_sent(job.ticket)
            return
        # Each canary that fails speaks for one more subject.
        name = subject if job.crawl is not None else f"canary {breaker.failures}"
        breaker.failed(job.ticket, name, error.retry_after)
        if not isinstance(error, UserAgentRefusedError):
            self._refusing.clear()
            return
        self._refusing.append(subject)
        enough = min(SUBJECTS_TO_OPEN, len(self._plan.subjects))
        refused = len(self._refusing) >= SUBJECTS_TO_OPEN and len(set(self._refusing)) >= enough
        if refused and not self._canary.is_known:
            self._close(error.code)

    def _failure(self, crawl: SubjectCrawl, error: IngestError) -> Failure:
        timing, state = self._deps.timing, crawl.state
        is_pause = isinstance(error, RateLimitedError)
        # A count that is not certain yet is nobody's doing.
        neutral = is_pause or error.code in _UNCERTAIN
        # While the circuit is not closed, it is the source that fails and not the subject.
        charged = self._deps.breaker.is_closed and not neutral
        if is_pause:
            charged = crawl.is_limited_alone(self._answers_served)
        is_terminal = charged and error.tag == "terminal"
        delay = full_jitter(state.streak + state.zeros + 1, timing.uniform)
        if is_terminal:
            delay = terminal_delay(state.terminal + 1, timing.uniform)
        wait = max(delay, min(error.retry_after or 0.0, LONGEST_RETRY_AFTER))
        # A source that has served nothing yet may be down, or fail on what is asked of it.
        may_be_size = not neutral and not self._canary.is_known
        return Failure(error.code, timing.monotonic() + wait, charged, is_terminal, may_be_size)

    def _close(self, code: str) -> None:
        self.closing = code
        self._deps.breaker.hold_back()
        for crawl in self._active:
            crawl.stop(code)


def _longest_untried(crawls: Iterable[SubjectCrawl]) -> list[SubjectCrawl]:
    return sorted(crawls, key=lambda crawl: crawl.last_tried)
