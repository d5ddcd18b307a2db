"""One run: its pages, its manifest and its ledgers agree, and nothing lies beside them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from lake.operations.check.compacted import CompactedRows, read_compacted
from lake.operations.check.findings import Findings
from lake.operations.check.pages import PageCheck, check_page, replay
from lake.operations.check.storage import REMOVE, Bucket, json_lines, parsed, read_model, row_count
from lake.steps import Say
from schemas import keys
from schemas.fingerprints import fingerprint
from schemas.ledger.compacted import PAGED
from schemas.ledger.run import (
    PageEntry,
    PageReceipt,
    ProcessedLedger,
    RunManifest,
    SubjectCounts,
)
from schemas.tables import QUARANTINE

#: Pages that are compared at once: enough to hide the latency, few enough for their memory.
AT_ONCE = 8
_EXPLAIN_NO_LEDGER = {"page.not_processed", "ledger.unreadable"}
_COUNTED = ("pages", "records", "rows", "quarantined")


@dataclass
class RunCheck:
    """What is known of a run while it is checked: memory grows by its keys, not by its records."""

    run_id: str
    findings: Findings = field(default_factory=Findings)
    raw: set[str] = field(default_factory=set)
    receipts: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    subjects: dict[str, SubjectCounts] = field(default_factory=dict)


def check_run(bucket: Bucket, run_id: str, say: Say) -> Findings:
    """Check a run that was crawled.

    Parameters
    ----------
    bucket
        The data bucket.
    run_id
        The run.
    say
        Shows how far the check is.
    """
    run = RunCheck(run_id)
    compacted = read_compacted(bucket, run_id, run.findings)
    manifest = read_model(bucket, keys.manifest_key(run_id), RunManifest, run.findings)
    if manifest is None and not run.findings.by_code["ledger.unreadable"]:
        run.findings.remarks.append(f"run {run_id} has no manifest: its crawl has not ended")
    listed = _listed(manifest)
    for page, found in _checked_pages(bucket, run, compacted):
        _take(run, page, found)
        if found.receipt is not None:
            _compare_with_entries(bucket, run, found.receipt, listed.get(page.key, ()))
        say(f"{run_id}: {len(run.raw)} pages compared")
    ledger = read_model(bucket, keys.processed_ledger_key(run_id), ProcessedLedger, run.findings)
    if manifest is not None:
        _compare_with_manifest(bucket, run, manifest, listed.keys())
    if ledger is not None:
        _compare_with_ledger(bucket, run, ledger)
    elif manifest is not None and not run.findings.by_code.keys() & _EXPLAIN_NO_LEDGER:
        run.findings.differ(
            "ledger.missing",
            bucket.uri(keys.processed_ledger_key(run_id)),
            "every page of the run is processed, and the run's ledger is not written",
            f"'{bucket.cloud.command('replay raw --run RUN')}' sends the manifest again, too",
        )
    _find_strays(bucket, run, compacted)
    return run.findings


def _checked_pages(
    bucket: Bucket, run: RunCheck, compacted: CompactedRows
) -> Iterator[tuple[keys.RawKey, PageCheck]]:
    waiting: deque[tuple[keys.RawKey, Future[PageCheck]]] = deque()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for key in bucket.keys(keys.raw_run_prefix(run.run_id)):
            try:
                page = keys.RawKey.parse(key)
            except keys.InvalidKeyError:
                _report_foreign(bucket, run, key)
                continue
            waiting.append((page, pool.submit(check_page, bucket, page, compacted)))
            if len(waiting) >= 2 * AT_ONCE:
                oldest, future = waiting.popleft()
                yield oldest, future.result()
        for page, future in waiting:
            yield page, future.result()


def _report_foreign(bucket: Bucket, run: RunCheck, key: str) -> None:
    run.findings.differ(
        "raw.foreign_key",
        bucket.uri(key),
        "it lies among the run's raw pages, and its key is not that of one",
        "find out who wrote it, then remove it",
    )


def _take(run: RunCheck, page: keys.RawKey, found: PageCheck) -> None:
    run.findings.merge(found.findings)
    run.raw.add(page.key)
    run.outputs.update(found.outputs.values())
    if found.receipt is not None:
        run.receipts.add(page.receipt_key)
        before = run.subjects.get(page.subject, SubjectCounts())
        run.subjects[page.subject] = before.plus(found.receipt.counts)


def _listed(manifest: RunManifest | None) -> Mapping[str, Sequence[PageEntry]]:
    """Return the manifest's entries by page; of a sound manifest, one a page."""
    found: dict[str, tuple[PageEntry, ...]] = {}
    for subject in manifest.subjects if manifest else ():
        for page in subject.pages:
            found[page.key] = (*found.get(page.key, ()), page)
    return found


def _compare_with_entries(
    bucket: Bucket, run: RunCheck, receipt: PageReceipt, entries: Sequence[PageEntry]
) -> None:
    for what in _disagreements(receipt, entries):
        run.findings.differ(
            "page.not_as_crawled",
            bucket.uri(receipt.raw_key),
            what,
            f"if its bytes have changed, restore the version that ingest stored; then"
            f" {replay(bucket)}",
        )


