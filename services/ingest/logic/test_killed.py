"""An invocation may be killed at any instruction: nothing is lost, nothing is fetched again."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import IngestError, SourceUnavailableError
from ingest.ports import SourceResponse
from ingest.testing.fakes import START, Killed
from ingest.testing.lake import RUN_ID, MemoryLake
from schemas.keys import CHECKPOINT_KEY, new_run_id

WORKS = {"love": 34, "person:jane_austen": 7, "nothing": 0, "place:london": 20}
PAGES = {"love": 4, "person:jane_austen": 1, "nothing": 0, "place:london": 2}


def assert_whole(lake: MemoryLake) -> None:
    manifest = lake.manifest()
    assert {one.subject: one.distinct for one in manifest.subjects} == WORKS
    overlaps = {one.subject: max(0, len(one.pages) - 1) for one in manifest.subjects}
    assert {one.subject: one.duplicates for one in manifest.subjects} == overlaps
    assert manifest.status == "complete"
    listed = [page.key for one in manifest.subjects for page in one.pages]
    assert sorted(listed) == lake.raw_keys()
    assert lake.fetched_though_stored == []


def boundaries() -> int:
    lake = MemoryLake(WORKS)
    lake.run_heartbeat()
    return lake.store.killer.calls + lake.source.killer.calls


def test_kill_at_every_boundary_loses_and_repeats_nothing() -> None:
    # GIVEN every call of the store or the source, each with a boundary before and after it
    for boundary in itertools.count():
        lake = MemoryLake(WORKS)
        # WHEN the invocation is killed there and later heartbeats resume
        killed = lake.run_killed_heartbeat(boundary)
        if not killed:
            break
        lake.clock.seconds += 1000
        lake.run_until_finished()
        # THEN the run is whole
        assert_whole(lake)
    assert boundary >= boundaries() > 40


def test_kill_at_every_boundary_leaves_a_requested_run_its_subjects() -> None:
    for boundary in itertools.count():
        # GIVEN a heartbeat that names subjects, and is killed
        lake = MemoryLake({"dogs": 5, "love": 5}, ["dogs"])
        lake.kill_at(boundary)
        try:
            lake.run_heartbeat(start=True)
        except Killed:
            lake.kill_at(None)
        else:
            break
        named = CHECKPOINT_KEY in lake.store.objects
        # WHEN the schedule's heartbeat comes
        lake.subjects = ["love"]
        lake.clock.seconds += 1000
        result = lake.run_until_finished()
        # THEN the run that the checkpoint names is of those subjects
        assert result.run_id == (new_run_id(START) if named else RUN_ID)
        manifest = lake.manifest(result.run_id)
        assert [one.subject for one in manifest.subjects] == (["dogs"] if named else ["love"])
    assert boundary > 10


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_any_number_of_kills_loses_and_repeats_nothing(kills: list[int]) -> None:
    lake = MemoryLake(WORKS)
    for boundary in kills:
        lake.run_killed_heartbeat(boundary)
        lake.clock.seconds += 1000
    lake.run_heartbeat()
    assert_whole(lake)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 80), min_size=1, max_size=4), st.sampled_from([0, 10, 30]))
def test_kills_while_pages_are_halved_lose_nothing(kills: list[int], stubborn: int) -> None:
    # GIVEN a page that only comes in small pieces, so that offsets depend on what failed before
    def script(subject: str, offset: int, limit: int) -> SourceResponse | IngestError | None:
        whole = subject == "love" and offset <= stubborn < offset + limit and limit > 20
        return SourceUnavailableError("too much") if whole else None

    lake = MemoryLake(WORKS, page_size=35)
    lake.source.script = script
    for boundary in kills:
        lake.run_killed_heartbeat(boundary)
        lake.clock.seconds += 1000
    lake.run_until_finished()
    love = lake.outcome("love")
    assert love.distinct == 34
    assert lake.fetched_though_stored == []


def test_killed_invocation_keeps_others_out_until_its_lease_ends() -> None:
    lake = MemoryLake(WORKS)
    lake.run_killed_heartbeat(30)
    lake.clock.seconds += 800
    assert lake.run_heartbeat().action == "busy"
    lake.clock.seconds += 120
    assert lake.run_heartbeat().action == "resumed"


def test_requests_keep_their_rate_across_a_release_and_a_resume() -> None:
    # GIVEN an invocation whose time is over in the middle of the crawl
    lake = MemoryLake({"love": 600}, seconds_per_invocation=8)
    lake.run_until_finished(every_seconds=0)
    assert lake.invocations > 3
    # THEN no window of one second, across invocations too, has more than three requests
    assert_rate(lake.source.sent_at, 3)


def assert_rate(sent: list[float], rate: int) -> None:
    for first, later in zip(sent, sent[rate:], strict=False):
        assert later - first > 1.0


@pytest.mark.parametrize("copies", [2, 5])
def test_repeated_heartbeats_change_nothing(copies: int) -> None:
    lake = MemoryLake(WORKS)
    lake.run_heartbeat()
    objects, requests = dict(lake.store.objects), len(lake.source.requests)
    for _ in range(copies):
        assert lake.run_heartbeat().action == "idle"
    assert lake.store.objects == objects
    assert len(lake.source.requests) == requests
