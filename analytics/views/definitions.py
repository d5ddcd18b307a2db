"""The views: one query per metric, in Athena's dialect, with its columns described above it.

A file begins with comments: what a row is, an empty comment, then each column as
``-- name type [unit]: description``, in the order of the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

FOLDER: Final = Path(__file__).parent

ColumnType = Literal["varchar", "integer", "bigint", "double", "timestamp"]

_COLUMN: Final = re.compile(r"(?P<name>\w+) (?P<type>\w+)(?: \[(?P<unit>[^]]+)\])?: (?P<text>.+)")


class ViewError(ValueError):
    """A view's file does not have the form that this module describes."""


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a view; ``unit`` is empty for a column that is not a quantity."""

    name: str
    type: ColumnType
    unit: str
    description: str

    @property
    def is_number(self) -> bool:
        """Whether it can be added up or compared by size."""
        return self.type in ("integer", "bigint", "double")


@dataclass(frozen=True)
class View:
    """A named query.

    Attributes
    ----------
    description
        What a row is, as one line without a full stop.
    sql
        The query, without its comments and without a semicolon.
    """

    name: str
    description: str
    columns: tuple[ViewColumn, ...]
    sql: str

    def column(self, name: str) -> ViewColumn | None:
        """Return a column by its name."""
        return next((column for column in self.columns if column.name == name), None)


def parse(name: str, text: str) -> View:
    """Read a view from the text of its file.

    Raises
    ------
    ViewError
        The text has another form; the message says which line is wrong.
    """
    lines = text.splitlines()
    header = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    # Comments go: Athena keeps a view as one text, and not every tool that gets it knows them.
    sql = "\n".join(line for line in lines if not line.lstrip().startswith("--")).strip()
    if len(header) < 3 or header[1] or not header[0]:
        raise ViewError(f"{name}: begins with a line about its rows, an empty one, its columns")
    columns = tuple(_column(name, line) for line in header[2:])
    if not re.match(r"(SELECT|WITH)\b", sql) or ";" in sql:
        raise ViewError(f"{name}: is one SELECT, without a semicolon")
    return View(name, header[0], columns, sql)


@cache
def views() -> Mapping[str, View]:
    """Return all views by name, sorted."""
    return {path.stem: parse(path.stem, path.read_text()) for path in sorted(FOLDER.glob("*.sql"))}


def _column(view: str, line: str) -> ViewColumn:
    found = _COLUMN.fullmatch(line)
    if found is None:
        raise ViewError(f"{view}: {line!r} is not 'name type [unit]: description'")
    if found["type"] not in get_args(ColumnType):
        raise ViewError(f"{view}: {found['name']} has a type that views do not use")
    kind: ColumnType = found["type"]  # type: ignore[assignment]  # one of them, as just checked
    return ViewColumn(found["name"], kind, found["unit"] or "", found["text"])
