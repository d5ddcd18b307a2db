"""The row contracts of ``subject_snapshots`` and ``subject_facets``."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.subjects import SubjectKind
from schemas.types import Count32, Count64, Int32


class _SubjectRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str = Field(description="Canonical key of the subject, such as place:france")
    kind: SubjectKind = Field(description="subject, person, place or time")


class SubjectSnapshotRow(_SubjectRow):
    """The source's counts for a subject at the time of a run."""

    name: str | None = Field(description="Name of the subject as the source gives it, cleaned")
    work_count: Count64 = Field(description="Works that the source counts under the subject")
    ebook_count: Count64 | None = Field(
        description="Works with a scan; before 2022-10 it may wrongly equal work_count"
    )
    run_id: str = Field(description="Run that fetched the page, such as 20261123T060000Z")
    raw_key: str = Field(description="Key of the raw object that held the counts")
    fetched_at: AwareDatetime = Field(description="When the page was fetched (UTC)")
    contract_version: str = Field(description="Version of the contract that made the row")


class SubjectFacetRow(_SubjectRow):
    """One entry of one facet of a subject at the time of a run."""

    facet: str = Field(
        description="authors, subjects, places, people, times, publishers, languages"
        " or publishing_history"
    )
    position: Count32 = Field(description="Position of the entry in its facet, from 0")
    key: str | None = Field(
        description="Key of the entry: an author's or publisher's, or a subject key as in works"
    )
    name: str = Field(description="Name of the entry, cleaned; the year for publishing_history")
    year: Int32 | None = Field(description="Year of the entry, for publishing_history only")
    count: Count64 = Field(description="Works of the subject that share the entry")
    run_id: str = Field(description="Run that fetched the page, such as 20261123T060000Z")
    raw_key: str = Field(description="Key of the raw object that held the facet")
    fetched_at: AwareDatetime = Field(description="When the page was fetched (UTC)")
    contract_version: str = Field(description="Version of the contract that made the row")
