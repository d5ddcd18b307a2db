"""Builds without Spark, for what concerns their publication only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from glue_etl.ports import Files
from schemas.curated_tables import CURATED, CuratedTable
from schemas.ledger.curated_build import BuildRecord, RuleOutcome, TableOutcome

MADE: Final = datetime(2026, 11, 23, 7, tzinfo=UTC)
RUN: Final = "20261123T060000Z"


def write_build(files: Files, curated: str, build: str) -> None:
    """Write a file per table, as a job's Spark does; its one row says which build it belongs to."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"build": [build]}), sink)
    for table in CURATED.values():
        files.write(f"{curated}{table.folder(build)}part-0.parquet", sink.getvalue().to_pybytes())


def build_of(body: bytes) -> str:
    """Return which build such a file belongs to."""
    (build,) = pq.read_table(pa.BufferReader(body))["build"].to_pylist()
    return str(build)


def record_of(
    files: Files, curated: str, build: str, broken: Iterable[str] = (), run: str = RUN
) -> BuildRecord:
    """Make the record of such a build."""
    return BuildRecord(
        build=build,
        previous=None,
        mode="full",
        runs={run: "f"},
        new_runs=[run],
        tables={table.name: _outcome(files, curated, table, build) for table in CURATED.values()},
        rules=[RuleOutcome(rule=rule, passed=False, detail="is broken") for rule in broken],
        contract_version="1",
        service_version="0.1.0",
        created_at=MADE,
    )


def _outcome(files: Files, curated: str, table: CuratedTable, build: str) -> TableOutcome:
    found = files.find(f"{curated}{table.folder(build)}")
    return TableOutcome(rows=1, files=len(found), bytes=sum(file.size for file in found))
