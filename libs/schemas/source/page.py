"""The contract of OpenLibrary's subjects API: the page, its works and its facets, in every era.

A work that fits becomes a dict with exactly the keys of :class:`SourceWork` plus those of unknown
new fields, and so do its authors. Types are strict: a count that turns into a text is a changed
contract, not something to guess at.

The eras are described by the fields that came and went: ``lendinglibrary`` is gone since 2024,
``checked_out`` since 2021-08, ``availability`` is absent, null, an object or an error object,
``first_publish_year`` was always null before 2022-09, and ``has_fulltext`` was then the text
``"false"``.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from pydantic import ConfigDict, FailFast, Field, TypeAdapter

from schemas.types import Count32, Count64, Int32, Int64

_STRICT_IGNORE: Final = ConfigDict(strict=True, extra="ignore")
_STRICT_ALLOW: Final = ConfigDict(strict=True, extra="allow")

# A default on every optional field makes a valid record's size tell whether it has unknown fields.
OptionalText = Annotated[str | None, Field(default=None)]
OptionalFlag = Annotated[bool | None, Field(default=None)]
# One error is enough to refuse a list: a million of them would take more memory than the list.
OptionalTexts = Annotated[Annotated[list[str], FailFast()] | None, Field(default=None)]
TextFlag = Annotated[bool | Literal["true", "false"] | None, Field(default=None)]


class SourceAuthor(TypedDict):
    """An author of a work; either part may be missing."""

    __pydantic_config__ = _STRICT_ALLOW  # type: ignore[misc]  # how pydantic does it

    key: NotRequired[OptionalText]
    name: NotRequired[OptionalText]


class SourceAvailability(TypedDict):
    """The one part of a work's availability that is used.

    Its ``openlibrary_work`` often differs from the work's key, so nothing may be joined on it.
    """

    __pydantic_config__ = _STRICT_IGNORE  # type: ignore[misc]  # as above

    status: NotRequired[OptionalText]


class SourceWork(TypedDict):
    """A work as the API gives it."""

    __pydantic_config__ = _STRICT_ALLOW  # type: ignore[misc]  # as above

    key: Annotated[str, Field(pattern=r"^/works/OL[0-9]{1,18}W$")]
    title: str
    edition_count: Count32
    cover_id: NotRequired[Annotated[Int64 | None, Field(default=None)]]
    cover_edition_key: NotRequired[OptionalText]
    subject: NotRequired[OptionalTexts]
    ia_collection: NotRequired[OptionalTexts]
    lendinglibrary: NotRequired[OptionalFlag]
    printdisabled: NotRequired[OptionalFlag]
    lending_edition: NotRequired[OptionalText]
    lending_identifier: NotRequired[OptionalText]
    authors: NotRequired[
        Annotated[Annotated[list[SourceAuthor], FailFast()] | None, Field(default=None)]
    ]
    first_publish_year: NotRequired[Annotated[Int32 | None, Field(default=None)]]
    ia: NotRequired[OptionalText]
    public_scan: NotRequired[OptionalFlag]
    has_fulltext: NotRequired[TextFlag]
    checked_out: NotRequired[OptionalFlag]
    availability: NotRequired[Annotated[SourceAvailability | None, Field(default=None)]]


class SourcePage(TypedDict):
    """A page of a subject: what must be there, and the rest as it came.

    Works, facets and names are judged one by one, so that a broken one costs itself alone.
    """

    __pydantic_config__ = _STRICT_ALLOW  # type: ignore[misc]  # as above

    work_count: Count64 | None
    works: list[Any]


class SourceFacet(TypedDict):
    """One entry of a facet: how many works of the subject share an author, a place, ..."""

    __pydantic_config__ = _STRICT_IGNORE  # type: ignore[misc]  # as above

    name: str
    count: Count64
    key: NotRequired[OptionalText]


class SourceHeader(TypedDict):
    """What a page says about its subject as a whole."""

    __pydantic_config__ = _STRICT_IGNORE  # type: ignore[misc]  # as above

    name: NotRequired[OptionalText]
    subject_type: NotRequired[OptionalText]
    work_count: Count64
    ebook_count: NotRequired[Annotated[Count64 | None, Field(default=None)]]


SourceYear = tuple[Int32, Count64]

WORK_FIELDS: Final = frozenset(SourceWork.__annotations__)
AUTHOR_FIELDS: Final = frozenset(SourceAuthor.__annotations__)
FACETS: Final = ("authors", "subjects", "places", "people", "times", "publishers", "languages")
HISTORY: Final = "publishing_history"

PAGE: Final[TypeAdapter[SourcePage]] = TypeAdapter(SourcePage)
WORK: Final[TypeAdapter[SourceWork]] = TypeAdapter(SourceWork)
HEADER: Final[TypeAdapter[SourceHeader]] = TypeAdapter(SourceHeader)
FACET: Final[TypeAdapter[SourceFacet]] = TypeAdapter(SourceFacet)
YEAR: Final[TypeAdapter[SourceYear]] = TypeAdapter(SourceYear)
