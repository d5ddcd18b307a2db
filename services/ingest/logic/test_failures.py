"""Whole crawls in memory of a source that fails: who pays for it, and when it is left alone."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable

import pytest

from ingest.errors import (
    BadRequestError,
    BodyRefusedError,
    IngestError,
    RateLimitedError,
    SourceUnavailableError,
    SourceUnreachableError,
)
from ingest.ports import SourceResponse
from ingest.testing.fakes import START, json_response, page
from ingest.testing.lake import MemoryLake
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
    assert (record.reason_code, record.payload_encoding) == ("html_body", "text")
    assert record.payload.startswith("<html>")
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
