"""Whole crawls in memory: what is asked for, what a failure leads to, what the manifest says."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from ingest.errors import (
    BadRequestError,
    BodyRefusedError,
    IngestError,
    RateLimitedError,
    SourceUnavailableError,
    SourceUnreachableError,
)
from ingest.logic.plan import RunPlan
from ingest.ports import NewObject, SourceResponse
from ingest.testing.fakes import START, json_response, page
from ingest.testing.lake import RUN_ID, MemoryLake
from schemas.keys import CHECKPOINT_KEY, RawKey
from schemas.ledger.provenance import RawProvenance
from schemas.rows.quarantine import QuarantineRecord

Script = Callable[[str, int, int], SourceResponse | IngestError | None]


def first_times(times: int, answer: SourceResponse | IngestError) -> Script:
    """Return an answer the first so many times that each page is asked for."""
    asked: Counter[tuple[str, int]] = Counter()

    def script(subject: str, offset: int, limit: int) -> SourceResponse | IngestError | None:
        asked[subject, offset] += 1
        return answer if asked[subject, offset] <= times else None

    return script


def plain(status: int, kind: str = "text/html") -> SourceResponse:
    return SourceResponse("https://source.example", status, b"<html>", START, kind)


def test_pages_cover_the_subject_in_total_order_and_overlap_by_one_work() -> None:
    lake = MemoryLake({"love": 25})
    lake.run_heartbeat()
    assert lake.source.paths == [
        "/subjects/love.json?limit=11&offset=0&sort=editions,key&details=true",
        "/subjects/love.json?limit=11&offset=10&sort=editions,key",
        "/subjects/love.json?limit=11&offset=20&sort=editions,key",
    ]


def test_overlap_stays_within_the_source_s_bound() -> None:
    lake = MemoryLake({"love": 1500}, page_size=1000, max_works=5000)
    lake.run_heartbeat()
    assert [(offset, limit) for _, offset, limit in lake.source.requests] == [
        (0, 1000),
        (999, 1000),
    ]


def test_filters_and_kinds_reach_the_source() -> None:
    subjects: list[object] = [
        {"subject": "person:Jane Austen", "published_in": "1990-1999", "has_fulltext": True},
        "愛/?&",
    ]
    lake = MemoryLake({"person:jane_austen": 3, "愛": 1}, subjects)
    lake.run_heartbeat()
    assert lake.source.paths == [
        "/subjects/person:jane_austen.json?limit=11&offset=0&sort=editions,key&details=true"
        "&published_in=1990-1999&has_fulltext=true",
        "/subjects/%E6%84%9B.json?limit=11&offset=0&sort=editions,key&details=true",
    ]


def test_stored_page_is_the_wire_bytes_with_their_provenance() -> None:
    lake = MemoryLake({"love": 7})
    lake.run_heartbeat()
    stored = lake.store.objects[RawKey.of(RUN_ID, "love", 0).key]
    assert stored.body == json_response(page("love", 0, 11, 7)).body
    provenance = RawProvenance.from_metadata(stored.metadata)
    assert (provenance.work_count, provenance.limit, provenance.http_status) == (7, 11, 200)
    assert provenance.content_encoding_source == "server"


def test_cap_is_kept_and_named() -> None:
    lake = MemoryLake({"love": 100}, [{"subject": "love", "max_works": 25}])
    lake.run_heartbeat()
    outcome = lake.outcome("love")
    assert (outcome.status, outcome.distinct, outcome.expected_last) == ("complete", 25, 100)
    assert outcome.reason == "capped: 25 of 100 works, as configured"


def test_unknown_subject_is_empty_with_a_warning_and_no_page() -> None:
    lake = MemoryLake({"nobody": 0})
    assert lake.run_heartbeat().status == "complete"
    outcome = lake.outcome("nobody")
    assert (outcome.status, outcome.pages, outcome.expected_first) == ("empty", [], 0)
    assert "unknown_subject" in str(outcome.reason)


@pytest.mark.parametrize(
    "answer",
    [
        SourceUnreachableError("cut"),
        plain(502),
        plain(503),
        plain(200),
        plain(500),
        json_response({"work_count": None, "works": []}),
        json_response({"work_count": 25, "works": []}),
        json_response({"error": "shape"}),
        SourceResponse("", 200, json_response(page("love", 0, 9, 9)).body[:30], START, "", "gzip"),
    ],
    ids=["cut", "502", "503", "html", "500", "null", "no works", "shape", "truncated"],
)
def test_failures_are_asked_again_until_the_run_is_whole(
    answer: SourceResponse | IngestError,
) -> None:
    lake = MemoryLake({"love": 25, "history": 12})
    lake.source.script = first_times(2, answer)
    assert lake.run_until_finished().status == "complete"
    assert lake.outcome("love").distinct == 25
    assert lake.outcome("love").retries == 6


def test_refused_bodies_are_kept_in_quarantine_and_counted() -> None:
    lake = MemoryLake({"love": 5})
    lake.source.script = first_times(2, plain(200))
    lake.run_until_finished()
    # THEN equal bodies are kept once, and nothing of them is a page
    (key,) = lake.store.keys("quarantine_data/")
    assert key.startswith(
        "quarantine_data/raw/ingest_date=2026-11-23/20261123T000000Z-love-000000-"
    )
    record = QuarantineRecord.model_validate_json(gzip.decompress(lake.store.objects[key].body))
    assert (record.reason_code, record.payload_encoding) == ("html_body", "base64")
    assert lake.outcome("love").refused == 2
    assert len(lake.raw_keys()) == 1


def test_429_stops_everything_for_a_while_and_blames_no_page() -> None:
    lake = MemoryLake({"love": 100})
    lake.source.script = first_times(4, RateLimitedError("429"))
    assert lake.run_until_finished().status == "complete"
    limits = {(offset, limit) for _, offset, limit in lake.source.requests} - {(0, 1)}
    assert {limit for _, limit in limits} == {11}


def test_403_to_every_first_request_ends_the_run_at_once() -> None:
    lake = MemoryLake({"love": 100, "history": 50})
    lake.source.script = lambda subject, offset, limit: plain(403)
    result = lake.run_heartbeat()
    assert (result.finished, result.status) == (True, "failed")
    assert {str(one.reason).partition(" after")[0] for one in lake.manifest().subjects} == {
        "user_agent_refused: crawl stopped"
    }
    assert len(lake.source.requests) == 4
    assert lake.run_heartbeat().action == "idle"


def test_403_to_every_request_from_some_time_on_ends_the_run() -> None:
    lake = MemoryLake({"love": 100, "history": 100, "fantasy": 100})
    lake.source.script = lambda subject, offset, limit: (
        plain(403) if len(lake.source.requests) > 10 else None
    )
    assert lake.run_heartbeat().status == "source_down"
    assert lake.run_until_finished().status == "partial"
    assert "user_agent_refused: crawl stopped" in str(lake.outcome("love").reason)
    assert len(lake.source.requests) < 45


def test_403_on_one_path_ends_that_subject_only() -> None:
    lake = MemoryLake({f"subject_{number}": 30 for number in range(10)})
    lake.source.script = lambda subject, offset, limit: (
        plain(403) if subject == "subject_0" and offset else None
    )
    assert lake.run_heartbeat().status == "partial"
    reason = str(lake.outcome("subject_0").reason)
    assert reason.startswith("user_agent_refused: crawl stopped after ")
    assert {lake.outcome(f"subject_{number}").distinct for number in range(1, 10)} == {30}


@pytest.mark.parametrize("status", [400, 404, 422])
def test_bad_request_ends_its_subject_only(status: int) -> None:
    lake = MemoryLake({"love": 25, "history": 12})
    lake.source.script = lambda subject, offset, limit: plain(status) if subject == "love" else None
    assert lake.run_heartbeat().status == "partial"
    assert lake.outcome("love").status == "failed"
    assert lake.outcome("love").reason == (f"http_{status}: crawl stopped after 4 failed requests")
    assert lake.outcome("history").status == "complete"
    assert [one for one, _, _ in lake.source.requests].count("love") == 4


def test_page_that_keeps_failing_is_halved_down_to_what_fails() -> None:
    lake = MemoryLake({"love": 400, "history": 3000}, page_size=100, max_works=5000)

    def script(subject: str, offset: int, limit: int) -> IngestError | None:
        poison = subject == "love" and offset <= 150 < offset + limit
        return SourceUnavailableError("poison", code="http_503") if poison else None

    lake.source.script = script
    assert lake.run_until_finished().status == "partial"
    outcome = lake.outcome("love")
    assert outcome.distinct == 400 - 1
    assert outcome.reason == "pages_failed: 150+1 (http_503)"
    assert lake.outcome("history").status == "complete"


def test_page_size_recovers() -> None:
    lake = MemoryLake({"love": 2000}, page_size=100, max_works=5000)

    def script(subject: str, offset: int, limit: int) -> IngestError | None:
        return SourceUnavailableError("large") if offset < 300 and limit > 50 else None

    lake.source.script = script
    assert lake.run_until_finished().status == "complete"
    assert max(limit for _, offset, limit in lake.source.requests if offset > 1000) == 101


def test_source_that_is_down_leaves_the_run_to_the_next_heartbeat() -> None:
    # GIVEN a source that is down for an hour
    lake = MemoryLake({"love": 50})
    up_again = 3600

    def script(subject: str, offset: int, limit: int) -> IngestError | None:
        down = lake.clock.seconds < up_again
        return SourceUnreachableError("connection refused") if down else None

    lake.source.script = script
    # WHEN heartbeats go on
    first = lake.run_heartbeat()
    # THEN each gives up soon, asks little, and the run ends whole once the source is back
    assert (first.finished, first.status) == (False, "source_down")
    assert lake.clock.seconds < 300
    assert lake.run_until_finished().status == "complete"
    assert len(lake.source.requests) < 100
    assert lake.outcome("love").distinct == 50


def test_source_that_stays_down_ends_the_run_after_its_deadline() -> None:
    lake = MemoryLake({"love": 50, "history": 20}, run_deadline_minutes=60)
    lake.source.script = lambda subject, offset, limit: (
        SourceUnreachableError("down") if len(lake.source.requests) > 3 else None
    )
    assert lake.run_until_finished().status == "partial"
    assert 3600 < lake.clock.seconds < 7200
    outcome = lake.outcome("love")
    assert (outcome.status, outcome.distinct) == ("partial", 21)
    assert "run_expired: crawl stopped" in str(outcome.reason)
    assert "last failure: source_unreachable" in str(outcome.reason)
    assert (lake.outcome("history").status, lake.outcome("history").distinct) == ("partial", 11)


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


def test_filtered_listing_has_keys_and_a_name_of_its_own() -> None:
    subjects: list[object] = ["love", {"subject": "love", "published_in": "1990-1999"}]
    lake = MemoryLake({"love": 3}, subjects)
    assert lake.run_heartbeat().status == "complete"
    names = ["love", "love?published_in=1990-1999"]
    assert [one.subject for one in lake.manifest().subjects] == names
    assert sorted(RawKey.parse(key).subject for key in lake.raw_keys()) == names


def test_plan_of_an_earlier_version_keeps_its_filters() -> None:
    frozen = RunPlan.model_validate(
        {
            "run_id": RUN_ID,
            "started_at": START,
            "page_size": 10,
            "max_works": 100,
            "subjects": [
                {"subject": "love", "published_in": None, "has_fulltext": False, "max_works": 5},
                {"subject": "love", "published_in": "1990", "has_fulltext": True},
            ],
        }
    )
    assert [spec.key for spec in frozen.subjects] == [
        "love",
        "love?has_fulltext=true&published_in=1990",
    ]
    assert frozen.subjects[0].max_works == 5


def test_unreadable_stored_page_is_reported_not_overwritten() -> None:
    lake = MemoryLake({"love": 25})
    lake.store.create(RawKey.of(RUN_ID, "love", 10).key, NewObject(b"not a page"))
    assert lake.run_until_finished().status == "partial"
    assert "stored_page_unreadable" in str(lake.outcome("love").reason)


def test_checkpoint_stays_small_and_seldom_for_thousands_of_subjects() -> None:
    # GIVEN 3,000 subjects, which take 17 minutes at 3 requests/s and so two invocations
    lake = MemoryLake({f"subject_{number}": 3 for number in range(3_000)})
    sizes: list[int] = []
    replace = lake.store.replace

    def measured(key: str, body: bytes, etag: str | None) -> str:
        if key == CHECKPOINT_KEY:
            sizes.append(len(body))
        return replace(key, body, etag)

    lake.store.replace = measured  # type: ignore[method-assign]  # a spy
    result = lake.run_until_finished(every_seconds=10)
    assert result.status == "complete"
    assert max(sizes) < 10_000
    assert len(sizes) < lake.clock.seconds / 15
    assert len(lake.source.requests) == 3_000


def test_hostile_subjects_stay_in_their_prefix() -> None:
    names = [
        "../../state/ingest",
        "a=b/offset=0",
        "100% <script>",
        "愛 と 平和",
        "person:..",
        "%2f",
    ]
    specs = MemoryLake({"x": 1}, list(names)).specs()
    lake = MemoryLake({spec.subject: 3 for spec in specs}, list(names))
    assert lake.run_heartbeat().status == "complete"
    assert len(lake.raw_keys()) == len(names)
    for key in lake.raw_keys():
        assert RawKey.parse(key).key == key


def test_manifest_says_the_same_for_the_same_crawl() -> None:
    one, other = MemoryLake({"love": 25, "a": 0}), MemoryLake({"love": 25, "a": 0})
    one.run_heartbeat()
    other.run_heartbeat()
    assert one.store.objects == {**other.store.objects, **_of_run(one)}
    assert json.loads(one.manifest().model_dump_json())["totals"]["distinct"] == 25


def _of_run(lake: MemoryLake) -> dict[str, object]:
    return {key: value for key, value in lake.store.objects.items() if key.startswith("state/")}


@pytest.mark.parametrize("failing", [["odd"], ["odd_1", "odd_2", "odd_3", "odd_4"]])
def test_probe_goes_to_another_subject_than_the_one_that_failed_before(failing: list[str]) -> None:
    # GIVEN an outage of seconds, after which those subjects alone fail that come first
    lake = MemoryLake(dict.fromkeys([*failing, *"abcdefg"], 100))
    lake.source.script = lambda subject, offset, limit: (
        SourceUnavailableError("503", code="http_503")
        if subject in failing or lake.clock.seconds < 8
        else None
    )
    # WHEN the run is crawled THEN the others are whole, and it takes no day to see which are not
    assert lake.run_until_finished().status == "partial"
    assert {lake.outcome(subject).status for subject in "abcdefg"} == {"complete"}
    for subject in failing:
        assert str(lake.outcome(subject).reason).startswith("http_503: crawl stopped")
    assert lake.clock.seconds < 3600


def test_probes_of_an_invocation_go_to_others_than_those_of_the_last_one() -> None:
    # GIVEN more failing subjects before the good ones than an invocation has probes
    failing = [f"odd_{number:02}" for number in range(20)]
    lake = MemoryLake(dict.fromkeys([*failing, "love"], 30))
    lake.source.script = lambda subject, offset, limit: (
        SourceUnavailableError("503", code="http_503") if subject in failing else None
    )
    lake.run_until_finished()
    assert lake.outcome("love").status == "complete"
    assert lake.clock.seconds < 3 * 3600


@pytest.mark.parametrize("retry_after", [None, 30.0, 120.0])
@pytest.mark.parametrize("order", [["odd", *"abcdefg"], [*"abcdefg", "odd"], ["odd", "odd_2", "a"]])
def test_subject_that_is_answered_429_while_others_are_served_is_given_up(
    order: list[str], retry_after: float | None
) -> None:
    # GIVEN a rule of the source that has it refuse some paths, whenever they are asked for
    lake = MemoryLake(dict.fromkeys(order, 100))
    lake.source.script = lambda subject, offset, limit: (
        RateLimitedError("429", retry_after=retry_after) if subject.startswith("odd") else None
    )
    # WHEN the run is crawled THEN it ends in good time, and the other subjects are whole
    assert lake.run_until_finished(most=200).status == "partial"
    for subject in order:
        outcome = lake.outcome(subject)
        if subject.startswith("odd"):
            assert (outcome.status, outcome.distinct) == ("failed", 0)
            assert str(outcome.reason).startswith("rate_limited: crawl stopped after ")
        else:
            assert outcome.status == "complete"
    assert lake.clock.seconds < 6 * 3600


@pytest.mark.parametrize("seconds", [1.0, 3.0, 10.0, 20.0])
def test_source_that_serves_one_request_in_some_seconds_is_crawled_whole(seconds: float) -> None:
    # GIVEN a limit below the configured rate, over all subjects alike
    lake = MemoryLake({"love": 100, "history": 30})
    served_at = [float("-inf")]

    def script(subject: str, offset: int, limit: int) -> IngestError | None:
        if lake.clock.seconds - served_at[0] < seconds:
            return RateLimitedError("429")
        served_at[0] = lake.clock.seconds
        return None

    lake.source.script = script
    # WHEN it is crawled THEN no subject is blamed for it
    assert lake.run_until_finished().status == "complete"
    assert {lake.outcome(subject).distinct for subject in lake.works} == {100, 30}


FAILURES = {
    "503": SourceUnavailableError("503", code="http_503"),
    "null": BodyRefusedError("null", code="work_count_null"),
    "404": BadRequestError("404", code="http_404"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("subjects", [["odd"], ["odd", "odd_2"]])
def test_run_of_few_failing_subjects_ends_by_what_an_earlier_run_was_served(
    subjects: list[object], failure: IngestError
) -> None:
    # GIVEN a run of a subject that the source serves, and one of subjects that it does not
    lake = MemoryLake({"love": 30, "odd": 30, "odd_2": 30}, ["love"])
    lake.run_until_finished()
    lake.subjects = subjects
    lake.source.script = lambda subject, offset, limit: (
        failure if subject.startswith("odd") else None
    )
    lake.clock.seconds = began = 86_400.0
    # WHEN it is crawled THEN it ends soon, with the subjects' own failure
    assert lake.run_until_finished().status == "failed"
    reasons = {str(one.reason) for one in lake.manifest("20261124T000000Z").subjects}
    assert {reason.partition(":")[0] for reason in reasons} == {failure.code}
    assert lake.clock.seconds - began < 3600


@pytest.mark.parametrize("subjects", [["odd"], ["odd", "odd_2"]])
def test_first_run_of_few_failing_subjects_ends_in_hours(subjects: list[object]) -> None:
    lake = MemoryLake({}, subjects)
    lake.source.script = lambda subject, offset, limit: FAILURES["503"]
    assert lake.run_until_finished(most=100).status == "failed"
    reasons = {str(one.reason).partition(":")[0] for one in lake.manifest().subjects}
    assert reasons == {"http_503"}
    assert 2 * 3600 < lake.clock.seconds < 4 * 3600


def test_answer_at_which_the_reader_fails_costs_its_subject_only() -> None:
    # GIVEN an answer to one subject that the code for it was not written for
    lake = MemoryLake({"odd": 30, "love": 30, "history": 30})

    def script(subject: str, offset: int, limit: int) -> None:
        if subject == "odd":
            raise OverflowError("a year of 20 digits")

    lake.source.script = script
    # WHEN heartbeats go on THEN none fails, and the manifest says which subject it is
    assert lake.run_until_finished().status == "partial"
    assert str(lake.outcome("odd").reason).startswith("answer_unexpected: crawl stopped")
    assert lake.outcome("odd").refused == 0
    assert {lake.outcome(subject).status for subject in ("love", "history")} == {"complete"}


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
