"""Where rows come from: the facts that every row of a page shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from process.errors import HashMismatchError
from schemas.keys import RawKey, parse_run_id
from schemas.ledger.provenance import RawProvenance


@dataclass(frozen=True, slots=True)
class Lineage:
    """The raw page of some rows, and when it was fetched (UTC)."""

    page: RawKey
    fetched_at: datetime

    @property
    def raw_key(self) -> str:
        """The raw object's key."""
        return self.page.key


def lineage_of(page: RawKey, metadata: Mapping[str, str], sha256: str) -> Lineage:
    """Return a page's lineage from its key and its object's metadata.

    An object without readable provenance, as somebody may have put by hand, counts as fetched at
    its run's time: the bytes that come out must follow from the object alone.

    Raises
    ------
    HashMismatchError
        When the provenance describes other bytes.
    """
    try:
        provenance = RawProvenance.from_metadata(metadata)
    except ValidationError:
        return Lineage(page, parse_run_id(page.run_id))
    if provenance.sha256 != sha256:
        raise HashMismatchError(
            f"the object's sha256 is {sha256}, its provenance says {provenance.sha256}"
        )
    return Lineage(page, provenance.fetched_at)
