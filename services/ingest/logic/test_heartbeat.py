"""When a run begins, who may crawl it, and what a heartbeat answers."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import (
    ConfigurationError,
    LeaseLostError,
    RateLimitedError,
    SourceUnavailableError,
    SourceUnreachableError,
    StateUnreadableError,
    StoreUnavailableError,
)
from ingest.logic.breaker import CircuitBreaker
from ingest.logic.checkpoint import GUARD_SECONDS, ActiveRun, Checkpoint, LeasedCheckpoint
from ingest.logic.heartbeat import (
    CrawlRules,
    HeartbeatDependencies,
    due_run_id,
    run_heartbeat,
)
from ingest.logic.retry import LONGEST_STREAK
from ingest.logic.workers import Executor
from ingest.ports import Gate, NewObject, SourceResponse
from ingest.testing.fakes import START, FakeClock, Killed, Killer, MemoryStore
from ingest.testing.lake import RUN_ID, MemoryLake
from schemas.events import Heartbeat
from schemas.keys import CHECKPOINT_KEY, manifest_key, outcomes_prefix, plan_key


@pytest.mark.parametrize(
    ("time", "minutes", "run_id"),
    [
        ("2026-11-23T06:00:00+00:00", 1440, "20261123T000000Z"),
        ("2026-11-23T06:04:59+00:00", 5, "20261123T060000Z"),
        ("2026-11-23T06:05:00+00:00", 5, "20261123T060500Z"),
        ("2026-11-23T01:30:00+02:00", 60, "20261122T230000Z"),
    ],
)
def test_run_id_comes_from_the_slot(time: str, minutes: int, run_id: str) -> None:
    assert due_run_id(datetime.fromisoformat(time), minutes) == run_id


def test_missed_slots_are_caught_up_with_one_run() -> None:
    lake = MemoryLake({"love": 3}, interval_minutes=60)
    lake.run_heartbeat()
    lake.clock.seconds += 5 * 3600
    assert lake.run_heartbeat().run_id == "20261123T110000Z"
    assert lake.run_heartbeat().action == "idle"
    assert len(lake.store.keys("runs/run_id=")) == 2 * 3


def test_late_heartbeat_of_an_earlier_slot_begins_nothing() -> None:
    lake = MemoryLake({"love": 3}, interval_minutes=60)
    lake.clock.seconds += 7200
    lake.run_heartbeat()
    late = Heartbeat(scheduled_time=START + timedelta(seconds=10))
    assert run_heartbeat(late, lake.dependencies()).action == "idle"


def test_start_begins_a_run_of_its_own_time() -> None:
    lake = MemoryLake({"love": 3})
    lake.run_heartbeat()
    lake.clock.seconds += 60
    assert lake.run_heartbeat(start=True).run_id == "20261123T060100Z"
    assert lake.run_heartbeat(start=True).to_dict()["action"] in {"idle", "started"}


def test_repeated_start_cannot_create_a_second_run() -> None:
    lake = MemoryLake({"love": 3}, rate=1000)
    event_time = lake.clock.seconds
    lake.run_heartbeat(start=True)
    lake.clock.seconds = event_time
    assert lake.run_heartbeat(start=True).action == "idle"


def test_unfinished_run_is_resumed_first() -> None:
    lake = MemoryLake({"love": 1000}, seconds_per_invocation=10)
    assert lake.run_heartbeat().to_dict() == {
        "action": "started",
        "run_id": RUN_ID,
        "finished": False,
        "pages": 23,
        "status": None,
    }
    lake.clock.seconds += 86_400 / 2
    result = lake.run_heartbeat(start=True)
    assert (result.action, result.run_id) == ("resumed", RUN_ID)


@pytest.mark.parametrize(("rate", "in_flight"), [(0.5, 4), (1, 4), (3, 12), (100, 32)])
def test_requests_in_flight_hide_four_seconds_of_latency(rate: float, in_flight: int) -> None:
    assert CrawlRules(500, 10_000, rate, 1440, 1440).in_flight == in_flight


def test_invocation_stops_in_good_time() -> None:
    lake = MemoryLake({"love": 5000}, seconds_per_invocation=60, max_works=5000)
    lake.source.latency_seconds = 1.0
    lake.run_heartbeat()
    assert 40 < lake.clock.seconds < 50


def test_configuration_changed_in_the_middle_does_not_change_the_run() -> None:
    lake = MemoryLake({"love": 400, "history": 5}, ["love"], seconds_per_invocation=8)
    lake.run_heartbeat()
    lake.subjects = ["history"]
    lake.page_size = 100
    lake.run_until_finished()
    assert [one.subject for one in lake.manifest().subjects] == ["love"]
    assert {limit for _, _, limit in lake.source.requests} == {11}


def test_wrong_subjects_take_no_lease() -> None:
    lake = MemoryLake({"love": 3}, ["love", "LOVE"])
    with pytest.raises(ConfigurationError):
        lake.run_heartbeat()
    assert lake.store.objects == {}


def test_lost_checkpoint_is_made_good_from_the_stored_objects() -> None:
    lake = MemoryLake({"love": 400}, seconds_per_invocation=8)
    lake.run_heartbeat()
    del lake.store.objects[CHECKPOINT_KEY]
    assert lake.run_until_finished().status == "complete"
    assert lake.fetched_though_stored == []
    del lake.store.objects[CHECKPOINT_KEY]
    assert lake.run_heartbeat().action == "idle"


@pytest.mark.parametrize("key", [CHECKPOINT_KEY, plan_key(RUN_ID)])
def test_unreadable_state_is_named(key: str) -> None:
    lake = MemoryLake({"love": 3})
    lake.store.create(key, NewObject(b"{"))
    with pytest.raises(StateUnreadableError, match=f"{key}.*(begun by hand|configured subjects)"):
        lake.run_heartbeat()


def test_failure_of_the_store_gives_the_lease_back() -> None:
    lake = MemoryLake({"love": 30})

    def broken(key: str, new: NewObject) -> bool:
        raise OSError("the bucket is gone")

    create, lake.store.create = lake.store.create, broken  # type: ignore[method-assign]
    with pytest.raises(OSError, match="gone"):
        lake.run_heartbeat()
    lake.store.create = create  # type: ignore[method-assign]
    assert lake.run_heartbeat().status == "complete"


def test_lease_is_given_back_when_nothing_can_be_sent_any_more() -> None:
    # GIVEN a bucket that does not take the first page, while other requests wait for their turn
    lake = MemoryLake({"love": 5, "history": 5, "fantasy": 5, "horror": 5})
    create, replace, fetch = lake.store.create, lake.store.replace, lake.source.fetch
    released, sent_after = threading.Event(), []

    def failing(key: str, new: NewObject) -> bool:
        if key.startswith("raw_data/"):
            raise StoreUnavailableError("the bucket did not answer")
        return create(key, new)

    def noted(key: str, body: bytes, etag: str | None) -> str:
        if key == CHECKPOINT_KEY and b'"lease":null' in body:
            released.set()
        return replace(key, body, etag)

    def waiting(path: str, gate: Gate, timeout_seconds: float) -> SourceResponse:
        if "love" not in path:
            released.wait(0.3)
        return fetch(path, gate, timeout_seconds)

    def sent(subject: str, offset: int, limit: int) -> None:
        if released.is_set():
            sent_after.append(subject)

    lake.store.create, lake.store.replace = failing, noted  # type: ignore[method-assign]  # faults
    lake.source.fetch, lake.source.on_request = waiting, sent  # type: ignore[method-assign]
    # WHEN the invocation fails
    with ThreadPoolExecutor(4) as executor, pytest.raises(StoreUnavailableError):
        run_heartbeat(
            Heartbeat(scheduled_time=START), replace_executor(lake.dependencies(), executor)
        )
    # THEN its last request lies before the release, which says when it was
    assert released.is_set()
    assert sent_after == []
    last = START + timedelta(seconds=lake.source.sent_at[-1])
    saved = Checkpoint.model_validate_json(lake.store.objects[CHECKPOINT_KEY].body)
    assert saved.last_sent_at is not None
    assert abs(saved.last_sent_at - last) < timedelta(milliseconds=1)


def leased(store: MemoryStore, clock: FakeClock, owner: str) -> LeasedCheckpoint:
    ends = clock.seconds + INVOCATION_SECONDS
    checkpoint = LeasedCheckpoint(store, clock.timing, owner, lambda: ends - clock.seconds)
    checkpoint.read()
    return checkpoint


RUN = ActiveRun(run_id=RUN_ID)
INVOCATION_SECONDS = 900.0


def test_of_two_overlapping_invocations_one_gets_the_lease() -> None:
    store, clock = MemoryStore(), FakeClock()
    one, other = leased(store, clock, "one"), leased(store, clock, "other")
    assert one.take(RUN)
    assert not other.take(RUN)
    assert leased(store, clock, "third").is_busy


@pytest.mark.parametrize("saved_after", [0.0, 30.0, INVOCATION_SECONDS - 1])
def test_lease_ends_when_its_holder_cannot_be_alive_any_more(saved_after: float) -> None:
    # GIVEN a holder that is held up, inside a write perhaps, some time after it took the lease
    store, clock = MemoryStore(), FakeClock()
    one = leased(store, clock, "one")
    one.take(RUN)
    clock.seconds += saved_after
    one.save_if_due()

    # THEN nobody goes on while it may still come to itself
    clock.seconds = INVOCATION_SECONDS + GUARD_SECONDS - 1
    assert leased(store, clock, "other").is_busy
    clock.seconds += 2
    late = leased(store, clock, "other")
    assert not late.is_busy
    assert late.take(RUN)


def test_holder_whose_lease_was_taken_all_the_same_notices() -> None:
    store, clock = MemoryStore(), FakeClock()
    one = leased(store, clock, "one")
    one.take(RUN)
    clock.seconds += INVOCATION_SECONDS + GUARD_SECONDS + 1
    leased(store, clock, "other").take(RUN)
    with pytest.raises(LeaseLostError):
        one.save_if_due()
    with pytest.raises(LeaseLostError):
        one.release()


def test_lost_lease_ends_the_invocation_quietly() -> None:
    lake = MemoryLake({"love": 1000})

    def script(subject: str, offset: int, limit: int) -> None:
        if offset == 100:
            lake.clock.seconds += 30
            leased(lake.store, lake.clock, "other").take(RUN)

    lake.source.script = script
    result = lake.run_heartbeat()
    assert (result.finished, result.status) == (False, "lease_lost")


@pytest.mark.parametrize("held_up", [0, 1, 2, 3])
def test_whoever_is_held_up_inside_a_write_writes_beside_no_successor(held_up: int) -> None:
    """A page after the manifest, or an outcome without a successor's pages, would be the end."""
    # GIVEN a crawler that sleeps inside the write of a page or of an outcome until it is killed
    lake = MemoryLake({"love": 30}, seconds_per_invocation=300)
    create, left = lake.store.create, [held_up]

    def asleep(key: str, new: NewObject) -> bool:
        if key.startswith(("raw_data/", outcomes_prefix(RUN_ID))):
            left[0] -= 1
            if left[0] == -1:
                lake.clock.seconds += 295
                # WHEN other heartbeats come meanwhile THEN none goes on
                assert lake.run_heartbeat().action == "busy"
                create(key, new)
                raise Killed
        return create(key, new)

    lake.store.create = asleep  # type: ignore[method-assign]  # a fault
    with pytest.raises(Killed):
        lake.run_heartbeat()
    # AND afterwards the run comes to its end, and its manifest has every page that is there
    lake.clock.seconds += 300
    lake.run_until_finished()
    listed = [page.key for page in lake.outcome("love").pages]
    assert listed == lake.raw_keys()


