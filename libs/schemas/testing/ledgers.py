"""Ledgers of runs that went well."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.ledger.run import ProcessedLedger, SubjectCounts


def processed_ledger(
    run_id: str, rows: int = 1, rejected: int = 0, *, subjects: Mapping[str, int] | None = None
) -> ProcessedLedger:
    """Return the ledger of a complete run of one page, of which every record is accounted for.

    Parameters
    ----------
    subjects
        Rows by subject.
    """
    return ProcessedLedger(
        run_id=run_id,
        contract_version="1",
        manifest_status="complete",
        pages=1,
        records=rows + rejected,
        rows=rows,
        quarantined=rejected,
        subjects={name: SubjectCounts(rows=count) for name, count in (subjects or {}).items()},
    )
