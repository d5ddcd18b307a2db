from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from process.errors import InvalidManifestError, StorageError
from process.logic.batch import Batch
from process.logic.completion import complete_run
from process.logic.stage import process_page
from process.testing.fakes import IMPATIENT, LIMITS, Lake, MemoryQueue
from process.testing.pages import BUCKET, RUN, make_batch, make_event, make_page, make_work, packed
from schemas.keys import RawKey, manifest_key, processed_ledger_key
from schemas.ledger.run import PageEntry, ProcessedLedger, RunManifest, SubjectOutcome

PAGES = [RawKey.of(RUN, "love", 0), RawKey.of(RUN, "love", 2), RawKey.of(RUN, "place:france", 0)]
LEDGER = processed_ledger_key(RUN)


@pytest.fixture
def run(lake: Lake) -> Lake:
    for page in PAGES:
        body = packed(make_page(make_work(), None, key=f"/subjects/{page.subject}"))
        lake.store.objects[page.key] = (body, {})
    return lake


def put_manifest(lake: Lake, works: int = 2) -> str:
    def entry(page: RawKey) -> PageEntry:
        body = lake.store.objects[page.key][0]
        digest = sha256(body).hexdigest()
        return PageEntry(
            key=page.key, offset=page.offset, works=works, bytes=len(body), sha256=digest
        )

    outcomes = [
        SubjectOutcome(
            subject="love", kind="subject", status="complete", pages=list(map(entry, PAGES[:2]))
        ),
        SubjectOutcome(
            subject="place:france", kind="place", status="complete", pages=[entry(PAGES[2])]
        ),
        SubjectOutcome(subject="nothing", kind="subject", status="empty"),
    ]
    time = datetime(2026, 11, 23, 6, tzinfo=UTC)
    manifest = RunManifest(
        run_id=RUN,
        contract_version="1",
        started_at=time,
        finished_at=time,
        status="complete",
        subjects=outcomes,
    )
    lake.store.objects[manifest_key(RUN)] = (manifest.model_dump_json().encode(), {})
    return manifest_key(RUN)


def deliver(lake: Lake, *keys: str) -> list[str]:
    batch = Batch(lake.outputs, LIMITS, BUCKET, MemoryQueue(), IMPATIENT)
    return batch.process(make_batch(*map(make_event, keys)))


def ledger(lake: Lake) -> ProcessedLedger:
    return ProcessedLedger.model_validate_json(lake.store.objects[LEDGER][0])


def test_the_last_page_ends_the_run(run: Lake) -> None:
    put_manifest(run)
    deliver(run, PAGES[0].key, PAGES[1].key)
    assert LEDGER not in run.store.objects

    deliver(run, PAGES[2].key)

    found = ledger(run)
    assert (found.pages, found.records, found.rows, found.quarantined) == (3, 6, 3, 3)
    assert found.mismatches == []
    assert list(found.subjects) == ["love", "nothing", "place:france"]


def test_a_manifest_that_comes_last_ends_the_run(run: Lake) -> None:
    deliver(run, *(page.key for page in PAGES))
    assert LEDGER not in run.store.objects

    deliver(run, put_manifest(run))

    assert ledger(run).pages == 3


def test_a_ledger_is_written_once(run: Lake) -> None:
    manifest = put_manifest(run)
    deliver(run, *(page.key for page in PAGES))

    deliver(run, manifest, PAGES[0].key, manifest)

    assert run.store.writes.count(LEDGER) == 1


def test_pages_that_finish_at_once_write_one_ledger(run: Lake) -> None:
    put_manifest(run)
    for page in PAGES:
        process_page(run.outputs, page.key, LIMITS)

    with ThreadPoolExecutor(8) as pool:
        wrote = list(pool.map(lambda _: complete_run(run.store, RUN), range(16)))

    assert wrote.count(True) >= 1
    assert run.store.writes.count(LEDGER) == wrote.count(True)


def test_disagreements_with_the_manifest_are_listed(run: Lake) -> None:
    # GIVEN a manifest with other counts, a page that it lacks, and a page with other bytes
    put_manifest(run, works=5)
    stranger = RawKey.of(RUN, "war", 0)
    run.store.objects[stranger.key] = (packed(make_page()), {})
    run.store.objects[PAGES[1].key] = (b"broken", {})

    deliver(run, stranger.key, *(page.key for page in PAGES))

    first, second, third, fourth, fifth = ledger(run).mismatches
    assert first == f"{PAGES[0].key}: 2 records, the manifest has 5 works"
    assert "quarantined whole (page.not_gzip)" in second
    assert "the bytes are not those of the manifest" in third
    assert fourth.startswith(PAGES[2].key)
    assert fifth == f"{stranger.receipt_key}: the manifest has no such page"


def test_a_broken_manifest_fails_its_own_message_only(run: Lake) -> None:
    run.store.objects[manifest_key(RUN)] = (b"{}", {})

    assert deliver(run, PAGES[0].key, manifest_key(RUN)) == ["m1"]


def test_a_broken_manifest_says_so(run: Lake) -> None:
    run.store.objects[manifest_key(RUN)] = (b"{}", {})

    with pytest.raises(InvalidManifestError):
        complete_run(run.store, RUN)


def test_a_broken_receipt_is_tried_again(run: Lake) -> None:
    put_manifest(run)
    for page in PAGES:
        run.store.objects[page.receipt_key] = (b"", {})

    with pytest.raises(StorageError):
        complete_run(run.store, RUN)


def test_a_run_without_pages_ends_with_its_manifest(lake: Lake) -> None:
    time = datetime(2026, 11, 23, 6, tzinfo=UTC)
    manifest = RunManifest(
        run_id=RUN,
        contract_version="1",
        started_at=time,
        finished_at=time,
        status="failed",
        subjects=[],
    )
    lake.store.objects[manifest_key(RUN)] = (manifest.model_dump_json().encode(), {})

    deliver(lake, manifest_key(RUN))

    assert (ledger(lake).pages, ledger(lake).manifest_status) == (0, "failed")


def test_a_page_that_the_manifest_lists_twice_counts_once(run: Lake) -> None:
    key = put_manifest(run)
    manifest = RunManifest.model_validate_json(run.store.objects[key][0])
    twice = [
        outcome.model_copy(update={"pages": outcome.pages * 2}) for outcome in manifest.subjects
    ]
    changed = manifest.model_copy(update={"subjects": twice}).model_dump_json()
    run.store.objects[key] = (changed.encode(), {})

    deliver(run, *(page.key for page in PAGES))

    found = ledger(run)
    assert (found.pages, found.records, found.rows) == (3, 6, 3)
    assert found.mismatches == [f"{page.key}: the manifest lists it twice" for page in PAGES]
