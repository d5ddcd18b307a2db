"""Write a page's rows, rejected records and catalogue entries, and last its receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from process.logic.quarantine import to_bytes
from process.openlibrary.facets import TableRows
from process.ports import Store, TableStore
from schemas.derive.arrow import arrow_schema
from schemas.keys import NO_DAY, RawKey, unrecognised_object_key
from schemas.ledger.run import PageReceipt, TableCounts
from schemas.rows.quarantine import QuarantineRecord
from schemas.tables import QUARANTINE, TABLES, WORKS
from schemas.version import CONTRACT_VERSION

_ROWS: Final = tuple(name for name in TABLES if name != QUARANTINE.name)
_JSON: Final = "application/json"
_JSON_LINES: Final = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class PageOutput:
    """What a page becomes: ``rows + rejected_works == records``."""

    records: int
    works: pa.Table | None
    rejected: list[QuarantineRecord]
    about: list[TableRows]
    unknown_fields: int

    @property
    def rows(self) -> int:
        """Rows for ``works``."""
        return 0 if self.works is None else int(self.works.num_rows)

    @property
    def rejected_works(self) -> int:
        """Records of the page that are not valid works."""
        return len(self.rejected)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The places that a page's outputs go to."""

    store: Store
    tables: TableStore

    def save(self, page: RawKey, digest: str, made: PageOutput) -> None:
        """Write a page's outputs; the receipt comes last, so that it vouches for the rest."""
        self._register(page)
        processed = self._save_rows(page, WORKS.name, made.works)
        tables = {
            part.table.name: TableCounts(
                processed_key=self._save_rows(
                    page, part.table.name, part.arrow() if part.rows else None
                ),
                records=part.records,
                rows=len(part.rows),
                quarantined=len(part.rejected),
            )
            for part in made.about
            if part.records
        }
        rejected = made.rejected + [record for part in made.about for record in part.rejected]
        receipt = PageReceipt(
            run_id=page.run_id,
            raw_key=page.key,
            raw_sha256=digest,
            records=made.records,
            rows=made.rows,
            quarantined=made.rejected_works,
            page_status="processed",
            processed_key=processed,
            quarantine_key=self._save_rejected(page, rejected),
            contract_version=CONTRACT_VERSION,
            tables=tables,
        )
        self._save_receipt(page, receipt)

    def save_rejected_page(self, page: RawKey, digest: str, record: QuarantineRecord) -> None:
        """Write a page that was rejected whole: it counts as one record."""
        self._register(page)
        receipt = PageReceipt(
            run_id=page.run_id,
            raw_key=page.key,
            raw_sha256=digest,
            records=1,
            rows=0,
            quarantined=1,
            page_status="quarantined",
            reason_code=record.reason_code,
            quarantine_key=self._save_rejected(page, [record]),
            contract_version=CONTRACT_VERSION,
        )
        self._save_receipt(page, receipt)

    def quarantine_unrecognised_object(self, raw_key: str, record: QuarantineRecord) -> None:
        """Quarantine an object whose key is not that of a raw page."""
        key = unrecognised_object_key(QUARANTINE.location, raw_key)
        self.store.put(key, to_bytes([record]), _JSON_LINES)
        self.tables.register(QUARANTINE, NO_DAY)

    def _register(self, page: RawKey) -> None:
        # All tables, so that one without rows yet can be queried, too.
        for table in TABLES.values():
            self.tables.register(table, str(page.ingest_date))

    def _save_rows(self, page: RawKey, table: str, rows: pa.Table | None) -> str | None:
        if rows is None:
            return None
        key = page.processed_key(table)
        self.tables.write(TABLES[table], key, rows)
        return key

    def _save_rejected(self, page: RawKey, records: Sequence[QuarantineRecord]) -> str | None:
        if not records:
            return None
        key = page.quarantine_key(WORKS.name)
        self.store.put(key, to_bytes(records), _JSON_LINES)
        return key

    def _save_receipt(self, page: RawKey, receipt: PageReceipt) -> None:
        body = receipt.model_dump_json().encode()
        if self.store.put_new(page.receipt_key, body, _JSON):
            return
        # Delivered before. A newer version of this service may write fewer files for the page: one
        # that it no longer writes must not stay behind and be counted twice.
        earlier = self.store.get(page.receipt_key)
        if earlier is not None and earlier.body != body:
            self._empty_superseded(PageReceipt.model_validate_json(earlier.body), receipt)
            self.store.put(page.receipt_key, body, _JSON)
        self._empty_remnants(page, receipt)

    def _empty_superseded(self, earlier: PageReceipt, receipt: PageReceipt) -> None:
        kept = _processed_keys(receipt)
        for table, key in _processed_keys(earlier).items():
            if table in TABLES and table not in kept:
                self._empty_table(table, key)
        if earlier.quarantine_key and not receipt.quarantine_key:
            self.store.put(earlier.quarantine_key, to_bytes([]), _JSON_LINES)

    def _empty_remnants(self, page: RawKey, receipt: PageReceipt) -> None:
        # Nor what an attempt of another version left that was cut off before its receipt. The
        # message of that attempt is delivered again, so it is enough to look when there is a
        # receipt already: a page's first attempt costs nothing more.
        whole = receipt.page_status == "quarantined"
        for table in _ROWS if whole else (WORKS.name,):
            key = page.processed_key(table)
            if table not in _processed_keys(receipt) and key in self.store.list_etags(key):
                self._empty_table(table, key)
        key = page.quarantine_key(WORKS.name)
        if not receipt.quarantine_key and key in self.store.list_etags(key):
            self.store.put(key, to_bytes([]), _JSON_LINES)

    def _empty_table(self, table: str, key: str) -> None:
        empty = arrow_schema(TABLES[table].columns).empty_table()
        self.tables.write(TABLES[table], key, empty)


def _processed_keys(receipt: PageReceipt) -> dict[str, str]:
    keys = {name: counts.processed_key for name, counts in receipt.tables.items()}
    keys[WORKS.name] = receipt.processed_key
    return {name: key for name, key in keys.items() if key}
