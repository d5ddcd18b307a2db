"""Build quarantine records, and the bytes of a page's quarantine file."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from cleaning.reasons import Reason, reason_of
from process.errors import PageError
from process.logic.lineage import Lineage
from schemas.rows.quarantine import PayloadEncoding, QuarantineRecord
from schemas.source.page import WORK
from schemas.version import CONTRACT_VERSION

#: Characters of payload kept; what is longer is whole in the raw object only.
MAX_PAYLOAD: Final = 1_000_000
_MAX_PAGE_PAYLOAD: Final = 48_000


def reject_record(
    value: Any,
    position: int | None,
    lineage: Lineage,
    adapter: TypeAdapter[Any] = WORK,
    **where: str,
) -> QuarantineRecord:
    """Build the quarantine record of a record that does not fit its contract.

    Parameters
    ----------
    value
        The record as parsed.
    position
        Its position in the page, or in its facet.
    adapter
        The contract that it does not fit.
    where
        ``table_name`` and, as prefix of the field's path, ``part``, where it was not meant for
        ``works``.
    """
    code, message, path = _reason(value, adapter)
    payload, encoding, truncated = _record_payload(value)
    part = where.get("part")
    return QuarantineRecord(
        reason_code=code,
        reason_message=message,
        field=".".join(filter(None, (part, path))) or None,
        payload=payload,
        payload_encoding=encoding,
        payload_truncated=truncated,
        table_name=where.get("table_name", "works"),
        contract_version=CONTRACT_VERSION,
        run_id=lineage.page.run_id,
        raw_key=lineage.raw_key,
        position=position,
        fetched_at=_iso(lineage),
    )


def reject_page(
    error: PageError, raw_key: str, run_id: str | None, body: bytes, size: int
) -> QuarantineRecord:
    """Quarantine a page whole.

    Parameters
    ----------
    body
        What could be read of it, decompressed where that was possible.
    size
        Stored size of the object (bytes).
    """
    beginning = body[:_MAX_PAGE_PAYLOAD]
    encoding: PayloadEncoding = "text"
    try:
        payload = beginning.decode()
    except UnicodeDecodeError:
        payload, encoding = base64.b64encode(beginning).decode(), "base64"
    return QuarantineRecord(
        reason_code=error.code,
        reason_message=str(error),
        payload=payload,
        payload_encoding=encoding,
        payload_truncated=len(beginning) < max(len(body), size if body == b"" else 0),
        contract_version=CONTRACT_VERSION,
        run_id=run_id,
        raw_key=raw_key,
    )


def to_bytes(records: Sequence[QuarantineRecord]) -> bytes:
    """Return the JSON Lines of records, gzipped; equal records give equal bytes."""
    lines = "".join(json.dumps(record.model_dump(mode="json")) + "\n" for record in records)
    return gzip.compress(lines.encode(), compresslevel=6, mtime=0)


def _reason(value: Any, adapter: TypeAdapter[Any]) -> Reason:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return reason_of(error)
    message = "the record holds text that is not Unicode, or is nested too deeply"
    return Reason("record.invalid_text", message)


def _record_payload(value: Any) -> tuple[str, PayloadEncoding, bool]:
    try:
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value)
    except RecursionError:
        return "nested too deeply to be written; see the raw object", "text", True
    return text[:MAX_PAYLOAD], "json", len(text) > MAX_PAYLOAD


def _iso(lineage: Lineage) -> str:
    return lineage.fetched_at.isoformat().replace("+00:00", "Z")
