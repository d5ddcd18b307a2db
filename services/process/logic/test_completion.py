from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256

import pytest

from process.errors import InvalidManifestError, UnreadableLedgerError
from process.logic import completion
from process.logic.batch import Batch
from process.logic.completion import Arrivals, complete_run
from process.logic.stage import process_page
from process.testing.fakes import (
    IMPATIENT,
    LIMITS,
    Lake,
    MemoryQueue,
    MemoryStore,
    MemoryTableStore,
)
from process.testing.pages import BUCKET, RUN, make_batch, make_event, make_page, make_work, packed
from schemas.fingerprints import fingerprint
from schemas.keys import (
    RawKey,
    below,
    manifest_key,
    part_pages_key,
    part_sum_key,
    parts_prefix,
    processed_ledger_key,
    receipts_prefix,
)
from schemas.ledger.parts import PartSum, split
from schemas.ledger.run import PageEntry, ProcessedLedger, RunManifest, SubjectOutcome

PAGES = [RawKey.of(RUN, "love", 0), RawKey.of(RUN, "love", 2), RawKey.of(RUN, "place:france", 0)]
LEDGER = processed_ledger_key(RUN)


@pytest.fixture
def run(lake: Lake) -> Lake:
    put_pages(lake)
    return lake


def put_pages(lake: Lake) -> None:
    for page in PAGES:
        body = packed(make_page(make_work(), None, key=f"/subjects/{page.subject}"))
        lake.store.objects[page.key] = (body, {})


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
    return store_manifest(lake, outcomes)


def store_manifest(lake: Lake, outcomes: list[SubjectOutcome]) -> str:
    """Store a manifest of these outcomes, and return its key."""
    time = datetime(2026, 11, 23, 6, tzinfo=UTC)
    manifest = RunManifest(
        run_id=RUN,
        contract_version="1",
        started_at=time,
        finished_at=time,
        status="complete" if outcomes else "failed",
        subjects=outcomes,
    )
    lake.store.objects[manifest_key(RUN)] = (manifest.model_dump_json().encode(), {})
    return manifest_key(RUN)


def deliver(lake: Lake, *keys: str) -> list[str]:
    """Deliver events of objects, and those of the objects that wake process again."""
    before = set(lake.store.objects)
    batch = Batch(lake.outputs, LIMITS, BUCKET, MemoryQueue(), IMPATIENT)
    failed = batch.process(make_batch(*map(make_event, keys)))
    announced = [key for key in lake.store.objects.keys() - before if key.endswith("/pages.json")]
    return failed + (deliver(lake, *sorted(announced)) if announced else [])


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


def test_a_ledger_is_written_once_for_a_state(run: Lake) -> None:
    manifest = put_manifest(run)
    deliver(run, *(page.key for page in PAGES))

    deliver(run, manifest, PAGES[0].key, manifest)

    assert run.store.writes.count(LEDGER) == 1


def test_pages_that_finish_at_once_write_one_ledger(run: Lake) -> None:
    put_manifest(run)
    for page in PAGES:
        process_page(run.outputs, page.key, LIMITS)
    arrived = Arrivals(receipts={page.receipt_name for page in PAGES})

    with ThreadPoolExecutor(8) as pool:
        wrote = list(pool.map(lambda _: complete_run(run.store, RUN, arrived).revision, range(16)))

    assert sorted(wrote, key=str) == [1] + [None] * 15
    assert run.store.writes.count(LEDGER) == 1


def better_body(page: RawKey) -> bytes:
    return packed(make_page(make_work(), make_work(), key=f"/subjects/{page.subject}"))


def replay_with_better_rules(lake: Lake, *pages: RawKey) -> None:
    """Process pages whose second record is a work now."""
    for page in pages:
        lake.store.objects[page.key] = (better_body(page), {})
    deliver(lake, *(page.key for page in pages))


def test_a_replay_that_changes_receipts_supersedes_the_ledger(run: Lake) -> None:
    # GIVEN a run that has ended
    put_manifest(run)
    deliver(run, *(page.key for page in PAGES))
    first = ledger(run)

    # WHEN a page gives another row
    replay_with_better_rules(run, PAGES[0])

    # THEN the ledger has it, and says of which receipts
    found = ledger(run)
    assert (found.records, found.rows, found.quarantined) == (6, 4, 2)
    assert found.subjects["love"].rows == 3
    assert (first.revision, found.revision) == (1, 2)
    assert first.state != found.state == receipts_now(run)


def receipts_now(lake: Lake) -> str:
    prefix = receipts_prefix(RUN)
    listed = lake.store.list_etags(prefix).items()
    return fingerprint((below(prefix, key), etag) for key, etag in listed)


