"""Ends a run: when every page of its manifest has a receipt, the run's ledger is written, once."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pydantic import ValidationError

from process.errors import InvalidManifestError, StorageError
from process.ports import Store
from schemas.keys import RawKey, manifest_key, processed_ledger_key, receipts_prefix
from schemas.ledger.run import PageEntry, PageReceipt, ProcessedLedger, RunManifest, SubjectCounts

_READERS: Final = 8


def complete_run(store: Store, run_id: str) -> bool:
    """Write a run's ledger when all its pages are done; return whether this call wrote it.

    Each page's message calls this once the page's receipt is written, and the manifest's message
    calls it, too. S3 is read-after-write consistent, so the last call sees every receipt; of two
    last calls at once, the conditional write lets one through.

    Raises
    ------
    InvalidManifestError
        When the manifest does not fit its contract.
    StorageError
        When S3 does not answer as it should.
    """
    stored = store.get(manifest_key(run_id))
    if stored is None:
        return False
    try:
        manifest = RunManifest.model_validate_json(stored.body)
        expected = _entries_by_receipt(manifest)
    except ValueError as error:
        raise InvalidManifestError(f"the manifest of {run_id}: {error}", run_id=run_id) from error
    present = store.keys(receipts_prefix(run_id))
    key = processed_ledger_key(run_id)
    if not expected.keys() <= present or store.exists(key):
        return False
    with ThreadPoolExecutor(_READERS) as readers:
        receipts = dict(
            zip(expected, readers.map(lambda k: _receipt(store, k), expected), strict=True)
        )
    ledger = make_ledger(manifest, receipts, present - expected.keys())
    return store.put_new(key, ledger.model_dump_json().encode(), "application/json")


def make_ledger(
    manifest: RunManifest, receipts: dict[str, PageReceipt], unlisted: Iterable[str]
) -> ProcessedLedger:
    """Add up a run's receipts and compare them with its manifest; pure.

    Parameters
    ----------
    receipts
        The receipts of the manifest's pages, by key.
    unlisted
        Keys of receipts for pages that the manifest does not have.
    """
    subjects = {outcome.subject: SubjectCounts() for outcome in manifest.subjects}
    mismatches: list[str] = []
    for outcome in manifest.subjects:
        seen: set[str] = set()
        for entry in outcome.pages:
            if entry.key in seen:
                mismatches.append(f"{entry.key}: the manifest lists it twice")
                continue
            seen.add(entry.key)
            receipt = receipts[RawKey.parse(entry.key).receipt_key]
            subjects[outcome.subject] = _added(subjects[outcome.subject], receipt)
            mismatches += _mismatches(entry, receipt)
    mismatches += [f"{key}: the manifest has no such page" for key in sorted(unlisted)]
    counts = subjects.values()
    return ProcessedLedger(
        run_id=manifest.run_id,
        contract_version=manifest.contract_version,
        manifest_status=manifest.status,
        pages=sum(count.pages for count in counts),
        records=sum(count.records for count in counts),
        rows=sum(count.rows for count in counts),
        quarantined=sum(count.quarantined for count in counts),
        subjects=subjects,
        mismatches=mismatches,
    )


def _entries_by_receipt(manifest: RunManifest) -> dict[str, PageEntry]:
    entries = [entry for outcome in manifest.subjects for entry in outcome.pages]
    return {RawKey.parse(entry.key).receipt_key: entry for entry in entries}


def _receipt(store: Store, key: str) -> PageReceipt:
    stored = store.get(key)
    try:
        return PageReceipt.model_validate_json(stored.body if stored else b"")
    except ValidationError as error:
        raise StorageError(f"the receipt {key} cannot be read") from error


def _added(counts: SubjectCounts, receipt: PageReceipt) -> SubjectCounts:
    return SubjectCounts(
        pages=counts.pages + 1,
        records=counts.records + receipt.records,
        rows=counts.rows + receipt.rows,
        quarantined=counts.quarantined + receipt.quarantined,
    )


def _mismatches(entry: PageEntry, receipt: PageReceipt) -> list[str]:
    found = []
    if receipt.page_status == "quarantined":
        found.append(
            f"{entry.key}: quarantined whole ({receipt.reason_code}),"
            f" the manifest has {entry.works} works"
        )
    elif receipt.records != entry.works:
        found.append(
            f"{entry.key}: {receipt.records} records, the manifest has {entry.works} works"
        )
    # A page that was too large to be read has the digest of its provenance, or none.
    if receipt.raw_sha256 and receipt.raw_sha256 != entry.sha256:
        found.append(f"{entry.key}: the bytes are not those of the manifest")
    return found
