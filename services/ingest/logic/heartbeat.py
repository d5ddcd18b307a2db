"""One heartbeat: resume the unfinished run, begin the one that is due, or do nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from ingest.errors import ConfigurationError, LeaseLostError
from ingest.logic.breaker import CircuitBreaker
from ingest.logic.checkpoint import ActiveRun, Checkpoint, LeasedCheckpoint
from ingest.logic.crawl import Crawl
from ingest.logic.dependencies import CrawlDependencies, Observer, Resumed
from ingest.logic.ledger import (
    find_baseline,
    find_served,
    find_stored,
    is_finished,
    keep_outcome,
    manifest_status,
    write_manifest,
)
from ingest.logic.pacer import Pacer
from ingest.logic.page_fetcher import PageFetcher
from ingest.logic.pages import SubjectState
from ingest.logic.plan import RunPlan, freeze, load
from ingest.logic.workers import Executor, Workers
from ingest.ports import ObjectStore, PageApi, Source, SubjectSpec, Timing
from schemas.events import Heartbeat
from schemas.keys import new_run_id

Action = Literal["started", "resumed", "idle", "busy"]

#: OpenLibrary's search gives up after 10 s; a page of 1000 works then still has to come over the
#: wire.
LONGEST_REQUEST_SECONDS: Final = 30.0
#: What storing a page, the outcomes and the checkpoint may take after the last request.
RESERVE_SECONDS: Final = 8.0
#: No page is begun with less than this, or this share of the invocation's time, left.
MARGIN_SECONDS: Final = 40.0
_MARGIN_SHARE: Final = 0.25
#: Seconds of latency that are hidden behind other requests, and the most requests for it.
_HIDDEN_LATENCY_SECONDS: Final = 4.0
_MOST_IN_FLIGHT: Final = 32
#: A scheduler's clock may be ahead of the function's by so much.
_CLOCK_SKEW: Final = timedelta(minutes=1)
#: How long a source that is down is left alone: twice as long from one invocation to the next.
_REST_SECONDS: Final = 60.0
_LONGEST_REST_SECONDS: Final = 1800.0


@dataclass(frozen=True)
class CrawlRules:
    """The settings of a crawl, with units as in :class:`ingest.settings.Settings`."""

    page_size: int
    max_works: int
    requests_per_second: float
    run_interval_minutes: int
    run_deadline_minutes: float

    @property
    def in_flight(self) -> int:
        """Requests under way at most: rate times latency, within bounds."""
        wanted = math.ceil(self.requests_per_second * _HIDDEN_LATENCY_SECONDS)
        return min(max(wanted, 4), _MOST_IN_FLIGHT)


@dataclass(frozen=True)
class HeartbeatDependencies:
    """All that a heartbeat works with.

    Attributes
    ----------
    owner
        Name of this invocation, unique even among repetitions of one event.
    remaining_seconds
        Time left before the invocation is killed.
    read_subjects
        Reads and checks the configured subjects; called when a run begins.
    """

    rules: CrawlRules
    store: ObjectStore
    source: Source
    api: PageApi
    executor: Executor
    timing: Timing
    observer: Observer
    owner: str
    remaining_seconds: Callable[[], float]
    read_subjects: Callable[[], Sequence[SubjectSpec]]


@dataclass(frozen=True)
class HeartbeatResult:
    """What a heartbeat did.

    Attributes
    ----------
    pages
        Pages stored by this invocation.
    status
        That of the manifest, once the run is finished; ``source_down``, ``paused`` and
        ``lease_lost`` say why it is not.
    """

    action: Action
    run_id: str | None = None
    finished: bool = False
    pages: int = 0
    status: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the function's answer."""
        names = ("action", "run_id", "finished", "pages", "status")
        return {name: getattr(self, name) for name in names}


def due_run_id(scheduled: datetime, interval_minutes: int) -> str:
    """Return the id of the run whose slot a time lies in; slots count from 1970-01-01T00:00Z.

    However many slots were missed, the latest one is the only one that is due.
    """
    seconds = interval_minutes * 60
    slot = int(scheduled.timestamp()) // seconds * seconds
    return new_run_id(datetime.fromtimestamp(slot, UTC))


