"""The parts of a run: ranges of its receipts, so that no function has to add up a whole run.

The manifest's pages, in the order of their receipts' names, are cut into parts of the same size. A
part's range reaches from behind the last page of the part before it to its own last page; that of
the last part has no end. So each receipt belongs to one part, those of unlisted pages included, and
one listing shows a part's receipts, whether a run has many subjects or one subject many pages.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import batched
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from schemas.keys import InvalidKeyError, RawKey
from schemas.ledger.model import Count, LedgerModel, by_name
from schemas.ledger.run import PartTotals, RunId, RunManifest, RunStatus, SubjectCounts

#: Most pages of a run: ingest admits no list of subjects that could have more, and process is shown
#: to end a run of so many within its time and memory.
MAX_RUN_PAGES: Final = 200_000
PART_PAGES: Final = 250


class RunParts(LedgerModel):
    """Which parts a run has.

    Attributes
    ----------
    manifest_status, contract_version
        Those of the manifest.
    ends
        Name of the last receipt of each part but the last.
    """

    run_id: RunId
    manifest_status: RunStatus
    contract_version: str
    ends: list[str]

    def __len__(self) -> int:
        return len(self.ends) + 1

    def number_of(self, receipt_name: str) -> int:
        """Return the number of the part that a receipt belongs to."""
        return bisect_left(self.ends, receipt_name)

    def range_of(self, number: int) -> tuple[str, str | None]:
        """Return the name behind which a part begins, and its last one; ``None``: no end."""
        return ["", *self.ends][number], [*self.ends, None][number]


class ListedPage(LedgerModel):
    """A page as the manifest lists it; ``times`` is 1 when all is well."""

    subject: str
    key: str
    works: Count
    sha256: str
    times: Count = 1


class PartPages(LedgerModel):
    """The manifest's pages in a part, by the names of their receipts.

    Attributes
    ----------
    empty_subjects
        Subjects without pages; all are in the first part.
    """

    run_id: RunId
    number: Count
    pages: dict[str, ListedPage]
    empty_subjects: list[str] = Field(default_factory=list)


class PageSum(LedgerModel):
    """What one receipt adds to a part, and the ETag of that receipt."""

    etag: str
    counts: SubjectCounts
    mismatches: list[str] = Field(default_factory=list)


class PartSum(PartTotals):
    """The sum over a part's receipts; what has not changed need not be read again.

    Attributes
    ----------
    revision
        Grows with each state of the part, so that no two versions are equal.
    """

    run_id: RunId
    number: Count
    revision: Count
    pages: Annotated[dict[str, PageSum], AfterValidator(by_name)]


def split(manifest: RunManifest, size: int = PART_PAGES) -> tuple[RunParts, list[PartPages]]:
    """Cut a manifest into parts of so many pages; a run without pages has one part.

    Raises
    ------
    schemas.keys.InvalidKeyError
        When the manifest lists what is not a raw page.
    """
    pages = sorted(_pages(manifest).items())
    groups = list(batched(pages, size, strict=False)) or [()]
    empty = [outcome.subject for outcome in manifest.subjects if not outcome.pages]
    index = RunParts(
        run_id=manifest.run_id,
        manifest_status=manifest.status,
        contract_version=manifest.contract_version,
        ends=[group[-1][0] for group in groups[:-1]],
    )
    parts = [
        PartPages(
            run_id=manifest.run_id,
            number=number,
            pages=dict(group),
            empty_subjects=[] if number else empty,
        )
        for number, group in enumerate(groups)
    ]
    return index, parts


def _pages(manifest: RunManifest) -> dict[str, ListedPage]:
    found: dict[str, ListedPage] = {}
    for outcome in manifest.subjects:
        for entry in outcome.pages:
            page = RawKey.parse(entry.key)
            if page.run_id != manifest.run_id:
                raise InvalidKeyError(f"{entry.key} is not a page of run {manifest.run_id}")
            name = page.receipt_name
            found[name] = ListedPage(
                subject=outcome.subject,
                key=entry.key,
                works=entry.works,
                sha256=entry.sha256,
                times=found[name].times + 1 if name in found else 1,
            )
    return found
