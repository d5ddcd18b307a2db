"""Whole crawls in memory: what is asked for, what a failure leads to, what the manifest says."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable

import pytest

from ingest.errors import (
    IngestError,
    RateLimitedError,
    SourceUnavailableError,
    SourceUnreachableError,
)
from ingest.ports import NewObject, SourceResponse
from ingest.testing.fakes import START, json_response, page
from ingest.testing.lake import RUN_ID, MemoryLake
from schemas.keys import RawKey
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


def test_pages_cover_the_subject_in_total_order() -> None:
    lake = MemoryLake({"love": 25})
    lake.run_heartbeat()
    assert lake.source.paths == [
        "/subjects/love.json?limit=10&offset=0&sort=editions,key&details=true",
        "/subjects/love.json?limit=10&offset=10&sort=editions,key",
        "/subjects/love.json?limit=5&offset=20&sort=editions,key",
    ]


def test_filters_and_kinds_reach_the_source() -> None:
    subjects: list[object] = [
        {"subject": "person:Jane Austen", "published_in": "1990-1999", "has_fulltext": True},
        "愛/?&",
    ]
    lake = MemoryLake({"person:jane_austen": 3, "愛": 1}, subjects)
    lake.run_heartbeat()
    assert lake.source.paths == [
        "/subjects/person:jane_austen.json?limit=10&offset=0&sort=editions,key&details=true"
        "&published_in=1990-1999&has_fulltext=true",
        "/subjects/%E6%84%9B.json?limit=10&offset=0&sort=editions,key&details=true",
    ]


def test_stored_page_is_the_wire_bytes_with_their_provenance() -> None:
    lake = MemoryLake({"love": 7})
    lake.run_heartbeat()
    stored = lake.store.objects[RawKey.of(RUN_ID, "love", 0).key]
    assert stored.body == json_response(page("love", 0, 10, 7)).body
    provenance = RawProvenance.from_metadata(stored.metadata)
    assert (provenance.work_count, provenance.limit, provenance.http_status) == (7, 10, 200)
    assert provenance.content_encoding_source == "server"


def test_cap_is_kept_and_named() -> None:
    lake = MemoryLake({"love": 100}, [{"subject": "love", "max_works": 25}])
    lake.run_heartbeat()
    outcome = lake.outcome("love")
    assert (outcome.status, outcome.fetched, outcome.expected_last) == ("complete", 25, 100)
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
    limits = {limit for _, _, limit in lake.source.requests}
    assert limits == {10}


def test_403_ends_the_run_at_once() -> None:
    lake = MemoryLake({"love": 100, "history": 50})
    lake.source.script = lambda subject, offset, limit: plain(403)
    result = lake.run_heartbeat()
    assert (result.finished, result.status) == (True, "failed")
    assert [one.reason for one in lake.manifest().subjects] == [
        "user_agent_refused: crawl stopped",
        "user_agent_refused: crawl stopped",
    ]
    assert len(lake.source.requests) == 2
    assert lake.run_heartbeat().action == "idle"


def test_403_in_the_middle_leaves_a_partial_run() -> None:
    lake = MemoryLake({"love": 100})
    lake.source.script = lambda subject, offset, limit: plain(403) if offset == 30 else None
    assert lake.run_heartbeat().status == "partial"
    outcome = lake.outcome("love")
    assert (outcome.status, outcome.reason) == ("partial", "user_agent_refused: crawl stopped")


@pytest.mark.parametrize("status", [400, 404, 422])
def test_bad_request_ends_its_subject_only(status: int) -> None:
    lake = MemoryLake({"love": 25, "history": 12})
    lake.source.script = lambda subject, offset, limit: plain(status) if subject == "love" else None
    assert lake.run_heartbeat().status == "partial"
    assert lake.outcome("love").status == "failed"
    assert lake.outcome("love").reason == f"http_{status}: crawl stopped"
    assert lake.outcome("history").status == "complete"
    assert [one for one, _, _ in lake.source.requests].count("love") == 1


def test_page_that_keeps_failing_is_halved_down_to_what_fails() -> None:
    lake = MemoryLake({"love": 400, "history": 3000}, page_size=100, max_works=5000)

    def script(subject: str, offset: int, limit: int) -> IngestError | None:
        poison = subject == "love" and offset <= 150 < offset + limit
        return SourceUnavailableError("poison", code="http_503") if poison else None

    lake.source.script = script
    assert lake.run_until_finished().status == "partial"
    outcome = lake.outcome("love")
    assert outcome.distinct == 400 - 13
    assert outcome.reason == "pages_failed: 150+13 (http_503)"
    assert lake.outcome("history").status == "complete"


def test_page_size_recovers() -> None:
    lake = MemoryLake({"love": 2000}, page_size=100, max_works=5000)

    def script(subject: str, offset: int, limit: int) -> IngestError | None:
        return SourceUnavailableError("large") if offset < 300 and limit > 50 else None

    lake.source.script = script
    assert lake.run_until_finished().status == "complete"
    assert lake.source.requests[-1][2] == 100


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
        SourceUnreachableError("down") if subject == "history" or offset > 20 else None
    )
    assert lake.run_until_finished().status == "partial"
    assert 3600 < lake.clock.seconds < 7200
    assert lake.outcome("love").reason == "run_expired: crawl stopped"
    assert lake.outcome("love").fetched == 30
    assert lake.outcome("history").status == "failed"


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


def test_shrinking_source_ends_early_and_is_reported() -> None:
    lake = MemoryLake({"love": 45})
    lake.source.works = works = {"love": 45}

    def script(subject: str, offset: int, limit: int) -> None:
        works["love"] = 45 if offset == 0 else 20

    lake.source.script = script
    lake.run_heartbeat()
    outcome = lake.outcome("love")
    assert (outcome.status, outcome.fetched, outcome.expected_last) == ("complete", 20, 20)
    assert "source_changed" in str(outcome.reason)


def test_undercount_in_a_normal_answer_makes_the_run_partial() -> None:
    lake = MemoryLake({"love": 30})

    def script(subject: str, offset: int, limit: int) -> SourceResponse | None:
        return json_response(page("love", 10, 6, 30)) if offset == 10 else None

    lake.source.script = script
    assert lake.run_heartbeat().status == "partial"
    outcome = lake.outcome("love")
    assert outcome.reason == "undercount: 26 distinct works of 30 announced"


def test_overlapping_pages_are_counted_as_duplicates() -> None:
    lake = MemoryLake({"love": 30})

    def script(subject: str, offset: int, limit: int) -> SourceResponse | None:
        return json_response(page("love", 7, 10, 30)) if offset == 10 else None

    lake.source.script = script
    assert lake.run_heartbeat().status == "partial"
    outcome = lake.outcome("love")
    assert (outcome.fetched, outcome.distinct, outcome.duplicates) == (30, 27, 3)


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