def test_what_is_known_is_written_now_and_then() -> None:
    store, clock = MemoryStore(), FakeClock()
    one = leased(store, clock, "one")
    one.take(RUN)
    for _ in range(600):
        clock.seconds += 1
        one.save_if_due()
    assert 20 <= store.writes.count(CHECKPOINT_KEY) <= 40


def test_write_whose_answer_was_lost_is_recognised() -> None:
    # GIVEN a client that repeats a write which had succeeded, and so meets its own version
    store, clock = MemoryStore(), FakeClock()
    one = leased(store, clock, "one")
    replace = store.replace

    def twice(key: str, body: bytes, etag: str | None) -> str:
        replace(key, body, etag)
        return replace(key, body, etag)

    store.replace = twice  # type: ignore[method-assign]  # a fault
    assert one.take(RUN)


def test_released_lease_is_free_at_once() -> None:
    store, clock = MemoryStore(), FakeClock()
    one = leased(store, clock, "one")
    one.take(RUN)
    one.release(finished_run_id=RUN_ID)
    state = leased(store, clock, "other").state
    assert state.lease is None
    assert state.run is None
    assert state.latest_run_id == RUN_ID


def test_checkpoint_that_the_store_does_not_take_is_written_again() -> None:
    store, clock = MemoryStore(), FakeClock()
    one = leased(store, clock, "one")
    one.take(RUN)
    replace, failing = store.replace, [True, True]

    def flaky(key: str, body: bytes, etag: str | None) -> str:
        if failing and failing.pop():
            raise StoreUnavailableError("409 all the time")
        return replace(key, body, etag)

    store.replace = flaky  # type: ignore[method-assign]  # a fault
    for _ in range(60):
        clock.seconds += 1
        one.save_if_due()
    assert failing == []
    assert leased(store, clock, "other").is_busy


