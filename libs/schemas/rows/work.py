"""The row contract of the processed table ``works``: the one source of its columns."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.subjects import SubjectKind
from schemas.types import Count32, FromSource, Int32, Int64

AccessLevel = Literal["open", "borrowable", "print_disabled", "restricted", "none"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AuthorRef(_Row):
    """An author named by a work."""

    key: str | None = Field(description="OpenLibrary key, such as /authors/OL1A")
    name: str | None = Field(description="Name as the source gives it, cleaned")


class SubjectRef(_Row):
    """A subject named by a work."""

    key: str | None = Field(
        description="Canonical subject key, such as love or place:france; null when the name has"
        " only punctuation"
    )
    name: str = Field(description="First spelling in the record, cleaned")
    kind: SubjectKind = Field(description="subject, person, place or time")


class WorkRow(_Row):
    """One record of one raw page, cleaned; pages may repeat a work, and so do their rows."""

    work_key: Annotated[str, FromSource("key")] = Field(
        description="OpenLibrary key of the work, such as /works/OL1W"
    )
    title: Annotated[str | None, FromSource("title")] = Field(
        description="Title, cleaned; null when the source gives a blank one"
    )
    edition_count: Annotated[Count32, FromSource("edition_count")] = Field(
        description="Number of editions that OpenLibrary knows"
    )
    first_publish_year: Int32 | None = Field(
        description="Year of first publication; null when unknown, 0 or after fetched_at"
    )
    decade: Int32 | None = Field(description="First year of the decade of first_publish_year")
    authors: list[AuthorRef] = Field(description="Authors, each once, in the source's order")
    subjects: list[SubjectRef] = Field(description="Subjects, each once, in the source's order")
    cover_id: Int64 | None = Field(description="Id of the cover image")
    cover_edition_key: Annotated[str | None, FromSource("cover_edition_key")] = Field(
        description="Edition that the cover shows, such as OL1M"
    )
    cover_url: str | None = Field(description="URL of the cover image, size L")
    work_url: str = Field(description="URL of the work's page at OpenLibrary")
    ia: Annotated[str | None, FromSource("ia")] = Field(
        description="Internet Archive identifier of a scan"
    )
    ia_collections: list[str] = Field(description="Internet Archive collections of the scans")
    lending_edition: Annotated[str | None, FromSource("lending_edition")] = Field(
        description="Edition that can be borrowed, such as OL1M"
    )
    lending_identifier: Annotated[str | None, FromSource("lending_identifier")] = Field(
        description="Internet Archive identifier to borrow by"
    )
    public_scan: Annotated[bool | None, FromSource("public_scan")] = Field(
        description="Whether a scan is free for everybody"
    )
    has_fulltext: bool | None = Field(description="Whether there is a scanned text at all")
    print_disabled: Annotated[bool | None, FromSource("printdisabled")] = Field(
        description="Whether a scan is there for people with print disabilities"
    )
    lending_library: Annotated[bool | None, FromSource("lendinglibrary")] = Field(
        description="Whether the lending library holds it (source field gone since 2024)"
    )
    checked_out: Annotated[bool | None, FromSource("checked_out")] = Field(
        description="Whether it was on loan when fetched (source field gone since 2021)"
    )
    availability_status: str | None = Field(
        description="The source's lending status when fetched: open, borrow_available, private, ..."
    )
    access_level: AccessLevel = Field(
        description="What a reader can do: open, borrowable, print_disabled, restricted or none"
    )
    extra_fields: str | None = Field(
        description="JSON object of the source's fields that this contract does not know"
    )
    record_hash: str = Field(
        description="First 32 hex digits of the SHA-256 over the business fields"
    )
    source_subject: str = Field(description="Key of the subject whose listing held the record")
    run_id: str = Field(description="Run that fetched the record, such as 20261123T060000Z")
    raw_key: str = Field(description="Key of the raw object that holds the record")
    position: Count32 = Field(description="Position of the record in its page, from 0")
    fetched_at: AwareDatetime = Field(description="When the page was fetched (UTC)")
    contract_version: str = Field(description="Version of the contract that made the row")


#: Columns that hold a field of the source, with that field's name.
SOURCE_FIELDS: Final[dict[str, str]] = {
    name: mark.field
    for name, field in WorkRow.model_fields.items()
    for mark in field.metadata
    if isinstance(mark, FromSource)
}
