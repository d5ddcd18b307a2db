"""The tables that glue_etl writes, each with its row contract, its key and what it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from schemas.derive.columns import Column, columns_of
from schemas.derive.glue import storage_descriptor
from schemas.keys import CURATED_PREFIX, below, curated_build_prefix
from schemas.rows.curated import (
    AuthorRankingRow,
    AuthorRow,
    CuratedWorkRow,
    PublishingHistoryRow,
    SubjectHistoryRow,
    SubjectPairRow,
    SubjectRow,
    WorkAuthorRow,
    WorkSubjectRow,
)


@dataclass(frozen=True)
class CuratedTable:
    """A curated table; its files lie in one folder per build and are never changed.

    Attributes
    ----------
    name
        Name of its folder and in the lake's ledgers.
    key, references
        Columns that identify a row, and those whose values are keys of another table, each with
        that table and its column.
    sort
        Columns by which its files are sorted: those of the usual filters.
    """

    name: str
    description: str
    row: type[BaseModel]
    key: tuple[str, ...]
    sort: tuple[str, ...]
    references: Mapping[str, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns."""
        return columns_of(self.row)

    def folder(self, build: str) -> str:
        """Return the folder of a build, below the curated prefix, with a trailing slash."""
        return below(CURATED_PREFIX, curated_build_prefix(self.name, build))

    def table_input(self, location: str) -> dict[str, Any]:
        """Return Glue's ``TableInput`` for the table with its files at a location."""
        return {
            "Name": self.name,
            "Description": self.description,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE"},
            "StorageDescriptor": storage_descriptor(self.columns, location, "parquet"),
        }


_WORK: Final = {"work_key": ("works", "work_key")}
_AUTHOR: Final = {"author_key": ("authors", "author_key")}
_SUBJECT: Final = {"subject_key": ("subjects", "subject_key")}
_SUBJECTS: Final = {f"subject_key_{side}": ("subjects", "subject_key") for side in ("a", "b")}

#: In the order in which they are published: what is referred to before what refers to it.
CURATED: Final[dict[str, CuratedTable]] = {
    table.name: table
    for table in (
        CuratedTable(
            "works",
            "Works, one row per work: its newest state",
            CuratedWorkRow,
            ("work_key",),
            ("work_key",),
        ),
        CuratedTable(
            "authors",
            "Authors of the lake's works",
            AuthorRow,
            ("author_key",),
            ("author_key",),
        ),
        CuratedTable(
            "subjects",
            "Subjects of the lake's works and subjects crawled, with their latest counts",
            SubjectRow,
            ("subject_key",),
            ("subject_key",),
        ),
        CuratedTable(
            "work_authors",
            "Which work has which authors",
            WorkAuthorRow,
            ("work_key", "author_key"),
            ("author_key", "work_key"),
            _WORK | _AUTHOR,
        ),
        CuratedTable(
            "work_subjects",
            "Which work has which subjects, named by the work or told by the subject's listing",
            WorkSubjectRow,
            ("work_key", "subject_key"),
            ("subject_key", "work_key"),
            _WORK | _SUBJECT,
        ),
        CuratedTable(
            "subject_history",
            "OpenLibrary's counts per subject and run, with the change since the run before",
            SubjectHistoryRow,
            ("subject_key", "run_id"),
            ("subject_key", "run_id"),
            _SUBJECT,
        ),
        CuratedTable(
            "subject_pairs",
            "Pairs of subjects that works share, with lift; the most frequent pairs only",
            SubjectPairRow,
            ("subject_key_a", "subject_key_b"),
            ("subject_key_a", "subject_key_b"),
            _SUBJECTS,
        ),
        CuratedTable(
            "publishing_history",
            "Works by year of first publication, of crawled and large subjects and of all works",
            PublishingHistoryRow,
            ("subject_key", "year"),
            ("subject_key", "year"),
            _SUBJECT,
        ),
        CuratedTable(
            "author_rankings",
            "The authors with the most works, of crawled and large subjects and of all works",
            AuthorRankingRow,
            ("subject_key", "rank"),
            ("subject_key", "rank"),
            _SUBJECT | _AUTHOR,
        ),
    )
}
