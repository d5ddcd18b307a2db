"""Raw pages as ingest stores them, of works as the stand-in makes them; always the same."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from openlibrary_standin.parameters import Query
from openlibrary_standin.responses import encode
from openlibrary_standin.works.catalogue import Catalogue
from schemas.keys import RawKey
from schemas.ledger.provenance import RawProvenance
from schemas.version import CONTRACT_VERSION

RUN: Final = "20261123T060000Z"
SUBJECT: Final = "love"
_FETCHED: Final = datetime(2026, 11, 23, 6, 0, 9, tzinfo=UTC)


@dataclass(frozen=True)
class RawPage:
    """A raw object: its key, its gzipped bytes, its metadata, and how many works it has."""

    key: RawKey
    body: bytes
    metadata: dict[str, str]
    works: int

    @classmethod
    def of(cls, document: dict[str, Any], offset: int) -> RawPage:
        """Pack a page as ingest does: the answer's bytes, gzipped."""
        body = gzip.compress(encode(document), 6, mtime=0)
        key = RawKey.of(RUN, SUBJECT, offset)
        provenance = RawProvenance(
            url="https://openlibrary.org/subjects/love.json",
            fetched_at=_FETCHED,
            http_status=200,
            sha256=sha256(body).hexdigest(),
            contract_version=CONTRACT_VERSION,
            run_id=RUN,
            subject=SUBJECT,
            offset=offset,
            limit=1000,
        )
        return cls(key, body, provenance.to_metadata(), len(document["works"]))

    @property
    def documents(self) -> list[Any]:
        """The works, parsed."""
        works: list[Any] = json.loads(gzip.decompress(self.body))["works"]
        return works


def generated(works: int, count: int, bad_share: float = 0.0) -> list[RawPage]:
    """Return pages from the middle of a subject: those are nearly all pages there are."""
    catalogue = Catalogue(subject_works={SUBJECT: works * (count + 2)}, bad_record_share=bad_share)
    offsets = range(works, works * (count + 1), works)
    return [
        RawPage.of(catalogue.page(SUBJECT, Query(limit=works, offset=offset)), offset)
        for offset in offsets
    ]


def captured(folder: Path, count: int) -> Iterator[RawPage]:
    """Return the captured page of 1000 works so many times, at different offsets."""
    document = json.loads((folder / "subjects_love_limit1000_2023-01.json").read_text("utf-8"))
    for number in range(1, count + 1):
        yield RawPage.of(document, 1000 * number)
