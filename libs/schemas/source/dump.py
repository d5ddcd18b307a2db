"""The contract of a record of OpenLibrary's works dump: the JSON of a line's fifth column.

The dump holds what editors typed over fifteen years: ``authors[].type`` is a text or an object, a
description too, author keys may be missing, ``covers`` can hold ``-1`` or null. What the lake does
not use is not checked. Source: https://openlibrary.org/developers/dumps and captured lines.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, NotRequired, TypedDict

from pydantic import BeforeValidator, ConfigDict, FailFast, Field, TypeAdapter

from schemas.source.page import OptionalText, OptionalTexts
from schemas.types import Int64

#: Stands in a processed row for the subject whose listing held the record: a dump has none.
NO_LISTING: Final = ""

_IGNORE: Final = ConfigDict(strict=True, extra="ignore")


def _key_of(value: Any) -> Any:
    # A reference is {"key": ...} or, in old records, the key itself.
    return value.get("key") if isinstance(value, dict) else value


Reference = Annotated[str | None, BeforeValidator(_key_of), Field(default=None)]


def _author_of(value: Any) -> Any:
    # Some records have the author itself where others have its role: a key, or only a name.
    return {"author": value} if isinstance(value, str) else value


class DumpAuthor(TypedDict):
    """An author of a work; the key may be missing, and a name may stand in its place."""

    __pydantic_config__ = _IGNORE  # type: ignore[misc]  # how pydantic does it

    author: NotRequired[Reference]


class DumpWork(TypedDict):
    """A work as the dump gives it."""

    __pydantic_config__ = _IGNORE  # type: ignore[misc]  # as above

    key: Annotated[str, Field(pattern=r"^/works/OL[0-9]{1,18}W$")]
    title: str
    authors: NotRequired[
        Annotated[
            Annotated[list[Annotated[DumpAuthor, BeforeValidator(_author_of)]], FailFast()] | None,
            Field(default=None),
        ]
    ]
    covers: NotRequired[
        Annotated[Annotated[list[Int64 | None], FailFast()] | None, Field(default=None)]
    ]
    first_publish_date: NotRequired[OptionalText]
    subjects: NotRequired[OptionalTexts]
    subject_people: NotRequired[OptionalTexts]
    subject_places: NotRequired[OptionalTexts]
    subject_times: NotRequired[OptionalTexts]


DUMP_WORK: Final[TypeAdapter[DumpWork]] = TypeAdapter(DumpWork)