def test_a_replay_that_changes_nothing_writes_nothing(run: Lake) -> None:
    put_manifest(run)
    deliver(run, *(page.key for page in PAGES))
    before = run.store.snapshot()

    deliver(run, *(page.key for page in PAGES))

    assert run.store.snapshot() == before


def test_a_replay_at_once_ends_with_the_newest_receipts(run: Lake) -> None:
    put_manifest(run)
    deliver(run, *(page.key for page in PAGES))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda page: replay_with_better_rules(run, page), PAGES))

    found = ledger(run)
    assert (found.rows, found.quarantined) == (6, 0)
    assert found.state == receipts_now(run)
    assert found.revision == run.store.writes.count(LEDGER)


@dataclass
class OvertakenStore(MemoryStore):
    """Another invocation replays a page while the first listing is under way."""

    overtake: Callable[[], None] | None = None

    def list_etags(self, prefix: str, after: str = "", last: str | None = None) -> dict[str, str]:
        listed = super().list_etags(prefix, after, last)
        overtake, self.overtake = self.overtake, None
        if overtake:
            overtake()
        return listed


def test_an_older_listing_never_replaces_a_newer_sum() -> None:
    # GIVEN a run that has ended, and a page that gives another row since
    store = OvertakenStore()
    run = Lake(store, MemoryTableStore(store))
    put_pages(run)
    put_manifest(run)
    deliver(run, *(page.key for page in PAGES))
    run.store.objects[PAGES[0].key] = (better_body(PAGES[0]), {})
    process_page(run.outputs, PAGES[0].key, LIMITS)

    # WHEN another page is replayed after the part's receipts were listed
    store.overtake = lambda: replay_with_better_rules(run, PAGES[1])
    complete_run(store, RUN, Arrivals(receipts={PAGES[0].receipt_name}))

    # THEN both are in the ledger
    assert (ledger(run).rows, ledger(run).state) == (5, receipts_now(run))


def test_a_ledger_of_an_earlier_version_is_superseded(run: Lake) -> None:
    # GIVEN a run that was ended before there were parts
    put_manifest(run)
    deliver(run, *(page.key for page in PAGES))
    old = ledger(run).model_dump(mode="json", exclude={"parts", "state", "revision"})
    for key in run.store.list_etags(parts_prefix(RUN)):
        del run.store.objects[key]
    run.store.objects[LEDGER] = (json.dumps(old).encode(), {})

    replay_with_better_rules(run, PAGES[0])

    assert (ledger(run).revision, ledger(run).rows) == (2, 4)


def test_parts_whose_announcement_was_cut_off_are_announced_again(
    run: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an index without the pages of its parts
    monkeypatch.setattr(completion, "split", partial(split, size=1))
    put_manifest(run)
    deliver(run, *(page.key for page in PAGES))
    for key in [key for key in run.store.objects if "/parts/0" in key or key == LEDGER]:
        del run.store.objects[key]

    deliver(run, PAGES[1].key)

    assert ledger(run).pages == 3


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
        complete_run(run.store, RUN, Arrivals())


def test_a_manifest_of_another_run_is_refused(run: Lake) -> None:
    key = manifest_key("20261124T060000Z")
    run.store.objects[key] = run.store.objects[put_manifest(run)]

    assert deliver(run, key) == ["m0"]
    assert not any("/parts/" in one for one in run.store.objects)


def test_a_broken_receipt_is_named(run: Lake) -> None:
    put_manifest(run)
    for page in PAGES:
        run.store.objects[page.receipt_key] = (b"", {})

    with pytest.raises(UnreadableLedgerError, match="cannot be read"):
        complete_run(run.store, RUN, Arrivals(parts={0: {"m"}}))


def test_a_sum_that_cannot_be_read_is_made_anew(run: Lake) -> None:
    put_manifest(run)
    deliver(run, *(page.key for page in PAGES))
    before = ledger(run)
    run.store.objects[part_sum_key(RUN, 0)] = (b"{", {})

    assert deliver(run, PAGES[0].key) == []
    assert ledger(run).state == before.state
    assert PartSum.model_validate_json(run.store.objects[part_sum_key(RUN, 0)][0])


def test_a_part_that_the_run_does_not_have_fails_its_own_message_only(run: Lake) -> None:
    put_manifest(run)
    stray = part_pages_key(RUN, 9)
    run.store.objects[stray] = (b"{}", {})

    assert deliver(run, *(page.key for page in PAGES), stray) == ["m3"]
    assert ledger(run).pages == 3


def test_a_run_without_pages_ends_with_its_manifest(lake: Lake) -> None:
    deliver(lake, store_manifest(lake, []))

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
