"""The stage's logic: one raw page in, its rows, its rejected records and its receipt out."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from process.errors import (
    ConservationError,
    HostileKeyError,
    MissingObjectError,
    PageError,
    PageTooLargeError,
)
from process.logic.lineage import claimed_digest, lineage_of
from process.logic.outputs import Outputs, PageOutput
from process.logic.quarantine import reject_page
from process.openlibrary import page as pages
from process.openlibrary.facets import check_subject, subject_tables
from process.openlibrary.rows import work_table
from process.ports import StoredObject
from process.records import Lineage, Rejected, reject_record
from schemas.keys import InvalidKeyError, RawKey
from schemas.subjects import InvalidSubjectError


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes above which a page is quarantined: stored and decompressed (bytes)."""

    object_bytes: int
    page_bytes: int


@dataclass(frozen=True, slots=True)
class PageResult:
    """What became of a page; ``run_id`` is null for a key that names no run."""

    run_id: str | None
    records: int
    rows: int
    quarantined: int
    unknown_fields: int = 0
    reason_code: str | None = None


def process_page(outputs: Outputs, raw_key: str, limits: Limits) -> PageResult:
    """Process one raw page; a page that cannot be processed is quarantined whole.

    Raises
    ------
    MissingObjectError
        When the object is gone.
    TransientError, SchemaConflictError, StorageDeniedError, CatalogueDeniedError
        From the adapters.
    """
    stored = outputs.store.get(raw_key, limits.object_bytes)
    if stored is None:
        raise MissingObjectError(
            f"{raw_key} is gone; restore its version or drop the message", raw_key=raw_key
        )
    try:
        page = RawKey.parse(raw_key)
        # A lone surrogate can be a key, and no column of text can hold it.
        page.subject.encode()
    except (InvalidKeyError, InvalidSubjectError, UnicodeEncodeError) as error:
        return _quarantine_unrecognised(outputs, raw_key, stored, HostileKeyError(str(error)))
    is_read = _is_read(stored)
    digest = sha256(stored.body).hexdigest() if is_read else claimed_digest(stored.metadata)
    body = stored.body
    try:
        if not is_read:
            raise PageTooLargeError(f"the object has {stored.size} bytes")
        lineage = lineage_of(page, stored.metadata, digest)
        body = pages.gunzip(stored.body, limits.page_bytes)
        with _collector_paused():
            output = build_output(pages.parse(body, lineage.max_records), lineage)
    except PageError as error:
        return _quarantine_page(outputs, page, digest, stored, body, error)
    outputs.save(page, digest, output)
    return PageResult(
        page.run_id, output.records, output.rows, output.rejected_works, output.unknown_fields
    )


def build_output(page: pages.Page, lineage: Lineage) -> PageOutput:
    """Turn a parsed page into its outputs; pure.

    Raises
    ------
    ConservationError
        When a record would vanish or double.
    OtherSubjectError
        When the page says that it is about another subject.
    """
    check_subject(page.about, lineage.page.subject)
    bad = {
        position: reject_record(record, position, lineage)
        for position, record in enumerate(page.records)
        if isinstance(record, Rejected)
    }
    positions = [position for position in range(len(page.records)) if position not in bad]
    works = [page.records[position] for position in positions] if bad else page.records
    table = work_table(works, positions, page.extras, lineage) if works else None
    about = subject_tables(page.about, lineage)
    output = PageOutput(len(page.records), table, list(bad.values()), about, page.unknown_fields)
    _check_conservation(output)
    return output


def _check_conservation(output: PageOutput) -> None:
    if output.rows + output.rejected_works != output.records:
        raise ConservationError(
            f"{output.rows} rows and {output.rejected_works} rejected records"
            f" do not add up to the page's {output.records} records"
        )


def _quarantine_page(
    outputs: Outputs, page: RawKey, digest: str, stored: StoredObject, body: bytes, error: PageError
) -> PageResult:
    record = reject_page(error, page.key, page.run_id, body, is_read=_is_read(stored))
    outputs.save_rejected_page(page, digest, record)
    return PageResult(page.run_id, 1, 0, 1, reason_code=error.code)


def _quarantine_unrecognised(
    outputs: Outputs, raw_key: str, stored: StoredObject, error: PageError
) -> PageResult:
    record = reject_page(error, raw_key, None, stored.body, is_read=_is_read(stored))
    outputs.quarantine_unrecognised_object(raw_key, record)
    return PageResult(None, 1, 0, 1, reason_code=error.code)


def _is_read(stored: StoredObject) -> bool:
    return len(stored.body) == stored.size


@contextmanager
def _collector_paused() -> Iterator[None]:
    # A page makes some 50,000 objects and no cycles: collections in between cost a third of the
    # parsing. The records must be gone before collections go on, hence no name for them above.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
