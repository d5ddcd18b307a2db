"""Quarantine pages whole, and build the bytes of a page's quarantine file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Final

from cleaning.payload import payload_of
from process.errors import PageError
from schemas.rows.quarantine import QuarantineRecord
from schemas.version import CONTRACT_VERSION

#: Bytes that are kept of a page.
_MAX_PAGE_BYTES: Final = 48_000


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
