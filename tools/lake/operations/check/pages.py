"""One raw page: each of its records is a row or a quarantined record, exactly once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from lake.operations.check.compacted import CompactedRows
from lake.operations.check.findings import Findings
from lake.operations.check.storage import (
    Bucket,
    json_lines,
    listed_records,
    parsed_body,
    row_count,
    row_positions,
)
from schemas.keys import RawKey
from schemas.ledger.run import PageReceipt
from schemas.limits import MAX_PAGE_BYTES
from schemas.tables import WORKS

_SHOWN = 5


@dataclass
class PageCheck:
    """What a page's objects say.

    Attributes
    ----------
    receipt
        Its receipt; None where process has not finished the page.
    outputs
        Keys of the objects that the receipt vouches for, by table.
    """

    findings: Findings = field(default_factory=Findings)
    receipt: PageReceipt | None = None
    outputs: dict[str, str] = field(default_factory=dict)


def replay(bucket: Bucket) -> str:
    """Return what to do about pages that process is to see again."""
    again = bucket.cloud.command("replay raw --run RUN")
    return f"send the pages again ('{again}'), then check again"


def restore(bucket: Bucket) -> str:
    """Return what to do about an object that process would write again."""
    return f"restore its former version, or {replay(bucket)}"


def check_page(bucket: Bucket, page: RawKey, compacted: CompactedRows) -> PageCheck:
    """Compare a raw page with its receipt, its rows and its quarantined records.

    Parameters
    ----------
    compacted
        Those of the run: a page's rows are there once its file is gone.
    """
    found = PageCheck()
    found.findings.counts.pages = 1
    wire = bucket.read(page.key)
    receipt = _receipt(bucket, page, found)
    if receipt is None or wire is None:
        return found
    found.receipt = receipt
    found.outputs = _outputs(receipt)
    digest = hashlib.sha256(wire).hexdigest()
    # Of a page that is too large to be read, a receipt may have no digest.
    if receipt.raw_sha256 and receipt.raw_sha256 != digest:
        found.findings.differ(
            "page.other_bytes",
            bucket.uri(page.key),
            f"the receipt is for sha256 {receipt.raw_sha256[:12]}, the object has {digest[:12]}",
            f"restore the object's version that was processed, or {replay(bucket)}",
        )
    if receipt.page_status == "quarantined":
        _check_rejected_page(bucket, page, receipt, found)
    else:
        listed = listed_records(wire, MAX_PAGE_BYTES)
        _check_records(bucket, page, receipt, listed, compacted, found)
        _check_tables(bucket, receipt, compacted, found)
    return found


def _receipt(bucket: Bucket, page: RawKey, found: PageCheck) -> PageReceipt | None:
    body = bucket.read(page.receipt_key)
    if body is None:
        found.findings.differ(
            "page.not_processed",
            bucket.uri(page.key),
            "there is no receipt for it",
            f"'{bucket.cloud.command('status')}' shows whether its message waits,"
            f" '{bucket.cloud.command('replay dlq')}' moves dead letters back",
        )
        return None
    try:
        return PageReceipt.model_validate_json(body)
    except ValidationError as error:
        found.findings.differ(
            "receipt.unreadable",
            bucket.uri(page.receipt_key),
            f"it does not fit its contract: {error.errors(include_url=False)[0]['msg']}",
            restore(bucket),
        )
        return None


def _outputs(receipt: PageReceipt) -> dict[str, str]:
    keys = {name: counts.processed_key for name, counts in receipt.tables.items()}
    keys[WORKS.name] = receipt.processed_key
    keys["quarantine"] = receipt.quarantine_key
    return {name: key for name, key in keys.items() if key}


def _check_rejected_page(
    bucket: Bucket, page: RawKey, receipt: PageReceipt, found: PageCheck
) -> None:
    findings = found.findings
    findings.counts.records += 1
    records = _quarantined(bucket, receipt, found)
    whole = [record for record in records if record.get("position") is None]
    findings.counts.quarantined += len(whole)
    if len(whole) != 1 or len(records) != 1:
        findings.differ(
            "quarantine.page_missing",
            bucket.uri(receipt.quarantine_key or page.quarantine_key(WORKS.name)),
            f"a page that was quarantined whole has {len(records)} records there, not 1",
            replay(bucket),
        )


def _check_records(
    bucket: Bucket,
    page: RawKey,
    receipt: PageReceipt,
    listed: int | None,
    compacted: CompactedRows,
    found: PageCheck,
) -> None:
    findings = found.findings
    if listed is None:
        findings.differ(
            "page.unreadable",
            bucket.uri(page.key),
            f"its body is not a readable page, and its receipt has {receipt.records} records",
            replay(bucket),
        )
        return
    findings.counts.records += listed
    if listed != receipt.records:
        findings.differ(
            "receipt.other_count",
            bucket.uri(page.receipt_key),
            f"it says {receipt.records} records, the page lists {listed}",
            replay(bucket),
        )
    rows = _rows(bucket, receipt, compacted, found)
    rejected = [
        # A record without a position is of the page, and of no place in it.
        position if isinstance(position := record.get("position"), int) else -1
        for record in _quarantined(bucket, receipt, found)
        if record.get("table_name") == WORKS.name
    ]
    findings.counts.rows += len(rows)
    findings.counts.quarantined += len(rejected)
    _compare_counts(bucket, page, receipt, (len(rows), len(rejected)), found)
    _compare_positions(bucket, page, listed, [*rows, *rejected], found)


def _compare_counts(
    bucket: Bucket, page: RawKey, receipt: PageReceipt, counts: tuple[int, int], found: PageCheck
) -> None:
    for name, said, there in zip(
        ("rows", "quarantined records"), (receipt.rows, receipt.quarantined), counts, strict=True
    ):
        if said != there:
            found.findings.differ(
                "receipt.other_count",
                bucket.uri(page.receipt_key),
                f"it says {said} {name}, {there} are there",
                replay(bucket),
            )


def _compare_positions(
    bucket: Bucket, page: RawKey, listed: int, positions: Iterable[int], found: PageCheck
) -> None:
    seen = Counter(positions)
    lost = sorted(set(range(listed)) - seen.keys())
    doubled = sorted(position for position, times in seen.items() if times > 1)
    foreign = sorted(position for position in seen if not 0 <= position < listed)
    for code, what, places in (
        ("page.records_lost", "neither a row nor in quarantine", lost),
        ("page.records_doubled", "there more than once", doubled),
        ("page.records_foreign", "in the outputs and not in the page", foreign),
    ):
        if places:
            shown = ", ".join(map(str, places[:_SHOWN])) + (", ..." * (len(places) > _SHOWN))
            found.findings.differ(
                code,
                bucket.uri(page.key),
                f"{len(places)} of {listed} records are {what} (positions {shown})",
                replay(bucket),
            )


def _check_tables(
    bucket: Bucket, receipt: PageReceipt, compacted: CompactedRows, found: PageCheck
) -> None:
    for name, counts in receipt.tables.items():
        if counts.processed_key is None:
            continue
        place = bucket.uri(counts.processed_key)
        body = bucket.read(counts.processed_key)
        gone = compacted.counts.get(counts.processed_key)
        if body is None:
            there = gone or 0
        else:
            there = parsed_body(body, place, row_count, restore(bucket), found.findings) or 0
        if (body is None and gone is None) or there != counts.rows:
            found.findings.differ(
                "table.other_count",
                place,
                f"the receipt has {counts.rows} rows of {name}, {there} are there",
                replay(bucket),
            )


def _rows(
    bucket: Bucket, receipt: PageReceipt, compacted: CompactedRows, found: PageCheck
) -> Sequence[int]:
    key = receipt.processed_key
    if key in compacted.counts and not bucket.exists(key):
        return compacted.positions.get(key, [])
    held = f"{receipt.rows} rows"
    return _named(bucket, key, row_positions, "table", held, found) or []


def _quarantined(bucket: Bucket, receipt: PageReceipt, found: PageCheck) -> list[dict[str, Any]]:
    held = f"{receipt.quarantined} records"
    return _named(bucket, receipt.quarantine_key, json_lines, "quarantine", held, found) or []


def _named[T](
    bucket: Bucket,
    key: str | None,
    parse: Callable[[bytes], T],
    what: str,
    held: str,
    found: PageCheck,
) -> T | None:
    """Read a file that a receipt names; when it is missing or unreadable, that is a finding."""
    if key is None:
        return None
    body = bucket.read(key)
    if body is not None:
        return parsed_body(body, bucket.uri(key), parse, restore(bucket), found.findings)
    found.findings.differ(
        f"{what}.missing_file",
        bucket.uri(key),
        f"the receipt names it for {held}, and it is not there",
        restore(bucket),
    )
    return None
