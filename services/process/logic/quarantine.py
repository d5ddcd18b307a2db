"""Build quarantine records, and the bytes of a page's quarantine file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Final

import msgspec

from cleaning.payload import MAX_RECORD_BYTES, Payload, payload_of
from process.errors import PageError
from process.logic.lineage import Lineage
from process.openlibrary.page import Rejected
from schemas.rows.quarantine import QuarantineRecord
from schemas.version import CONTRACT_VERSION

#: Bytes that are kept of a page.
_MAX_PAGE_BYTES: Final = 48_000


def reject_record(
    rejected: Rejected, position: int | None, lineage: Lineage, **where: str
) -> QuarantineRecord:
    """Build the quarantine record of a record that does not fit its contract.

    Parameters
    ----------
    rejected
        The record's text as it came, and the reason.
    position
        Its position in the page, or in its facet.
    where
        ``table_name`` and, as prefix of the field's path, ``part``, where it was not meant for
        ``works``.
    """
    reason = rejected.reason
    payload = _record_payload(rejected.text)
    return QuarantineRecord(
        reason_code=reason.code,
        reason_message=reason.message,
        field=".".join(filter(None, (where.get("part"), reason.field))) or None,
        payload=payload.text,
        payload_encoding=payload.encoding,
        payload_truncated=payload.is_truncated,
        table_name=where.get("table_name", "works"),
        contract_version=CONTRACT_VERSION,
        run_id=lineage.page.run_id,
        raw_key=lineage.raw_key,
        position=position,
        fetched_at=_iso(lineage),
    )


def reject_page(
    error: PageError, raw_key: str, run_id: str | None, body: bytes, *, is_read: bool
) -> QuarantineRecord:
    """Quarantine a page whole.

    Parameters
    ----------
    body
        What could be read of it, decompressed where that was possible.
    is_read
        Whether the object was read; one that is too large is not.
    """
    payload = payload_of(body, _MAX_PAGE_BYTES)
    return QuarantineRecord(
        reason_code=error.code,
        reason_message=str(error),
        payload=payload.text,
        payload_encoding=payload.encoding,
        payload_truncated=payload.is_truncated or not is_read,
        contract_version=CONTRACT_VERSION,
        run_id=run_id,
        raw_key=raw_key,
    )


def to_bytes(records: Sequence[QuarantineRecord]) -> bytes:
    """Return the JSON Lines of records, gzipped; equal records give equal bytes."""
    lines = "".join(json.dumps(record.model_dump(mode="json")) + "\n" for record in records)
    return gzip.compress(lines.encode(), compresslevel=6, mtime=0)


def _record_payload(text: bytes) -> Payload:
    """Return a record as it was written; as JSON where a strict reader takes it for JSON."""
    payload = payload_of(text, MAX_RECORD_BYTES)
    if payload.encoding != "text" or payload.is_truncated:
        return payload
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return payload
    return payload._replace(encoding="json")


def _iso(lineage: Lineage) -> str:
    return lineage.fetched_at.isoformat().replace("+00:00", "Z")
