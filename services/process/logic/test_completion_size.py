"""What it costs to end a run of the largest size, in calls and in the seconds that they take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import batched

from process.logic.completion import Arrivals, complete_run
from process.testing.pages import RUN
from process.testing.slow_store import SlowStore
from schemas.keys import RawKey, manifest_key, parts_prefix, processed_ledger_key
from schemas.ledger.parts import MAX_RUN_PAGES, PART_PAGES
from schemas.ledger.run import ProcessedLedger

BATCH = 10
#: The function's timeout, less what a batch reserves for its other work.
INVOCATION_SECONDS = 300.0 - 60.0
SHA256 = "0" * 64


def pages_of(subjects: dict[str, int]) -> dict[str, list[RawKey]]:
    return {
        subject: [RawKey.of(RUN, subject, 500 * number) for number in range(count)]
        for subject, count in subjects.items()
    }


def manifest(listed: dict[str, list[RawKey]]) -> bytes:
    def entry(page: RawKey) -> dict[str, object]:
        return {
            "key": page.key,
            "offset": page.offset,
            "works": 500,
            "bytes": 90_000,
            "sha256": SHA256,
        }

    document = {
        "run_id": RUN,
        "contract_version": "1",
        "started_at": "2026-11-23T06:00:00Z",
        "finished_at": "2026-11-23T18:00:00Z",
        "status": "complete",
        "subjects": [
            {
                "subject": subject,
                "kind": "subject",
                "status": "complete",
                "pages": list(map(entry, pages)),
            }
            for subject, pages in listed.items()
        ],
    }
    return json.dumps(document).encode()


def receipt(page: RawKey, rows: int) -> bytes:
    document = {
        "run_id": RUN,
        "raw_key": page.key,
        "raw_sha256": SHA256,
        "records": 500,
        "rows": rows,
        "quarantined": 500 - rows,
        "page_status": "processed",
        "contract_version": "1",
    }
    return json.dumps(document).encode()


def run_of(listed: dict[str, list[RawKey]], rows: int = 499) -> SlowStore:
    store = SlowStore()
    receipts = {page.receipt_key: receipt(page, rows) for one in listed.values() for page in one}
    store.fill(receipts | {manifest_key(RUN): manifest(listed)})
    return store


def invoke(store: SlowStore, arrived: Arrivals) -> float:
    """Return the seconds that an invocation took."""
    before = store.seconds
    complete_run(store, RUN, arrived)
    return store.seconds - before


def end_run(store: SlowStore) -> Iterator[float]:
    """Deliver the manifest, then the events of the parts; return what each invocation took."""
    yield invoke(store, Arrivals(messages={"m"}, manifests={"m"}))
    announced = [key for key in store.names if key.endswith("/pages.json")]
    for numbers in batched(range(len(announced)), BATCH, strict=False):
        yield invoke(store, Arrivals(parts={number: {"m"} for number in numbers}))


def by_name(page: RawKey) -> str:
    return page.receipt_name


def ledger(store: SlowStore) -> ProcessedLedger:
    return ProcessedLedger.model_validate_json(store.objects[processed_ledger_key(RUN)].body)


def test_a_run_of_the_largest_size_is_ended_in_time() -> None:
    # GIVEN one subject with half of the pages, and thousands with a few
    half = MAX_RUN_PAGES // 2
    subjects = {"love": half} | {f"s{number}": 20 for number in range(half // 20)}
    store = run_of(pages_of(subjects))

    # WHEN its manifest and its parts arrive
    slowest = max(end_run(store))

    # THEN it is ended; no invocation came near its end, and each receipt was read once
    found = ledger(store)
    assert (found.pages, found.rows, found.quarantined) == (200_000, 99_800_000, 200_000)
    assert len(found.subjects) == 5001
    assert found.subjects["love"].rows == 499 * 100_000
    assert slowest < INVOCATION_SECONDS / 2
    parts = MAX_RUN_PAGES // PART_PAGES
    assert store.calls["GET"] < MAX_RUN_PAGES + 4 * parts
    assert store.calls["PUT"] == 2 * parts + 2
    assert store.calls["LIST"] < 2 * parts


def test_a_manifest_that_comes_again_announces_nothing_again() -> None:
    store = run_of(pages_of({"love": 5000}))
    assert max(end_run(store)) < INVOCATION_SECONDS
    store.calls.clear()

    invoke(store, Arrivals(messages={"m"}, manifests={"m"}))

    assert store.calls == {"GET": 4, "LIST": 3}


def test_a_replay_of_many_pages_costs_a_few_calls_a_page() -> None:
    # GIVEN a run of 20,000 pages that has ended
    pages = pages_of({"love": 10_000, "war": 10_000})
    store = run_of(pages)
    assert max(end_run(store)) < INVOCATION_SECONDS
    replayed = sorted((page for one in pages.values() for page in one), key=by_name)

    # WHEN all are replayed, and give the same
    store.calls.clear()
    for batch in batched(replayed, BATCH, strict=False):
        invoke(store, Arrivals(receipts={page.receipt_name for page in batch}))

    # THEN a batch checks its part and the run
    batches = len(replayed) // BATCH
    assert store.calls == {"GET": 3 * batches, "LIST": 2 * batches}


def test_a_replay_that_changes_pages_reads_what_has_changed() -> None:
    # GIVEN a run of 5,000 pages that has ended
    pages = sorted(pages_of({"love": 5000})["love"], key=by_name)
    store = run_of({"love": pages})
    assert max(end_run(store)) < INVOCATION_SECONDS
    store.calls.clear()

    # WHEN all are replayed, and each gives another row
    for batch in batched(pages, BATCH, strict=False):
        store.fill({page.receipt_key: receipt(page, 500) for page in batch})
        slowest = invoke(store, Arrivals(receipts={page.receipt_name for page in batch}))
        assert slowest < 2.0

    # THEN the ledger has them, and only their receipts were read
    found = ledger(store)
    assert (found.rows, found.quarantined) == (2_500_000, 0)
    batches = len(pages) // BATCH
    assert found.revision == 1 + batches
    assert store.calls == {"GET": 5000 + 5 * batches, "LIST": 2 * batches, "PUT": 2 * batches}


def test_pages_that_come_after_the_manifest_cost_a_few_calls_each() -> None:
    # GIVEN a manifest, and no receipt yet
    pages = pages_of({"love": 2000})
    store = SlowStore()
    store.fill({manifest_key(RUN): manifest(pages)})
    assert max(end_run(store)) < INVOCATION_SECONDS
    store.calls.clear()

    # WHEN the pages come, one by one
    for page in pages["love"]:
        store.put(page.receipt_key, receipt(page, 500), "")
        invoke(store, Arrivals(receipts={page.receipt_name}))

    # THEN the last one has ended the run
    assert ledger(store).rows == 1_000_000
    assert store.calls.total() < 10 * 2000
    assert len(store.list_etags(parts_prefix(RUN))) == 1 + 2 * 8
