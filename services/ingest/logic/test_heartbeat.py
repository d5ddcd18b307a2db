"""When a run begins, who may crawl it, and what a heartbeat answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import ConfigurationError, LeaseLostError, StateUnreadableError
from ingest.logic.checkpoint import LEASE_SECONDS, ActiveRun, LeasedCheckpoint
from ingest.logic.heartbeat import CrawlRules, due_run_id, run_heartbeat
from ingest.ports import NewObject
from ingest.testing.fakes import START, FakeClock, MemoryStore
from ingest.testing.lake import RUN_ID, MemoryLake
from schemas.events import Heartbeat
from schemas.keys import CHECKPOINT_KEY, plan_key


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
    assert {limit for _, _, limit in lake.source.requests} == {10, 11}


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
    with pytest.raises(StateUnreadableError, match=key):
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


def leased(store: MemoryStore, clock: FakeClock, owner: str) -> LeasedCheckpoint:
    checkpoint = LeasedCheckpoint(store, clock.timing, owner)
    checkpoint.read()
    return checkpoint


RUN = ActiveRun(run_id=RUN_ID)


def test_of_two_overlapping_invocations_one_gets_the_lease() -> None:
    store, clock = MemoryStore(), FakeClock()
    one, other = leased(store, clock, "one"), leased(store, clock, "other")
    assert one.take(RUN)
    assert not other.take(RUN)
    assert leased(store, clock, "third").is_busy


def test_lease_expires() -> None:
    store, clock = MemoryStore(), FakeClock()
    leased(store, clock, "one").take(RUN)
    clock.seconds += LEASE_SECONDS + 1
    late = leased(store, clock, "other")
    assert not late.is_busy
    assert late.take(RUN)


def test_holder_whose_lease_was_taken_notices_and_sends_nothing_more() -> None:
    store, clock = MemoryStore(), FakeClock()
    one = leased(store, clock, "one")
    one.take(RUN)
    clock.seconds += LEASE_SECONDS - 1
    assert not one.may_send
    clock.seconds += 2
    leased(store, clock, "other").take(RUN)
    with pytest.raises(LeaseLostError):
        one.renew_if_due()
    with pytest.raises(LeaseLostError):
        one.release()


def test_lost_lease_ends_the_invocation_quietly() -> None:
    lake = MemoryLake({"love": 1000})

    def script(subject: str, offset: int, limit: int) -> None:
        if offset == 100:
            lake.clock.seconds += LEASE_SECONDS + 1
            leased(lake.store, lake.clock, "other").take(RUN)

    lake.source.script = script
    result = lake.run_heartbeat()
    assert (result.finished, result.status) == (False, "lease_lost")


def test_lease_is_renewed_now_and_then() -> None:
    store, clock = MemoryStore(), FakeClock()
    one = leased(store, clock, "one")
    one.take(RUN)
    for _ in range(600):
        clock.seconds += 1
        one.renew_if_due()
    assert one.may_send
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


def test_clock_of_the_fakes_is_utc() -> None:
    assert FakeClock(5).now() - FakeClock().now() == timedelta(seconds=5)
    assert FakeClock().now().tzinfo is UTC