def run_heartbeat(heartbeat: Heartbeat, deps: HeartbeatDependencies) -> HeartbeatResult:
    """Do what a heartbeat asks for.

    Raises
    ------
    ConfigurationError
        When a run is due and the subjects are wrong, or when the heartbeat's time lies ahead.
    StateUnreadableError
        When the checkpoint or the plan does not read back.
    """
    _refuse_time_ahead(heartbeat, deps.timing)
    checkpoint = LeasedCheckpoint(deps.store, deps.timing, deps.owner, deps.remaining_seconds)
    state = checkpoint.read()
    run = _run_to_crawl(heartbeat, state, deps)
    if run is None:
        return HeartbeatResult("idle", state.latest_run_id)
    deps.observer.run_known(run.run_id)
    if checkpoint.is_busy:
        return HeartbeatResult("busy", run.run_id)
    if run.not_before is not None and run.not_before > deps.timing.now():
        return HeartbeatResult("idle", run.run_id, status=_why_resting(run))
    action: Action = "resumed" if state.run is not None else "started"
    # Before the checkpoint names the run: what another heartbeat asks for is no plan of this one.
    plan, is_new = load(run.run_id, deps.store), False
    if plan is None:
        plan, is_new = freeze(_new_plan(run.run_id, deps), deps.store)
    if not checkpoint.take(run):
        return HeartbeatResult("busy", run.run_id)
    try:
        result = _crawl(run, plan, checkpoint, deps, is_new=is_new)
    except LeaseLostError:
        return HeartbeatResult(action, run.run_id, status="lease_lost")
    except Exception:
        _release_quietly(checkpoint)
        raise
    return replace(result, action=action)


def _refuse_time_ahead(heartbeat: Heartbeat, timing: Timing) -> None:
    # A run of the future would be the latest one, and every heartbeat before it would idle.
    if heartbeat.scheduled_time - timing.now() > _CLOCK_SKEW:
        raise ConfigurationError(
            f"invalid heartbeat event: scheduled_time {heartbeat.scheduled_time.isoformat()} is"
            f" ahead of the clock ({timing.now().isoformat()}); send the time of the heartbeat"
        )


def _run_to_crawl(
    heartbeat: Heartbeat, state: Checkpoint, deps: HeartbeatDependencies
) -> ActiveRun | None:
    if state.run is not None:
        return state.run
    if heartbeat.start:
        run_id = new_run_id(heartbeat.scheduled_time)
    else:
        run_id = due_run_id(heartbeat.scheduled_time, deps.rules.run_interval_minutes)
        latest = state.latest_run_id or ""
        is_past = latest <= new_run_id(deps.timing.now() + _CLOCK_SKEW)
        if is_past and latest >= run_id:
            return None
    return None if is_finished(deps.store, run_id) else ActiveRun(run_id=run_id)


def _new_plan(run_id: str, deps: HeartbeatDependencies) -> RunPlan:
    return RunPlan(
        run_id=run_id,
        started_at=deps.timing.now(),
        page_size=deps.rules.page_size,
        max_works=deps.rules.max_works,
        subjects=deps.read_subjects(),
    )


def _release_quietly(checkpoint: LeasedCheckpoint) -> None:
    # The error under way says more, and the lease ends by itself.
    with suppress(Exception):
        checkpoint.release()


def _crawl(
    run: ActiveRun,
    plan: RunPlan,
    checkpoint: LeasedCheckpoint,
    deps: HeartbeatDependencies,
    *,
    is_new: bool,
) -> HeartbeatResult:
    if not is_new and (status := manifest_status(deps.store, run.run_id)):
        # The invocation that ended the run was killed before it could say so.
        checkpoint.release(finished_run_id=run.run_id)
        return HeartbeatResult("resumed", run.run_id, True, status=status)
    resumed = Resumed()
    if not is_new:
        resumed = find_stored(deps.store, run.run_id, run.subjects, checkpoint.save_if_due)
    expires_at = plan.started_at + timedelta(minutes=deps.rules.run_deadline_minutes)
    if deps.timing.now() > expires_at:
        run.closing = run.closing or "run_expired"
    crawl_deps = _crawl_dependencies(plan, run, checkpoint, deps)
    crawl = Crawl(plan, resumed, crawl_deps, closing=run.closing, downs=run.source_down)
    try:
        ended = crawl.run()
    except Exception:
        # Whoever gets the lease next knows nothing of requests that are sent after it.
        crawl_deps.abandon()
        raise
    run.closing = crawl.closing
    if ended:
        return _end_run(run, crawl, plan, checkpoint, deps)
    _note_rest(run, crawl_deps.breaker, deps.timing, expires_at)
    checkpoint.release()
    why = _why_resting(run) if run.not_before else None
    return HeartbeatResult("resumed", run.run_id, pages=crawl.pages_stored, status=why)


