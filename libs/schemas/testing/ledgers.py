"""Ledgers of runs that went well."""

from __future__ import annotations

from schemas.ledger.run import ProcessedLedger


def processed_ledger(run_id: str, rows: int = 1, rejected: int = 0) -> ProcessedLedger:
    """Return the ledger of a complete run of one page, of which every record is accounted for."""
    return ProcessedLedger(
        run_id=run_id,
        contract_version="1",
        manifest_status="complete",
        pages=1,
        records=rows + rejected,
        rows=rows,
        quarantined=rejected,
        subjects={},
    )
