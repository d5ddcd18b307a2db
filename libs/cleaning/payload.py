"""What a quarantine record keeps of a rejected record, page or answer."""

from __future__ import annotations

import base64
from codecs import getincrementaldecoder
from typing import Final, NamedTuple

from schemas.rows.quarantine import PayloadEncoding

#: Bytes that are kept of a record; what is longer is whole in the raw object only.
MAX_RECORD_BYTES: Final = 1_000_000


class Payload(NamedTuple):
    """What is kept, how it is written, and whether it is only the beginning."""

    text: str
    encoding: PayloadEncoding
    is_truncated: bool


def payload_of(body: bytes, limit: int) -> Payload:
    """Return the beginning of a body: as text where it is UTF-8, else in base 64.

    Parameters
    ----------
    limit
        Bytes of the body that are kept. Not characters of the payload: base 64 has more of them
        than the body has bytes, and text fewer, so they do not say whether anything is left out.
    """
    beginning = body[:limit]
    is_truncated = len(body) > limit
    try:
        # A character that the cut divides is left out.
        text = getincrementaldecoder("utf-8")().decode(beginning, final=not is_truncated)
    except UnicodeDecodeError:
        return Payload(base64.b64encode(beginning).decode(), "base64", is_truncated)
    return Payload(text, "text", is_truncated)
