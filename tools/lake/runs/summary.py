"""What a run has fetched and made, once its two ledgers agree."""

from dataclasses import dataclass, field

from lake.aws import Cloud
from lake.errors import RunFailedError
from schemas.ledger.run import ProcessedLedger, RunManifest


@dataclass(frozen=True)
class SubjectSummary:
    """How the crawl of a subject ended."""

    subject: str
    status: str
    works: int
    reason: str | None = None


@dataclass(frozen=True)
class RunSummary:
    """A run in figures: `records_raw` is the sum of rows and quarantined records."""

    run_id: str
    status: str
    pages: int
    records_raw: int
    rows_processed: int
    records_quarantined: int
    subjects: list[SubjectSummary] = field(default_factory=list)


def summarise(cloud: Cloud, manifest: RunManifest, ledger: ProcessedLedger) -> RunSummary:
    """Return the summary of a run, after its two ledgers are reconciled.

    Raises
    ------
    RunFailedError
        A record is neither a row nor in quarantine.
    """
    if ledger.mismatches or ledger.rows + ledger.quarantined != ledger.records:
        raise RunFailedError(
            f"Run {manifest.run_id} does not reconcile: {'; '.join(ledger.mismatches) or ledger}",
            f"'{cloud.command(f'check {manifest.run_id}')}' names what is missing.",
        )
    return RunSummary(
        run_id=manifest.run_id,
        status=manifest.status,
        pages=manifest.totals.pages,
        records_raw=manifest.totals.fetched,
        rows_processed=ledger.rows,
        records_quarantined=ledger.quarantined,
        subjects=[
            SubjectSummary(one.subject, one.status, one.distinct, one.reason)
            for one in manifest.subjects
        ],
    )
