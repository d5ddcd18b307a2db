"""What the source's package and the logic hand to each other: where rows come from, and rejects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from cleaning.payload import MAX_RECORD_BYTES, Payload, payload_of
from cleaning.reasons import Reason
from schemas.keys import RawKey
from schemas.limits import MAX_PAGE_RECORDS
from schemas.rows.quarantine import QuarantineRecord
from schemas.version import CONTRACT_VERSION


@dataclass(frozen=True, slots=True)
class Lineage:
    """The raw page of some rows, when it was fetched (UTC), and the records that it may have."""

    page: RawKey
    fetched_at: datetime
    max_records: int = MAX_PAGE_RECORDS

    @property
    def raw_key(self) -> str:
        """The raw object's key."""
        return self.page.key


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record of the page that does not fit the contract: its text as it came, and why."""

    text: bytes
    reason: Reason


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
