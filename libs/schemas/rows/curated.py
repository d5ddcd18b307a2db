"""The row contracts of the curated tables: a star schema around ``works``.

Figures that other engines would round differently are whole numbers here: lift is kept in
thousandths, so that Spark, Athena and DuckDB agree on it to the last digit.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.rows.work import AccessLevel, WorkRow
from schemas.subjects import SubjectKind
from schemas.types import Count32, Count64, Int32, Int64

#: The scope that stands for all works of the lake; no subject key holds a "#".
ALL_WORKS: Final = "#all"

Origin = Literal["listing", "dump"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CuratedWorkRow(WorkRow):
    """The newest state of a work: one row per work.

    The newest of the listings and dumps that have the work tells its state. What a dump does not
    know (editions, scans, lending, the names of authors) or leaves out is the newest listing's.
    """

    edition_count: Count32 | None = Field(  # type: ignore[assignment]  # wider: dumps lack it
        description="Number of editions that OpenLibrary knows; null where no listing held the work"
    )
    access_level: AccessLevel | None = Field(  # type: ignore[assignment]  # wider: dumps lack it
        description="open, borrowable, print_disabled, restricted or none; null where no listing"
        " held the work"
    )
    source_subject: str | None = Field(  # type: ignore[assignment]  # wider: dumps have none
        description="Key of the subject whose listing held the work last; null when none did"
    )
    origin: Origin = Field(
        description="What tells the state, and where raw_key points: listing or dump"
    )


class AuthorRow(_Row):
    """An author of at least one work."""

    author_key: str = Field(
        description="OpenLibrary key, such as /authors/OL1A, or name: and the name where the source"
        " gives no key"
    )
    name: str | None = Field(description="Newest name that a work gives; null when none does")
    works: Count64 = Field(description="Works of the author in the lake")
    first_publish_year: Int32 | None = Field(description="Earliest year among these works")
    last_publish_year: Int32 | None = Field(description="Latest year among these works")


class WorkAuthorRow(_Row):
    """A work's author."""

    work_key: str = Field(description="The work, as in works")
    author_key: str = Field(description="The author, as in authors")
    position: Count32 = Field(description="Position among the work's authors, from 0")


class WorkSubjectRow(_Row):
    """A work's subject: named by the work, or the work was found in the subject's listing."""

    work_key: str = Field(description="The work, as in works")
    subject_key: str = Field(description="The subject, as in subjects")
    position: Count32 | None = Field(
        description="Position among the subjects that the work names, from 0; null when only the"
        " subject's listing tells"
    )
    listed_run_id: str | None = Field(
        description="Newest run in which the subject's listing held the work; null when never"
    )


class SubjectRow(_Row):
    """A subject of at least one work, or one that was crawled; with its latest counts."""

    subject_key: str = Field(description="Canonical key, such as love or place:france")
    kind: SubjectKind = Field(description="subject, person, place or time")
    name: str | None = Field(
        description="Name that the source gives, or else the spelling that most works use"
    )
    works: Count64 = Field(description="Works of the subject in the lake")
    work_count: Count64 | None = Field(
        description="Works that OpenLibrary counts, as of run_id; null when never crawled"
    )
    ebook_count: Count64 | None = Field(
        description="Works with a scan that OpenLibrary counts, as of run_id"
    )
    run_id: str | None = Field(description="Newest run that crawled the subject")
    fetched_at: AwareDatetime | None = Field(description="When that run fetched it (UTC)")


class SubjectHistoryRow(_Row):
    """A subject's counts in a run, and what changed since the run before that crawled it."""

    subject_key: str = Field(description="The subject, as in subjects")
    run_id: str = Field(description="Run that crawled it, such as 20261123T060000Z")
    name: str | None = Field(description="Name of the subject as the source has it")
    work_count: Count64 = Field(description="Works that OpenLibrary counted")
    ebook_count: Count64 | None = Field(description="Works with a scan that OpenLibrary counted")
    previous_run_id: str | None = Field(description="The run before; null for the first")
    work_count_delta: Int64 | None = Field(description="work_count less that of the run before")
    ebook_count_delta: Int64 | None = Field(description="ebook_count less that of the run before")
    raw_key: str = Field(description="Key of the raw object that held the counts")
    fetched_at: AwareDatetime = Field(description="When the page was fetched (UTC)")
    listed_works: Count64 | None = Field(
        description="Works that the run found in the subject's listing"
    )


class SubjectPairRow(_Row):
    """Two subjects that works share; each pair once, with subject_key_a before subject_key_b."""

    subject_key_a: str = Field(description="The subject whose key sorts first (by bytes)")
    subject_key_b: str = Field(description="The other subject")
    works: Count64 = Field(description="Works that have both")
    works_a: Count64 = Field(description="Works that have the first")
    works_b: Count64 = Field(description="Works that have the second")
    lift_thousandths: Count64 = Field(
        description="1000 * works * all works / (works_a * works_b), rounded down: 1000 is what"
        " chance would give, more means attraction"
    )


class PublishingHistoryRow(_Row):
    """Works by year of first publication, within a subject."""

    subject_key: str = Field(
        description="The subject, as in subjects, or #all for all works: the crawled subjects and"
        " the largest others"
    )
    year: Int32 = Field(description="Year of first publication")
    works: Count64 = Field(description="Works of the lake")
    source_works: Count64 | None = Field(
        description="Works that OpenLibrary counts, as of source_run_id; null where it gives none"
    )
    source_run_id: str | None = Field(
        description="Newest run in which the source sent the subject's history"
    )


class AuthorRankingRow(_Row):
    """An author's place within a subject."""

    subject_key: str = Field(
        description="The subject, as in subjects, or #all for all works: the crawled subjects and"
        " the largest others"
    )
    rank: Count32 = Field(
        description="Place from 1, by works, then editions, then key; no two authors share one"
    )
    author_key: str = Field(description="The author, as in authors")
    works: Count64 = Field(description="Works of the author in the subject")
    editions: Count64 = Field(description="Editions of these works")
