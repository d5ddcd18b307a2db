"""What is known of pages and runs before and after a replay, from receipts and ledgers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from lake.aws import Cloud
from lake.errors import UnreadableObjectError
from lake.runs.ledger import read_ledger
from schemas.keys import RawKey, processed_ledger_key
from schemas.ledger.run import PageReceipt, ProcessedLedger

_AT_ONCE = 8


@dataclass(frozen=True)
class PageState:
    """What process made of a page: a page quarantined whole counts as one record."""

    rows: int
    quarantined: int
    receipt: str


@dataclass(frozen=True)
class LedgerState:
    """The sums of a run's ledger."""

    pages: int
    records: int
    rows: int
    quarantined: int
    mismatches: int


def page_states(cloud: Cloud, bucket: str, keys: Sequence[str]) -> dict[str, PageState]:
    """Read the receipts of pages; those that have none are left out.

    So are those with a damaged one: process writes it anew when the page is sent again.
    """

    def read(key: str) -> PageState | None:
        receipt = None
        with suppress(UnreadableObjectError):
            receipt = read_ledger(cloud, bucket, RawKey.parse(key).receipt_key, PageReceipt)
        if receipt is None:
            return None
        rejected = receipt.quarantined + sum(one.quarantined for one in receipt.tables.values())
        return PageState(receipt.rows, rejected, receipt.model_dump_json())

    with ThreadPoolExecutor(_AT_ONCE) as readers:
        found = zip(keys, readers.map(read, keys), strict=True)
        return {key: state for key, state in found if state is not None}


def ledger_states(
    cloud: Cloud, bucket: str, runs: Sequence[str]
) -> Mapping[str, LedgerState | None]:
    """Read the ledgers of runs; None where process has not written one.

    Raises
    ------
    UnreadableObjectError
        One is damaged: process does not go on from it, so no page is to be sent before.
    """
    return {run: _ledger_state(cloud, bucket, run) for run in runs}


def _ledger_state(cloud: Cloud, bucket: str, run: str) -> LedgerState | None:
    ledger = read_ledger(cloud, bucket, processed_ledger_key(run), ProcessedLedger)
    if ledger is None:
        return None
    return LedgerState(
        ledger.pages, ledger.records, ledger.rows, ledger.quarantined, len(ledger.mismatches)
    )
