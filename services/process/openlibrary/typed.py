"""Fast decoders, derived from the source contracts: they accept no record that pydantic refuses.

pydantic stays the contract and the judge. What msgspec decodes into these types is a record of the
contract, with the same value; what it refuses, for whatever reason, is for pydantic to judge. A
test compares the two on captured pages and on generated ones.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final, NotRequired, Union, get_args, get_origin, get_type_hints
from typing import is_typeddict as is_contract

import msgspec
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from schemas.source.page import (
    FACETS,
    HISTORY,
    WORK_FIELDS,
    SourceAuthor,
    SourceAvailability,
    SourceHeader,
    SourcePage,
    SourceWork,
)

_UNIONS: Final = (Union, types.UnionType)


@cache
def struct_of(contract: Any) -> type[msgspec.Struct]:
    """Derive the struct of a ``TypedDict`` contract.

    A field that may be missing is ``None`` then, as the contract has it. Where the contract keeps
    unknown fields, the struct refuses them, so that such a record goes to pydantic.
    """
    fields: list[tuple[str, Any, Any] | tuple[str, Any]] = []
    for name, hint in get_type_hints(contract, include_extras=True).items():
        needed = get_origin(hint) is not NotRequired
        kind = _kind(hint if needed else get_args(hint)[0])
        fields.append((name, kind) if needed else (name, kind, None))
    keeps = contract.__pydantic_config__.get("extra") == "allow"
    return msgspec.defstruct(
        contract.__name__, fields, forbid_unknown_fields=keeps, gc=False, kw_only=True
    )


def _kind(hint: Any) -> Any:
    if get_origin(hint) is Annotated:
        bounds = _bounds(hint.__metadata__)
        kind = _kind(get_args(hint)[0])
        return Annotated[kind, msgspec.Meta(**bounds)] if bounds else kind
    if get_origin(hint) in _UNIONS:
        return Union[tuple(map(_kind, get_args(hint)))]  # noqa: UP007  # of parts made here
    if get_origin(hint) is list:
        return list[_kind(get_args(hint)[0])]  # type: ignore[misc]  # made here
    return struct_of(hint) if is_contract(hint) else hint


def _bounds(metadata: tuple[Any, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for mark in metadata:
        for part in mark.metadata if isinstance(mark, FieldInfo) else (mark,):
            if isinstance(part, Ge):
                found["ge"] = part.ge
            elif isinstance(part, Le):
                found["le"] = part.le
            elif pattern := getattr(part, "pattern", None):
                # pydantic's `$` is the end of the text, and Python's may be followed by a line end.
                found["pattern"] = re.sub(r"\$$", r"\\Z", pattern)
    return found


Work: Final = struct_of(SourceWork)
Author: Final = struct_of(SourceAuthor)
Availability: Final = struct_of(SourceAvailability)
#: What a page may say besides its works and their number, as it came; the rest is skipped.
ABOUT: Final = tuple(
    name
    for name in ("key", *SourceHeader.__annotations__, *FACETS, HISTORY)
    if name not in SourcePage.__annotations__
)


def _page_of(record: Any) -> msgspec.json.Decoder[Any]:
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        ("work_count", _kind(get_type_hints(SourcePage, include_extras=True)["work_count"])),
        ("works", list[record]),
        *((name, msgspec.Raw, msgspec.UNSET) for name in ABOUT),
    ]
    return msgspec.json.Decoder(msgspec.defstruct("Page", fields, kw_only=True))


WORK: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Work)
PAGE: Final = _page_of(Work)
#: A page whose records follow one by one.
SPLIT_PAGE: Final = _page_of(msgspec.Raw)


def work_of(valid: Mapping[str, Any]) -> Any:
    """Return a record that pydantic accepted as :data:`Work`, without its unknown fields."""
    authors, availability = valid["authors"], valid["availability"]
    parts = {
        "authors": authors and [Author(key=one["key"], name=one["name"]) for one in authors],
        "availability": availability and Availability(**availability),
    }
    return Work(**{name: valid[name] for name in WORK_FIELDS} | parts)
