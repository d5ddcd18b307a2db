"""The lineage of a page: from its key and its object's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError

from cleaning.reasons import reason_of
from process.errors import HashMismatchError, InvalidProvenanceError, OtherProvenanceError
from process.records import Lineage
from schemas.keys import RawKey, parse_run_id
from schemas.ledger.provenance import RawProvenance
from schemas.limits import MAX_PAGE_RECORDS

_PROVENANCE: Final = frozenset(RawProvenance.model_fields)


def lineage_of(page: RawKey, metadata: Mapping[str, str], sha256: str) -> Lineage:
    """Return a page's lineage from its key and its object's metadata.

    An object without any provenance, as somebody may have put by hand, counts as fetched at its
    run's time: the bytes that come out must follow from the object alone.

    Raises
    ------
    InvalidProvenanceError
        When the metadata is a provenance in part.
    OtherProvenanceError
        When the provenance is that of another page, or of a response that was not a success.
    HashMismatchError
        When the provenance describes other bytes.
    """
    if _PROVENANCE.isdisjoint(name.lower().replace("-", "_") for name in metadata):
        return Lineage(page, parse_run_id(page.run_id))
    try:
        provenance = RawProvenance.from_metadata(metadata)
    except ValidationError as error:
        raise InvalidProvenanceError(f"its provenance: {reason_of(error).message}") from None
    found = (provenance.run_id, provenance.subject, provenance.offset, provenance.http_status)
    expected = (page.run_id, page.subject, page.offset, HTTPStatus.OK)
    if found != expected:
        raise OtherProvenanceError(
            "its provenance is that of another page or of a failed response: run {}, subject {!r},"
            " offset {}, status {}".format(*found)
        )
    if provenance.sha256 != sha256:
        raise HashMismatchError(
            f"the object's sha256 is {sha256}, its provenance says {provenance.sha256}"
        )
    limit = min(provenance.limit, MAX_PAGE_RECORDS)
    return Lineage(page, provenance.fetched_at, limit)


def claimed_digest(metadata: Mapping[str, str]) -> str:
    """Return the sha256 that an object's provenance claims; empty where it claims none.

    For an object that is too large to be read: its ledger compares this with the manifest's.
    """
    try:
        return RawProvenance.from_metadata(metadata).sha256
    except ValidationError:
        return ""
