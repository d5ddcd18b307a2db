"""Write a page's rows, rejected records and catalogue entries, and last its receipt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from process.errors import StorageError
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
#: Looks at a receipt that another version of the service replaces at the same time.
_ATTEMPTS: Final = 5


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
        self._save_with_receipt(page, lambda: self._save_outputs(page, digest, made))

    def save_rejected_page(self, page: RawKey, digest: str, record: QuarantineRecord) -> None:
        """Write a page that was rejected whole: it counts as one record."""
        self._register(page)
        self._save_with_receipt(page, lambda: self._save_rejected_page(page, digest, record))

    def quarantine_unrecognised_object(self, raw_key: str, record: QuarantineRecord) -> None:
        """Quarantine an object whose key is not that of a raw page."""
        key = unrecognised_object_key(QUARANTINE.location, raw_key)
        self.store.put(key, to_bytes([record]), _JSON_LINES)
        self.tables.register(QUARANTINE, NO_DAY)

    def _register(self, page: RawKey) -> None:
        # All tables, so that one without rows yet can be queried, too.
        for table in TABLES.values():
            self.tables.register(table, str(page.ingest_date))

    def _save_outputs(self, page: RawKey, digest: str, made: PageOutput) -> PageReceipt:
        """Write a page's outputs; return the receipt that vouches for them."""
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
        return PageReceipt(
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

    def _save_rejected_page(
        self, page: RawKey, digest: str, record: QuarantineRecord
    ) -> PageReceipt:
        return PageReceipt(
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

    def _save_with_receipt(self, page: RawKey, save: Callable[[], PageReceipt]) -> None:
        """Write a page's outputs and then its receipt, which is of what lies there in the end.

        Two versions of this service may hold a page at once, around a release. So whoever finds the
        other's receipt replaces the version that it read, writes its outputs again, and looks once
        more: the last to write an output has seen its own receipt after it.
        """
        receipt, key = save(), page.receipt_key
        body = receipt.model_dump_json().encode()
        if self.store.put_new(key, body, _JSON):
            return
        is_settled = False
        for _ in range(_ATTEMPTS):
            found = self.store.get(key)
            if found is not None and found.body == body:
                if is_settled:
                    return
            elif self.store.replace(key, body, _JSON, found.etag if found else None):
                save()
            else:
                continue
            self._empty_remnants(page, receipt)
            is_settled = True
        raise StorageError(f"{key} is replaced by another version again and again", key=key)

    def _empty_remnants(self, page: RawKey, receipt: PageReceipt) -> None:
        # Another version of this service may have written more files for the page, perhaps without
        # coming to its receipt: one that this version does not write must not stay behind and be
        # counted twice. The message of such an attempt is delivered again, so it is enough to look
        # when there is a receipt already: a page's first attempt costs nothing more.
        written = {receipt.processed_key, *(one.processed_key for one in receipt.tables.values())}
        # Only a first page tells about its subject.
        for table in (WORKS.name,) if page.offset else _ROWS:
            key = page.processed_key(table)
            if key not in written and key in self.store.list_etags(key):
                self._empty_table(table, key)
        key = page.quarantine_key(WORKS.name)
        if not receipt.quarantine_key and key in self.store.list_etags(key):
            self.store.put(key, to_bytes([]), _JSON_LINES)

    def _empty_table(self, table: str, key: str) -> None:
        empty = arrow_schema(TABLES[table].columns).empty_table()
        self.tables.write(TABLES[table], key, empty)