def test_what_is_known_is_written_while_the_last_answers_are_awaited() -> None:
    # GIVEN an invocation whose time is over while a slow answer is under way
    lake = MemoryLake({"love": 30}, seconds_per_invocation=60)
    written, replace = threading.Event(), lake.store.replace

    def noted(key: str, body: bytes, etag: str | None) -> str:
        if lake.clock.seconds > 50:
            written.set()
        return replace(key, body, etag)

    lake.store.replace = noted  # type: ignore[method-assign]  # a spy
    seen: list[bool] = []

    def script(subject: str, offset: int, limit: int) -> None:
        lake.clock.seconds += 55
        # WHEN it waits for it THEN the checkpoint is written before the answer is there
        seen.append(written.wait(5))

    lake.source.script = script
    with ThreadPoolExecutor(4) as executor:
        run_heartbeat(
            Heartbeat(scheduled_time=START), replace_executor(lake.dependencies(), executor)
        )
    assert seen == [True]


def replace_executor(deps: HeartbeatDependencies, executor: Executor) -> HeartbeatDependencies:
    return dataclasses.replace(deps, executor=executor)


def test_time_ahead_of_the_clock_is_refused() -> None:
    lake = MemoryLake({"love": 3})
    ahead = Heartbeat(scheduled_time=START + timedelta(minutes=2), start=True)
    with pytest.raises(ConfigurationError, match="ahead of the clock"):
        run_heartbeat(ahead, lake.dependencies())
    assert lake.store.objects == {}
    skewed = Heartbeat(scheduled_time=START + timedelta(seconds=30))
    assert run_heartbeat(skewed, lake.dependencies()).action == "started"


