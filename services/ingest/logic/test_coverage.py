"""Whole crawls in memory of a source that changes or says too little: what counts as complete."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence

import pytest

from ingest.ports import NewObject, SourceResponse
from ingest.testing.fakes import json_response, page
from ingest.testing.lake import RUN_ID, MemoryLake
from schemas.keys import RawKey


def test_growing_source_is_followed_and_reported() -> None:
    lake = MemoryLake({"love": 30})
    lake.source.works = works = {"love": 30}

    def script(subject: str, offset: int, limit: int) -> None:
        works["love"] = 30 if offset == 0 else 45

    lake.source.script = script
    assert lake.run_heartbeat().status == "complete"
    outcome = lake.outcome("love")
    assert (outcome.expected_first, outcome.expected_last, outcome.distinct) == (30, 45, 45)
    assert outcome.reason == "source_changed: work_count was between 30 and 45 while paging"


@pytest.mark.parametrize(
    ("left", "status", "reason"),
    [
        (43, "complete", "source_changed: work_count was between 43 and 45 while paging"),
        (20, "partial", "source_changed"),
        (0, "partial", "source_changed: work_count was between 0 and 45 while paging"),
    ],
)
def test_source_that_shrinks_a_little_is_whole_and_one_that_loses_much_is_not(
    left: int, status: str, reason: str
) -> None:
    lake = MemoryLake({"love": 45})
    lake.source.works = works = {"love": 45}

    def script(subject: str, offset: int, limit: int) -> None:
        works["love"] = 45 if offset == 0 and limit > 1 else left

    lake.source.script = script
    lake.run_until_finished()
    outcome = lake.outcome("love")
    assert outcome.status == status
    assert reason in str(outcome.reason)


def test_rest_of_a_page_that_came_short_is_asked_for() -> None:
    lake = MemoryLake({"love": 30})

    def script(subject: str, offset: int, limit: int) -> SourceResponse | None:
        return json_response(page("love", 10, 6, 30)) if offset == 10 else None

    lake.source.script = script
    assert lake.run_heartbeat().status == "complete"
    assert (15, 6) in [(offset, limit) for _, offset, limit in lake.source.requests]
    assert lake.outcome("love").distinct == 30


def test_source_that_serves_less_than_it_announces_makes_the_run_partial() -> None:
    lake = MemoryLake({"love": 30})

    def script(subject: str, offset: int, limit: int) -> SourceResponse:
        return json_response(page("love", offset, limit, 26) | {"work_count": 30})

    lake.source.script = script
    assert lake.run_until_finished().status == "partial"
    assert lake.outcome("love").reason == "undercount: 26 distinct works of 30 announced"


def works_in_order(numbers: Sequence[int], offset: int, limit: int) -> SourceResponse:
    works = [{"key": f"/works/OL{number}W"} for number in numbers[offset : offset + limit]]
    return json_response({"work_count": len(numbers), "works": works})


@pytest.mark.parametrize(
    ("gone", "added"), [([3], []), ([3, 4, 5], []), ([3, 4], [100, 101]), ([], [100, 101, 102])]
)
def test_works_that_a_shift_hides_between_two_pages_are_fetched(
    gone: list[int], added: list[int]
) -> None:
    # GIVEN works that leave from, or enter, the front of the listing after the first page
    lake = MemoryLake({"love": 40})
    before = list(range(40))
    after = [number for number in before if number not in gone]
    after = [*after[:-5], *added, *after[-5:]] if gone else [*added, *after]

    def script(subject: str, offset: int, limit: int) -> SourceResponse:
        return works_in_order(after if len(lake.source.requests) > 1 else before, offset, limit)

    lake.source.script = script
    # WHEN it is crawled
    lake.run_until_finished()
    # THEN every work that was there all the time is there
    outcome = lake.outcome("love")
    kept = set(before) - set(gone)
    stored = {
        int(work["key"].removeprefix("/works/OL").removesuffix("W"))
        for key in lake.raw_keys()
        for work in json.loads(gzip.decompress(lake.store.objects[key].body))["works"]
    }
    assert kept - stored == set()
    # AND works that came in before the first page's end are known to be missing
    assert outcome.status == ("complete" if gone else "partial")


def test_shift_that_no_page_bridges_makes_the_run_partial() -> None:
    # GIVEN a listing of which other works stand at the same offsets after the first page
    lake = MemoryLake({"love": 40})

    def script(subject: str, offset: int, limit: int) -> SourceResponse:
        first = 0 if len(lake.source.requests) == 1 else 500
        return works_in_order(range(first, first + 40), offset, limit)

    lake.source.script = script
    lake.run_until_finished()
    outcome = lake.outcome("love")
    assert outcome.status == "partial"
    assert "seams_open" in str(outcome.reason)


def test_page_that_somebody_else_stored_meanwhile_is_taken_as_it_is() -> None:
    # GIVEN a page stored by a killed invocation's last thread, after this one listed the store
    donor = MemoryLake({"love": 25})
    donor.run_heartbeat()
    key = RawKey.of(RUN_ID, "love", 10).key
    stored = donor.store.objects[key]
    lake = MemoryLake({"love": 25})

    def script(subject: str, offset: int, limit: int) -> None:
        if offset == 10:
            lake.store.create(key, NewObject(stored.body, metadata=stored.metadata))

    lake.source.script = script
    # WHEN this invocation stores the same page
    assert lake.run_heartbeat().status == "complete"
    # THEN the first one stays, and the manifest agrees with it
    assert lake.store.objects[key] == stored
    assert lake.outcome("love").pages == donor.outcome("love").pages


def test_page_that_an_overlapping_writer_stored_smaller_leaves_no_hole() -> None:
    # GIVEN a page of 5 works at an offset for which this invocation asks 11
    donor = MemoryLake({"love": 35}, page_size=4)
    donor.source.works = {"love": 35}
    donor.run_heartbeat()
    small = donor.store.objects[RawKey.of(RUN_ID, "love", 20).key]
    lake = MemoryLake({"love": 35})

    def script(subject: str, offset: int, limit: int) -> None:
        if offset == 20:
            key = RawKey.of(RUN_ID, "love", 20).key
            lake.store.create(key, NewObject(small.body, metadata=small.metadata))

    lake.source.script = script
    # WHEN it goes on THEN the rest is asked for
    assert lake.run_heartbeat().status == "complete"
    assert lake.outcome("love").distinct == 35
    assert 24 in [offset for _, offset, _ in lake.source.requests]


def test_one_answer_that_says_less_does_not_end_a_subject() -> None:
    # GIVEN one answer of a replica that is behind the others by less than editing explains
    lake = MemoryLake({"love": 100})
    lake.source.script = lambda subject, offset, limit: (
        json_response({"work_count": 90, "works": []})
        if offset >= 90 and lake.source.requests.count((subject, offset, limit)) == 1
        else None
    )
    # WHEN it is crawled THEN the page is asked for again, and comes
    assert lake.run_heartbeat().status == "complete"
    assert (lake.outcome("love").distinct, lake.outcome("love").reason) == (100, None)


def test_lower_end_is_believed_when_it_is_said_twice() -> None:
    lake = MemoryLake({"love": 100})
    lake.source.script = lambda subject, offset, limit: (
        json_response(page(subject, offset, limit, 90)) if offset else None
    )
    assert lake.run_heartbeat().status == "complete"
    outcome = lake.outcome("love")
    assert (outcome.distinct, outcome.expected_last) == (90, 90)
    assert len(lake.source.requests) <= 13


@pytest.mark.parametrize(
    ("says", "works"), [(0, 11), (3, 11), (0, 95), (3, 95), (15, 95), (0, 100), (3, 100), (15, 100)]
)
def test_full_page_with_more_than_its_count_is_not_the_last_one(says: int, works: int) -> None:
    # GIVEN a source whose count says less than a page holds
    lake = MemoryLake({"love": works})
    lake.source.script = lambda subject, offset, limit: json_response(
        page(subject, offset, limit, works) | {"work_count": says}
    )
    # WHEN it is crawled THEN every work is there, and the run says what is wrong
    lake.run_until_finished()
    outcome = lake.outcome("love")
    assert outcome.distinct == works
    assert (outcome.status, outcome.reason) == (
        "partial",
        f"count_contradicted: work_count is {says}, and the pages hold {works} works",
    )


def test_subject_whose_works_never_come_is_not_one_without_works() -> None:
    lake = MemoryLake({"love": 30, "odd": 30, "history": 30})
    lake.source.script = lambda subject, offset, limit: (
        json_response({"work_count": 50, "works": []}) if subject == "odd" else None
    )
    assert lake.run_until_finished().status == "partial"
    assert lake.outcome("odd").status != "empty"
