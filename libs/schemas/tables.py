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
    name
        Name of its folder and in the lake's ledgers.
    location
        Prefix of the table's objects in the data bucket, with a trailing slash.
    alias
        Its name in the catalogue, where a curated table has its own name.
    """

    name: TableName
    description: str
    row: type[BaseModel]
    format: Literal["parquet", "json"]
    location: str
    alias: str | None = None

    @property
    def catalogue_name(self) -> str:
        """Its name in the catalogue, which the curated tables share."""
        return self.alias or self.name

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
    # Whoever asks for works wants each once, in its newest state: the curated table.
    alias="crawled_works",
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