def test_run_of_the_future_in_the_checkpoint_idles_nobody() -> None:
    # GIVEN a checkpoint that an earlier version wrote for an event of the year 2062
    lake = MemoryLake({"love": 3})
    lake.store.create(CHECKPOINT_KEY, NewObject(b'{"latest_run_id": "20621123T000000Z"}'))
    assert lake.run_heartbeat().run_id == RUN_ID
    assert lake.run_heartbeat().action == "idle"


def test_pause_outlasts_the_invocation_that_was_asked_for_it() -> None:
    lake = MemoryLake({"love": 100})
    lake.source.script = lambda subject, offset, limit: (
        RateLimitedError("429", retry_after=1000.0) if lake.clock.seconds < 1000 else None
    )
    first = lake.run_heartbeat()
    assert (first.finished, first.status) == (False, "paused")
    for seconds in (300, 600, 900):
        lake.clock.seconds = seconds
        assert (lake.run_heartbeat().action, lake.run_heartbeat().status) == ("idle", "paused")
    assert len(lake.source.requests) == 1
    lake.clock.seconds = 1201
    assert lake.run_heartbeat().status == "complete"


def test_budget_of_a_subject_spans_invocations() -> None:
    # GIVEN a subject that fails, another one, and invocations of some seconds
    lake = MemoryLake({"bad": 30, "love": 30}, seconds_per_invocation=20)
    lake.source.script = lambda subject, offset, limit: (
        SourceUnavailableError("503", code="http_503") if subject == "bad" else None
    )
    # WHEN heartbeats go on
    lake.run_until_finished(most=200, every_seconds=30)
    # THEN it ends with its true reason and count, after as many failures as in one invocation
    outcome = lake.outcome("bad")
    asked = [request for request in lake.source.requests if request[0] == "bad"]
    assert lake.invocations > 5
    assert outcome.reason == f"http_503: crawl stopped after {len(asked)} failed requests"
    assert (outcome.status, outcome.retries) == ("failed", len(asked))
    assert len(asked) <= LONGEST_STREAK + 3
    assert lake.outcome("love").status == "complete"


