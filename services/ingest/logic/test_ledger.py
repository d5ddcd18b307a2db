"""The run's ledger: what is found in the store, and the manifest that is strung together."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest

from ingest.errors import UserAgentRefusedError
from ingest.logic.ledger import (
    find_baseline,
    find_served,
    find_stored,
    keep_outcome,
    write_manifest,
)
from ingest.logic.pages import SubjectState
from ingest.logic.plan import RunPlan, freeze
from ingest.logic.reconcile import Baseline
from ingest.ports import NewObject, StoredObject, SubjectSpec
from ingest.testing.fakes import START, FakeClock, InlineExecutor, MemoryStore
from ingest.testing.lake import RUN_ID, MemoryLake
from schemas.keys import (
    RawKey,
    baseline_key,
    manifest_key,
    outcome_key,
    outcomes_prefix,
    plan_key,
    raw_run_prefix,
)
from schemas.ledger.run import PageEntry, RunManifest, SubjectOutcome
from schemas.version import CONTRACT_VERSION


def outcome(subject: str, pages: int = 1, **changes: object) -> SubjectOutcome:
    listed = [
        PageEntry(
            key=RawKey.of(RUN_ID, subject, 500 * number).key,
            offset=500 * number,
            works=500,
            bytes=1000,
            sha256="0" * 64,
        )
        for number in range(pages)
    ]
    values: dict[str, object] = {
        "subject": subject,
        "kind": "subject",
        "status": "complete",
        "expected_last": 500 * pages,
        "fetched": 500 * pages,
        "pages": listed,
    }
    return SubjectOutcome.model_validate(values | changes)


def plan(*subjects: str) -> RunPlan:
    specs = [SubjectSpec(subject=subject) for subject in subjects]
    return RunPlan(run_id=RUN_ID, started_at=START, page_size=500, max_works=10**6, subjects=specs)


def keep(store: MemoryStore, kept: SubjectOutcome, run_id: str = RUN_ID) -> None:
    body = kept.model_dump_json().encode()
    store.create(outcome_key(run_id, kept.subject), NewObject(body))


def write(store: MemoryStore, *subjects: str) -> str:
    clock = FakeClock(5)
    return write_manifest(
        store,
        plan(*subjects),
        InlineExecutor(),
        clock.timing,
        reason="run_expired",
        keep_alive=lambda: None,
    )


def test_manifest_is_byte_for_byte_what_its_contract_writes() -> None:
    store = MemoryStore()
    kept = [outcome("love", 3, retries=2), outcome("愛", status="partial", reason='a "reason"')]
    for one in kept:
        keep(store, one)
    assert write(store, "love", "愛", "history") == "partial"
    never = SubjectOutcome(
        subject="history",
        kind="subject",
        status="failed",
        reason="run_expired: not begun before the run ended",
    )
    expected = RunManifest(
        run_id=RUN_ID,
        contract_version=CONTRACT_VERSION,
        started_at=START,
        finished_at=START + timedelta(seconds=5),
        status="partial",
        subjects=[*kept, never],
    )
    assert store.objects[manifest_key(RUN_ID)].body.decode() == expected.model_dump_json()


def test_manifest_that_is_there_stays_and_its_status_holds() -> None:
    store = MemoryStore()
    keep(store, outcome("love", status="partial"))
    write(store, "love")
    first = store.objects[manifest_key(RUN_ID)]
    store.objects[outcome_key(RUN_ID, "love")] = store.objects.pop(outcome_key(RUN_ID, "love"))
    assert write(store, "love", "history") == "partial"
    assert store.objects[manifest_key(RUN_ID)] == first


def test_manifest_of_many_pages_takes_little_more_than_its_own_size() -> None:
    store = MemoryStore()
    subjects = [f"subject_{number}" for number in range(100)]
    for subject in subjects:
        keep(store, outcome(subject, 200))
    tracemalloc.start()
    try:
        write(store, *subjects)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # 20,000 pages as objects would be five times the text.
    assert peak < 4 * len(store.objects[manifest_key(RUN_ID)].body)


@pytest.mark.parametrize("name", ["", "folder/", "%zz.json", "note.txt", "UPPER.json"])
def test_objects_that_somebody_else_put_there_are_passed_over(name: str) -> None:
    store = MemoryStore()
    store.create(f"{outcomes_prefix(RUN_ID)}{name}", NewObject(b""))
    store.create(RawKey.of(RUN_ID, "love", 0).key.replace("offset=", "x="), NewObject(b""))
    keep(store, outcome("history"))
    found = find_stored(store, RUN_ID, {"love": SubjectState(retries=3)}, lambda: None)
    assert (found.ended, found.pages) == ({"history"}, {})
    assert found.states["love"].retries == 3


def test_subject_that_ended_without_a_page_was_not_served() -> None:
    store = MemoryStore()
    for ended in ("failed", "whole"):
        keep(store, outcome(ended))
    for subject in ("whole", "begun"):
        store.create(RawKey.of(RUN_ID, subject, 0).key, NewObject(b""))
    found = find_stored(store, RUN_ID, {}, lambda: None)
    assert (found.ended, found.served) == ({"failed", "whole"}, {"whole", "begun"})
    assert list(found.pages) == ["begun"]


def test_what_an_earlier_run_was_served_is_found_by_its_plan() -> None:
    store = MemoryStore()
    freeze(plan("failed", "love", "history"), store)
    keep(store, outcome("failed", 0))
    keep(store, outcome("love"))
    keep(store, outcome("history"))
    runs = [RUN_ID, "20261124T000000Z", "20261125T000000Z"]
    store.create(plan_key(runs[2]), NewObject(b"{"))
    assert [one.key for one in find_served(store, runs, {"history"})] == ["love"]
    assert find_served(store, runs, {"love", "history"}) == []
    assert find_served(store, [], set()) == []


def test_folder_marker_does_not_stop_a_run() -> None:
    lake = MemoryLake({"love": 400}, seconds_per_invocation=8)
    lake.run_heartbeat()
    for marker in (outcomes_prefix(RUN_ID), f"{raw_run_prefix(RUN_ID)}subject=love_$folder$"):
        lake.store.create(marker, NewObject(b""))
    assert lake.run_until_finished().status == "complete"


def test_lease_is_kept_while_a_long_list_is_read() -> None:
    store, calls = MemoryStore(), []
    for number in range(50):
        store.create(RawKey.of(RUN_ID, "love", number).key, NewObject(b""))
    find_stored(store, RUN_ID, {}, lambda: calls.append(1))
    assert len(calls) == 50


def test_baseline_comes_from_the_last_run_that_had_the_subject() -> None:
    store = MemoryStore()
    runs = [f"2026112{day}T000000Z" for day in range(4)]
    keep(store, outcome("love", baseline=70, shrunk_runs=1), runs[1])
    keep(store, outcome("love", baseline=90), runs[0])
    keep(store, outcome("old", expected_last=30), runs[3])
    assert find_baseline(store, runs, "love") == Baseline(70, 1)
    assert find_baseline(store, runs, "old") == Baseline(30, 0)
    assert find_baseline(store, runs, "history") == Baseline()
    assert find_baseline(store, [], "love") == Baseline()


def test_baseline_outlasts_runs_that_do_not_have_the_subject() -> None:
    store = MemoryStore()
    runs = [f"202611{day}T000000Z" for day in range(10, 20)]
    keep_outcome(store, runs[0], outcome("love", baseline=70, shrunk_runs=1))
    keep_outcome(store, runs[1], outcome("love", status="failed", expected_last=None))
    keep_outcome(store, runs[2], outcome("nothing", baseline=0))
    assert find_baseline(store, runs, "love") == Baseline(70, 1)
    assert find_baseline(store, runs, "nothing") == Baseline()
    # AND follows what later runs believe
    keep_outcome(store, runs[3], outcome("love", baseline=90))
    assert find_baseline(store, runs, "love") == Baseline(90)
    store.objects[baseline_key("love")] = StoredObject(b"{", {}, "")
    assert find_baseline(store, runs, "love") == Baseline()


@pytest.mark.parametrize("between", ["other subjects", "403 from the start"])
def test_count_of_zero_is_not_believed_however_long_ago_there_were_works(between: str) -> None:
    # GIVEN a subject with works, and days on which it is not asked for, or not come to
    subjects = [f"subject_{number}" for number in range(30)]
    lake = MemoryLake(dict.fromkeys([*subjects, "dogs"], 30), list(subjects))
    lake.run_until_finished()
    for day in range(1, 7):
        lake.clock.seconds = 86_400.0 * day
        if between == "other subjects":
            lake.subjects = ["dogs"]
        else:
            lake.source.script = lambda subject, offset, limit: UserAgentRefusedError("403")
        lake.run_until_finished()
    # WHEN the source says 0 of it THEN the run is not complete
    lake.subjects, lake.source.works = list(subjects), {}
    lake.source.script = lambda subject, offset, limit: None
    lake.clock.seconds = 86_400.0 * 7
    assert lake.run_until_finished().status == "partial"
    reason = str(lake.outcome("subject_29", "20261130T000000Z").reason)
    assert reason.startswith("source_shrunk: work_count is 0, and was 30")