def _disagreements(receipt: PageReceipt, entries: Sequence[PageEntry]) -> Iterator[str]:
    """Return where a receipt and the manifest disagree: a ledger names the first of them alone."""
    if len(entries) > 1:
        yield f"the manifest lists it {len(entries)} times"
    for page in entries[:1]:
        if receipt.page_status == "quarantined":
            reason = receipt.reason_code
            yield f"it is quarantined whole ({reason}), the manifest has {page.works} works"
        elif receipt.records != page.works:
            yield f"its receipt has {receipt.records} records, the manifest {page.works} works"
        # Of a page that is too large to be read, a receipt may have no digest.
        if receipt.raw_sha256 and receipt.raw_sha256 != page.sha256:
            yield (
                f"its receipt is for sha256 {receipt.raw_sha256[:12]}, the manifest has"
                f" {page.sha256[:12]}"
            )


def _compare_with_manifest(
    bucket: Bucket, run: RunCheck, manifest: RunManifest, listed: Set[str]
) -> None:
    place = bucket.uri(keys.manifest_key(run.run_id))
    for key in sorted(listed - run.raw):
        run.findings.differ(
            "raw.missing",
            bucket.uri(key),
            "the manifest lists it, and it is not there",
            "remove the delete marker that hides it, or restore its version",
        )
    for key in sorted(run.raw - listed):
        run.findings.differ(
            "raw.unlisted",
            bucket.uri(key),
            f"it is not in the manifest {place}",
            "its rows are in the tables; crawl the subject again to have it counted",
        )
    for subject in manifest.subjects:
        if subject.status in ("partial", "failed"):
            run.findings.remarks.append(
                f"subject {subject.subject} of run {run.run_id} is {subject.status}:"
                f" {subject.reason or 'no reason is given'}"
            )


def _compare_with_ledger(bucket: Bucket, run: RunCheck, ledger: ProcessedLedger) -> None:
    place = bucket.uri(keys.processed_ledger_key(run.run_id))
    summed = {name: sum(getattr(s, name) for s in run.subjects.values()) for name in _COUNTED}
    for name, there in summed.items():
        said = getattr(ledger, name)
        if said != there:
            run.findings.differ(
                "ledger.other_count",
                place,
                f"it says {said} {name}, the receipts add up to {there}",
                replay(bucket),
            )
    if ledger.state is not None and ledger.state != _receipts_now(bucket, run.run_id):
        run.findings.differ(
            "ledger.superseded",
            place,
            f"its revision {ledger.revision} is of other receipts than those that are there",
            "see whether messages wait or are among the dead letters"
            f" ('{bucket.cloud.command('status')}'); then {replay(bucket)}",
        )
    for mismatch in ledger.mismatches:
        run.findings.differ("ledger.mismatch", place, mismatch, "see the object that it names")


def _receipts_now(bucket: Bucket, run_id: str) -> str:
    prefix = keys.receipts_prefix(run_id)
    listed = bucket.etags(prefix)
    return fingerprint((keys.below(prefix, key), etag) for key, etag in listed)


def _find_strays(bucket: Bucket, run: RunCheck, compacted: CompactedRows) -> None:
    # A page that is processed anew and gives less leaves an empty file behind, which nobody counts.
    for key in bucket.keys(keys.receipts_prefix(run.run_id)):
        run.findings.counts.objects += 1
        if key not in run.receipts:
            _stray(bucket, run, key, "a receipt whose raw page is not there")
    written, waiting = set[str](), 0
    for table in PAGED.values():
        for key, etag in bucket.etags(keys.processed_run_prefix(table.name, run.run_id)):
            run.findings.counts.objects += 1
            written.add(key)
            waiting += bool(compacted.etags) and compacted.etags.get(key) != etag
            if key not in run.outputs and _holds(bucket, run, key, row_count):
                _stray(bucket, run, key, "rows that no receipt vouches for")
    for key, rows in compacted.counts.items():
        if rows and key not in written and key not in run.outputs:
            _stray(bucket, run, key, "compacted rows that no receipt vouches for")
    if waiting:
        run.findings.remarks.append(
            f"{waiting} files of run {run.run_id} were written after their day was compacted:"
            " readers of the processed tables see them after the next compaction"
        )
    for key in bucket.keys(keys.quarantined_run_prefix(QUARANTINE.location, run.run_id)):
        run.findings.counts.objects += 1
        if key not in run.outputs and _holds(bucket, run, key, json_lines):
            _stray(bucket, run, key, "quarantined records that no receipt vouches for")


def _holds(bucket: Bucket, run: RunCheck, key: str, parse: Callable[[bytes], object]) -> bool:
    return bool(parsed(bucket, key, parse, REMOVE, run.findings))


def _stray(bucket: Bucket, run: RunCheck, key: str, what: str) -> None:
    run.findings.differ(
        "object.stray",
        bucket.uri(key),
        what,
        REMOVE,
    )