def test_run_that_was_killed_after_its_manifest_fetches_nothing_more() -> None:
    # GIVEN an invocation that ends a run after refusals, and is killed before it says so
    lake = MemoryLake({f"subject_{number}": 30 for number in range(40)})
    lake.source.script = lambda subject, offset, limit: (
        plain_403() if len(lake.source.requests) > 20 else None
    )
    create = lake.store.create

    def killed_after(key: str, new: NewObject) -> bool:
        created = create(key, new)
        if key == manifest_key(RUN_ID):
            lake.store.killer = Killer(0)
        return created

    lake.store.create = killed_after  # type: ignore[method-assign]  # a fault
    with pytest.raises(Killed):
        lake.run_until_finished()
    # WHEN the source is well again and heartbeats go on
    lake.store.create = create  # type: ignore[method-assign]
    lake.store.killer = Killer()
    lake.source.script = lambda subject, offset, limit: None
    lake.clock.seconds += INVOCATION_SECONDS + GUARD_SECONDS + 1
    asked, raw = len(lake.source.requests), lake.raw_keys()
    result = lake.run_heartbeat()
    # THEN the run is closed with the manifest that it has
    assert (result.finished, result.status) == (True, "partial")
    assert (len(lake.source.requests), lake.raw_keys()) == (asked, raw)
    listed = [page.key for one in lake.manifest().subjects for page in one.pages]
    assert sorted(listed) == raw
    assert lake.run_heartbeat().action == "idle"


def test_nothing_spins_while_it_waits() -> None:
    lake = MemoryLake({"love": 50})
    lake.source.script = lambda subject, offset, limit: (
        SourceUnreachableError("down") if lake.clock.seconds < 100 else None
    )
    lake.run_until_finished()
    assert min(lake.clock.slept) >= 0.01
    assert len(lake.clock.slept) < 400


def plain_403() -> SourceResponse:
    return SourceResponse("https://source.example", 403, b"<html>", START, "text/html")


def test_clock_of_the_fakes_is_utc() -> None:
    assert FakeClock(5).now() - FakeClock().now() == timedelta(seconds=5)
    assert FakeClock().now().tzinfo is UTC


def test_what_waits_is_not_sent_once_the_run_is_closed() -> None:
    # GIVEN requests that wait for their turn while the third 403 comes
    lake = MemoryLake({f"subject_{number}": 5 for number in range(20)})
    asked, fetch = threading.Semaphore(3), lake.source.fetch

    def refused(path: str, gate: Gate, timeout_seconds: float) -> SourceResponse:
        if not asked.acquire(blocking=False):
            closed.wait(0.5)
        return fetch(path, gate, timeout_seconds)

    closed, hold_back = threading.Event(), CircuitBreaker.hold_back

    def noted(breaker: CircuitBreaker) -> None:
        hold_back(breaker)
        closed.set()

    lake.source.script = lambda subject, offset, limit: plain_403()
    lake.source.fetch = refused  # type: ignore[method-assign]  # a source that is slow to connect
    # WHEN the run is closed by it THEN they stay at home
    with ThreadPoolExecutor(12) as executor, pytest.MonkeyPatch.context() as patched:
        patched.setattr(CircuitBreaker, "hold_back", noted)
        result = run_heartbeat(
            Heartbeat(scheduled_time=START), replace_executor(lake.dependencies(), executor)
        )
    assert result.status == "failed"
    assert len(lake.source.requests) == 3
