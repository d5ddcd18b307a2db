"""Whether a change of the columns would break readers of rows already written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from schemas.derive.columns import Column
from schemas.derive.glue import glue_types, normal_type

Described = dict[str, Any]


def describe(columns: Sequence[Column]) -> list[Described]:
    """Return the columns as plain data, as they are kept in ``released/``, without descriptions."""
    return [_without_descriptions(asdict(column)) for column in columns]


def breaking_changes(
    released: Sequence[Described], current: Sequence[Described], *, by_name: bool = False
) -> Iterator[str]:
    """List what in ``current`` would break a reader of ``released`` rows, or the other way round.

    The one rule of evolution: a new nullable column at the end breaks nobody, and nothing else may
    change. Not a type, in no depth, because the catalogue's type of the whole column would; not a
    column's place, because a partition has the columns of its day, and some engines go by place.

    Parameters
    ----------
    by_name
        Whether the table's readers all go by name, as they do where a build is written anew as a
        whole; then a column may come anywhere.
    """
    known = {column["name"]: column for column in released}
    named = {column["name"]: column for column in current}
    for name, old in known.items():
        if name not in named:
            yield f"{name}: removed"
        else:
            yield from _changes(old, named[name], name)
    for name in named.keys() - known.keys():
        if not named[name]["nullable"]:
            yield f"{name}: new, but not nullable: older rows lack it"
    order = [name for name in named if name in known]
    if not by_name and list(named)[: len(order)] != order:
        yield "a new column is not at the end"
    if not by_name and order != [name for name in known if name in named]:
        yield "columns are in another order"


def catalogue_conflicts(columns: Sequence[Column], found: Mapping[str, str]) -> list[str]:
    """List the columns whose type in the catalogue is not that of the contract.

    The same rule as :func:`breaking_changes`, against what is deployed; a column that the catalogue
    lacks is no conflict, since it can be appended.

    Parameters
    ----------
    found
        Types of the catalogue by column, as somebody may have written them.
    """
    return [
        f"{name} is {found[name]} in the catalogue and {kind} in the contract"
        for name, kind in glue_types(columns).items()
        if name in found and normal_type(found[name]) != kind
    ]


def _changes(old: Described, new: Described, path: str) -> Iterator[str]:
    if old["nullable"] != new["nullable"]:
        yield f"{path}: nullable changed from {old['nullable']} to {new['nullable']}"
    yield from _type_changes(old["type"], new["type"], path)


def _type_changes(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        if "item" in old:
            yield from _type_changes(old["item"], new["item"], f"{path}[]")
        else:
            yield from _field_changes(old["fields"], new["fields"], path)
    elif old != new:
        yield f"{path}: type changed from {_short(old)} to {_short(new)}"


def _field_changes(old: Sequence[Described], new: Sequence[Described], path: str) -> Iterator[str]:
    known = {field["name"]: field for field in old}
    named = {field["name"]: field for field in new}
    for name in known.keys() - named.keys():
        yield f"{path}.{name}: removed"
    for name in named.keys() - known.keys():
        yield f"{path}.{name}: new inside {path}, which changes its type: add a column instead"
    for name in known.keys() & named.keys():
        yield from _changes(known[name], named[name], f"{path}.{name}")
    if list(known) != list(named) and known.keys() == named.keys():
        yield f"{path}: its fields are in another order"


def _short(described: Any) -> str:
    if isinstance(described, str):
        return described
    return "list" if "item" in described else "struct"


def _without_descriptions(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_descriptions(v) for k, v in value.items() if k != "description"}
    if isinstance(value, list | tuple):
        return [_without_descriptions(item) for item in value]
    return value
