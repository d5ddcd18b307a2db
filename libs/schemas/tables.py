"""The tables that process writes, each with its row contract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from pydantic import BaseModel

from schemas.derive.columns import Column, columns_of
from schemas.keys import PROCESSED_PREFIX, QUARANTINE_PREFIX
from schemas.rows.facets import SubjectFacetRow, SubjectSnapshotRow
from schemas.rows.quarantine import QuarantineRecord
from schemas.rows.work import WorkRow

TableName = Literal["works", "subject_snapshots", "subject_facets", "quarantine"]


@dataclass(frozen=True)
class Table:
    """A table of the catalogue.

    Attributes
    ----------
    location
        Prefix of the table's objects in the data bucket, with a trailing slash.
    """

    name: TableName
    description: str
    row: type[BaseModel]
    format: Literal["parquet", "json"]
    location: str

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns, without those of the partition."""
        return columns_of(self.row)


#: Every table is partitioned by the UTC day of the run.
PARTITIONS: Final = (
    Column("ingest_date", "string", False, "UTC day of the run, such as 2026-11-23"),
)

WORKS: Final = Table(
    "works",
    "Works of OpenLibrary's subject listings, cleaned: one row per record, subject and run",
    WorkRow,
    "parquet",
    f"{PROCESSED_PREFIX}works/",
)
SUBJECT_SNAPSHOTS: Final = Table(
    "subject_snapshots",
    "OpenLibrary's counts per subject: one row per subject and run",
    SubjectSnapshotRow,
    "parquet",
    f"{PROCESSED_PREFIX}subject_snapshots/",
)
SUBJECT_FACETS: Final = Table(
    "subject_facets",
    "OpenLibrary's facets per subject: one row per entry, subject and run",
    SubjectFacetRow,
    "parquet",
    f"{PROCESSED_PREFIX}subject_facets/",
)
QUARANTINE: Final = Table(
    "quarantine",
    "Rejected records and pages, with the reason and what is needed to replay them",
    QuarantineRecord,
    "json",
    f"{QUARANTINE_PREFIX}works/",
)

TABLES: Final[dict[str, Table]] = {
    table.name: table for table in (WORKS, SUBJECT_SNAPSHOTS, SUBJECT_FACETS, QUARANTINE)
}
