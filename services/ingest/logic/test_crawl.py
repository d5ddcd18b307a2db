"""Whole crawls in memory: what is asked for, what is stored, what the manifest says."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import Mock

import pytest

from ingest.errors import StateUnreadableError
from ingest.logic.page_fetcher import PageFetcher
from ingest.logic.plan import RunPlan
from ingest.openlibrary.api import OpenLibrary
from ingest.ports import NewObject, StoredObject
from ingest.testing.fakes import START, json_response, page
from ingest.testing.lake import RUN_ID, MemoryLake
from schemas.keys import CHECKPOINT_KEY, RawKey
from schemas.ledger.provenance import RawProvenance


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


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda page: replace(page, body=b"not a page"), "do not begin as gzip does"),
        (
            lambda page: replace(page, body=gzip.compress(gzip.decompress(page.body) + b" ")),
            "its bytes are not those of its sha256",
        ),
        (lambda _: None, "it was listed and is gone"),
    ],
)
def test_changed_stored_page_says_what_to_do(
    change: Callable[[StoredObject], StoredObject | None], problem: str
) -> None:
    lake = MemoryLake({"love": 5})
    lake.run_until_finished()
    (key,) = lake.raw_keys()
    changed = change(lake.store.objects.pop(key))
    if changed is not None:
        lake.store.objects[key] = changed
    fetcher = PageFetcher(RUN_ID, lake.source, OpenLibrary(), lake.store, Mock())
    with pytest.raises(StateUnreadableError) as caught:
        fetcher.adopt(key)
    assert str(caught.value).startswith(f"{key}: ")
    assert problem in str(caught.value)
    assert str(caught.value).endswith("restore its version, see docs/runbook.md#run-partial")


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
