"""Whether a change of the columns would break readers of rows already written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from schemas.derive.columns import Column

Described = dict[str, Any]


def describe(columns: Sequence[Column]) -> list[Described]:
    """Return the columns as plain data, as they are kept in ``released/``, without descriptions."""
    return [_without_descriptions(asdict(column)) for column in columns]


def breaking_changes(
    released: Sequence[Described], current: Sequence[Described], path: str = ""
) -> Iterator[str]:
    """List what in ``current`` would break a reader of ``released`` rows, or the other way round.

    A new nullable column breaks nobody. A column that goes, changes its type or its nullability
    does, and so does a new column that may not be null, because older rows lack it.
    """
    known = {column["name"]: column for column in released}
    named = {column["name"]: column for column in current}
    for name, old in known.items():
        if name not in named:
            yield f"{path}{name}: removed"
        else:
            yield from _changes(old, named[name], f"{path}{name}")
    for name in named.keys() - known.keys():
        if not named[name]["nullable"]:
            yield f"{path}{name}: new, but not nullable: older rows lack it"


def _changes(old: Described, new: Described, path: str) -> Iterator[str]:
    if old["nullable"] != new["nullable"]:
        yield f"{path}: nullable changed from {old['nullable']} to {new['nullable']}"
    yield from _type_changes(old["type"], new["type"], path)


def _type_changes(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        if "item" in old:
            yield from _type_changes(old["item"], new["item"], f"{path}[]")
        else:
            yield from breaking_changes(old["fields"], new["fields"], f"{path}.")
    elif old != new:
        yield f"{path}: type changed from {_short(old)} to {_short(new)}"


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
