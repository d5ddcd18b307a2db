"""The run ledger: what a run had to fetch, what it fetched, and what process wrote of it.

``model_dump_json()`` of each model depends on its values alone, so equal facts give equal bytes.
"""

from __future__ import annotations

import functools
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, computed_field

from schemas.keys import RUN_ID_PATTERN, parse_run_id
from schemas.ledger.model import Count, LedgerModel, by_name
from schemas.subjects import SubjectKind

RunStatus = Literal["complete", "partial", "failed"]
SubjectStatus = Literal["complete", "partial", "empty", "failed"]
PageStatus = Literal["processed", "quarantined"]


def _of_a_real_time(run_id: str) -> str:
    parse_run_id(run_id)
    return run_id


RunId = Annotated[str, Field(pattern=rf"^{RUN_ID_PATTERN}$"), AfterValidator(_of_a_real_time)]


class PageEntry(LedgerModel):
    """One raw page: its key, offset (works), works in it, stored bytes and their sha256."""

    key: str
    offset: Count
    works: Count
    bytes: Count
    sha256: str


class SubjectOutcome(LedgerModel):
    """What the crawl of one subject was expected to fetch, and what it fetched.

    Attributes
    ----------
    subject
        The listing that was crawled: the subject's key, and the filters that narrow it, if any.
    reason
        Why the status is not ``complete``.
    expected_first, expected_last
        The source's ``work_count`` on the first and the last page.
    fetched, distinct, duplicates
        Records in the pages, works among them, and records seen before.
    retries
        Requests repeated, for whatever reason.
    refused
        Bodies that came with status 200 and were no page; each is kept in quarantine.
    bytes
        Stored bytes.
    baseline
        The count that the next run is compared with; ``None``: none is known.
    shrunk_runs
        Runs in a row whose count was far below the baseline.
    """

    subject: str
    kind: SubjectKind
    status: SubjectStatus
    reason: str | None = None
    expected_first: int | None = None
    expected_last: int | None = None
    fetched: Count = 0
    distinct: Count = 0
    duplicates: Count = 0
    pages: list[PageEntry] = Field(default_factory=list)
    retries: Count = 0
    bytes: Count = 0
    refused: Count = 0
    baseline: Count | None = None
    shrunk_runs: Count = 0


class RunTotals(LedgerModel):
    """Sums over a run's subjects."""

    subjects: Count = 0
    pages: Count = 0
    fetched: Count = 0
    distinct: Count = 0
    duplicates: Count = 0
    retries: Count = 0
    bytes: Count = 0
    refused: Count = 0

    @classmethod
    def of(cls, outcomes: list[SubjectOutcome]) -> RunTotals:
        """Add up subjects' outcomes."""
        return functools.reduce(cls.plus, outcomes, cls())

    def plus(self, outcome: SubjectOutcome) -> RunTotals:
        """Return the sums with one more subject."""
        summed = ("fetched", "distinct", "duplicates", "retries", "bytes", "refused")
        return RunTotals(
            subjects=self.subjects + 1,
            pages=self.pages + len(outcome.pages),
            **{name: getattr(self, name) + getattr(outcome, name) for name in summed},
        )


class RunManifest(LedgerModel):
    """What ingest fetched in a run; written once, at its end."""

    run_id: RunId
    contract_version: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    status: RunStatus
    subjects: list[SubjectOutcome]

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated properties
    @property
    def totals(self) -> RunTotals:
        """Sums over the subjects."""
        return RunTotals.of(self.subjects)


class SubjectCounts(LedgerModel):
    """Pages, records, rows and quarantined records of one subject in a run."""

    pages: Count = 0
    records: Count = 0
    rows: Count = 0
    quarantined: Count = 0

    def plus(self, other: SubjectCounts) -> SubjectCounts:
        """Add up counts."""
        return SubjectCounts(
            pages=self.pages + other.pages,
            records=self.records + other.records,
            rows=self.rows + other.rows,
            quarantined=self.quarantined + other.quarantined,
        )


class TableCounts(LedgerModel):
    """What one raw page contributed to a table besides ``works``."""

    processed_key: str | None = None
    records: Count = 0
    rows: Count = 0
    quarantined: Count = 0


class PageReceipt(LedgerModel):
    """What process made of one raw page: ``rows + quarantined == records``, always.

    A page quarantined whole counts as one record. ``tables`` holds the same for tables other than
    ``works``.
    """

    run_id: RunId
    raw_key: str
    raw_sha256: str
    records: Count
    rows: Count
    quarantined: Count
    page_status: PageStatus
    reason_code: str | None = None
    processed_key: str | None = None
    quarantine_key: str | None = None
    contract_version: str
    tables: Annotated[dict[str, TableCounts], AfterValidator(by_name)] = Field(default_factory=dict)

    @property
    def counts(self) -> SubjectCounts:
        """What the page adds to its subject."""
        return SubjectCounts(
            pages=1, records=self.records, rows=self.rows, quarantined=self.quarantined
        )


class PartTotals(LedgerModel):
    """What the receipts of a part of a run add up to.

    Attributes
    ----------
    state
        Fingerprint of the receipts: their names and ETags.
    mismatches
        Where they disagree with the manifest; the first ones, and how many there are besides.
    """

    state: str
    subjects: Annotated[dict[str, SubjectCounts], AfterValidator(by_name)]
    mismatches: list[str] = Field(default_factory=list)


class SummedPart(PartTotals):
    """A part as a run's ledger has it, with the ETag of its sum."""

    etag: str


class ProcessedLedger(LedgerModel):
    """What process wrote of a whole run: once every page of the manifest has a receipt.

    It is written anew whenever receipts change, as they do when a corrected process replays pages.

    Attributes
    ----------
    mismatches
        Where receipts and manifest disagree; empty when all is well.
    revision
        Grows with each state of the run.
    state
        Fingerprint of the receipts that are added up: other receipts supersede the ledger. ``None``
        in older ledgers and in those of dumps, which have no receipts.
    parts
        What was added up.
    """

    run_id: RunId
    contract_version: str
    manifest_status: RunStatus
    pages: Count
    records: Count
    rows: Count
    quarantined: Count
    subjects: Annotated[dict[str, SubjectCounts], AfterValidator(by_name)]
    mismatches: list[str] = Field(default_factory=list)
    revision: Count = 1
    state: str | None = None
    parts: list[SummedPart] = Field(default_factory=list)


class DumpSource(LedgerModel):
    """The file that a dump's run was loaded from: its name, size in bytes, and ETag."""

    name: str
    size: Count
    etag: str


class DumpLedger(ProcessedLedger):
    """What the bulk route loaded as a run; ledgers of older versions name no file.

    Attributes
    ----------
    unreadable_works
        Keys of the works that its quarantined lines are of: the source has them nevertheless.
    """

    dump: DumpSource | None = None
    unreadable_works: list[str] = Field(default_factory=list)