def _end_run(
    run: ActiveRun,
    crawl: Crawl,
    plan: RunPlan,
    checkpoint: LeasedCheckpoint,
    deps: HeartbeatDependencies,
) -> HeartbeatResult:
    # With the reason for closing in it, before the manifest is there.
    checkpoint.save()
    status = write_manifest(
        deps.store,
        plan,
        deps.executor,
        deps.timing,
        reason=crawl.closing or "unknown",
        keep_alive=checkpoint.save_if_due,
    )
    checkpoint.release(finished_run_id=run.run_id)
    return HeartbeatResult("resumed", run.run_id, True, crawl.pages_stored, status)


def _why_resting(run: ActiveRun) -> str:
    return "source_down" if run.source_down else "paused"


def _note_rest(
    run: ActiveRun, breaker: CircuitBreaker, timing: Timing, expires_at: datetime
) -> None:
    """Note how long the source is to be left alone; an expired run is ended all the same."""
    run.source_down = run.source_down + 1 if breaker.source_is_down else 0
    rest = breaker.open_seconds
    if run.source_down:
        rest = max(rest, min(_LONGEST_REST_SECONDS, _REST_SECONDS * 2.0**run.source_down))
    until = min(timing.now() + timedelta(seconds=rest), expires_at)
    run.not_before = until if rest else None


def _crawl_dependencies(
    plan: RunPlan, run: ActiveRun, checkpoint: LeasedCheckpoint, deps: HeartbeatDependencies
) -> CrawlDependencies:
    timing, rules = deps.timing, deps.rules
    margin = min(MARGIN_SECONDS, deps.remaining_seconds() * _MARGIN_SHARE)
    finished_runs = [one for one in checkpoint.state.finished_runs if one != run.run_id]

    def may_go_on() -> bool:
        return deps.remaining_seconds() > margin

    pacer = Pacer(rules.requests_per_second, timing, may_go_on)
    if checkpoint.state.last_sent_at is not None:
        since = (timing.now() - checkpoint.state.last_sent_at).total_seconds()
        pacer.hold(min(pacer.window_seconds, pacer.window_seconds - since))
    breaker = CircuitBreaker(
        timing, subjects=len(plan.subjects), half_open=run.source_down > 0 or bool(run.not_before)
    )

    workers = Workers(deps.executor, rules.in_flight)

    def note_last_request() -> None:
        if (since := pacer.seconds_since_sent) is not None:
            checkpoint.state.last_sent_at = timing.now() - timedelta(seconds=since)

    def abandon() -> None:
        pacer.stop()
        workers.wait()
        note_last_request()

    def keep_alive(subjects: dict[str, SubjectState]) -> None:
        run.subjects = subjects
        if (rest := breaker.open_seconds) or run.not_before:
            run.not_before = timing.now() + timedelta(seconds=rest) if rest else None
        note_last_request()
        checkpoint.save_if_due()

    return CrawlDependencies(
        fetcher=PageFetcher(run.run_id, deps.source, deps.api, deps.store, pacer),
        workers=workers,
        breaker=breaker,
        timing=timing,
        observer=deps.observer,
        largest_request=deps.api.largest_request,
        may_go_on=may_go_on,
        timeout_seconds=lambda: max(
            1.0, min(LONGEST_REQUEST_SECONDS, deps.remaining_seconds() - RESERVE_SECONDS)
        ),
        keep_alive=keep_alive,
        abandon=abandon,
        keep_outcome=lambda outcome: keep_outcome(deps.store, plan.run_id, outcome),
        find_baseline=lambda subject: find_baseline(deps.store, finished_runs, subject),
        find_served=lambda: find_served(
            deps.store, finished_runs, {spec.key for spec in plan.subjects}
        ),
    )
