"""The records of compaction: which pages of a day lie in which compacted files.

A page is named by the path, below the processed prefix, of the file that process writes for it.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, Field, RootModel

from schemas.fingerprints import run_fingerprints
from schemas.ledger.model import Count, LedgerModel, by_name
from schemas.ledger.run import RunId
from schemas.tables import QUARANTINE, TABLES, Table

#: The tables of which process writes a file a page.
PAGED: Final[dict[str, Table]] = {
    name: table for name, table in TABLES.items() if table is not QUARANTINE
}


class CompactedTable(LedgerModel):
    """A table's compacted files of a day: its rows, and each file's size in bytes by name."""

    rows: Count
    files: Annotated[dict[str, Count], AfterValidator(by_name)]


class CompactedDay(LedgerModel):
    """A day whose rows lie in compacted files, but for pages that were written since.

    Attributes
    ----------
    generation
        Names the folder of the files; its number is the token of the lease under which they were
        written.
    runs
        Fingerprint of each run's pages: that of the files that they were made of.
    switched_at
        Since when the catalogue has sent readers to these files (UTC); ``None`` while some may be
        sent elsewhere.
    removing_at
        When a removal of what they replace was begun last (UTC).
    token
        Number of the lease under which this was written: none with a lower one writes after it.
    """

    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    generation: Annotated[str, Field(pattern=r"^\d+$")]
    tables: Annotated[dict[str, CompactedTable], AfterValidator(by_name)]
    runs: Annotated[dict[RunId, str], AfterValidator(by_name)]
    compacted_at: AwareDatetime
    switched_at: AwareDatetime | None = None
    removing_at: AwareDatetime | None = None
    token: Count


class CompactedPage(LedgerModel):
    """A page in compacted files: the ETag of the file that its rows came from, and their number."""

    etag: str
    rows: Count


class CompactedPages(RootModel[dict[str, CompactedPage]]):
    """The pages of a day's compacted files, by path."""

    def to_bytes(self) -> bytes:
        """Return the stored form; equal pages give equal bytes."""
        return gzip.compress(self.model_dump_json().encode(), mtime=0)

    @classmethod
    def of_bytes(cls, body: bytes) -> Mapping[str, CompactedPage]:
        """Read the stored form."""
        return cls.model_validate_json(gzip.decompress(body)).root


def page_fingerprints(
    stored: Mapping[str, str], compacted: Mapping[str, CompactedPage]
) -> dict[str, str]:
    """Return the fingerprint of each run's pages, of which some or all are compacted.

    It is that of the pages' newest files, whether they are still there or only their rows are: so
    a run that is compacted has not changed, and one that is replayed then has.

    Parameters
    ----------
    stored
        ETags of the files that are there, by path.
    """
    etags = {path: page.etag for path, page in compacted.items()} | dict(stored)
    return run_fingerprints(etags.items())
