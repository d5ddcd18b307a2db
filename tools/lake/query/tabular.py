"""Results of queries as JSON, as CSV and as a table for the terminal."""

import csv
import io
import json
import math
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

MAX_TABLE_ROWS = 100
MAX_CELL = 60
MIN_COLUMN = 9
_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "float", "double", "decimal")


@dataclass(frozen=True)
class QueryResult:
    """What a query returned.

    Attributes
    ----------
    columns
        Names, in order; they may repeat.
    types
        Athena's type names.
    rows
        Values as Python has them: int, float, Decimal, str, bool, date, datetime, bytes, list,
        dict.
    """

    columns: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """Return each row as an object that JSON can hold.

        Of two columns with one name the second gets `_2`. JSON has no NaN and no infinity: they
        become null. A decimal becomes a number, with the digits that a double has.
        """
        names = _distinct(self.columns)
        return [
            {name: json_value(value) for name, value in zip(names, row, strict=True)}
            for row in self.rows
        ]


def to_json(result: QueryResult) -> str:
    """Return a JSON list of row objects, one row on each line."""
    lines = [json.dumps(record, ensure_ascii=False) for record in result.records()]
    return "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"


def to_csv(result: QueryResult) -> str:
    """Return CSV as RFC 4180 has it: a header, CRLF; null is an empty field, lists are JSON."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(result.columns)
    for row in result.rows:
        writer.writerow(["" if value is None else plain_text(value) for value in row])
    return text.getvalue()


def to_table(result: QueryResult, width: int = 100, max_rows: int = MAX_TABLE_ROWS) -> "Group":
    """Return a table for the terminal, with the number of rows below it.

    Parameters
    ----------
    result
        What to show.
    width
        Characters of a line; columns that do not fit are left out, and the caption says so.
    max_rows
        Rows shown at most.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    shown = min(len(result.columns), max(1, width // MIN_COLUMN))
    table = Table(box=box.SIMPLE_HEAD)
    cell = max(MIN_COLUMN, min(MAX_CELL, width - 4))
    for name, kind in zip(result.columns[:shown], result.types[:shown], strict=True):
        justify = "right" if kind.split("(")[0] in _NUMBERS else "left"
        table.add_column(
            _cell(name, cell), justify=justify, no_wrap=True, overflow="ellipsis"  # type: ignore[arg-type]
        )
    for row in result.rows[:max_rows]:
        table.add_row(*(_cell(value, cell) for value in row[:shown]))
    # Not the table's own caption, which would wrap at the width of the table.
    return Group(table, Text(_caption(result, shown, max_rows), style="dim"))


def json_value(value: Any) -> Any:
    """Return a value as JSON can hold it; dates and times in ISO 8601, bytes in hexadecimal."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {_text_key(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    return _atom(value)


def plain_text(value: Any) -> str:
    """Return a value as text; lists and structs as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return json.dumps(json_value(value), ensure_ascii=False)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return _atom(value)


def _atom(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return value.hex()
    return str(value)


def _text_key(key: Any) -> str:
    return key if isinstance(key, str) else plain_text(key)


def _distinct(names: list[str]) -> list[str]:
    taken: set[str] = set(names)
    seen: set[str] = set()
    distinct = []
    for name in names:
        candidate, number = name, 2
        while candidate in seen or (candidate != name and candidate in taken):
            candidate, number = f"{name}_{number}", number + 1
        seen.add(candidate)
        distinct.append(candidate)
    return distinct


def _caption(result: QueryResult, shown: int, max_rows: int) -> str:
    count = len(result.rows)
    text = f"{count:,} row" + ("" if count == 1 else "s")
    if count > max_rows:
        text += f", the first {max_rows:,} are shown"
    hidden = len(result.columns) - shown
    if hidden:
        text += f"; {hidden} more columns do not fit (name columns, or use --output json)"
    return text


def _cell(value: Any, length: int) -> "Text":
    """Return a cell without markup and control characters: the data is not trusted."""
    from rich.text import Text

    if value is None:
        return Text("null", style="dim")
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in _line(value))
    return Text(text if len(text) <= length else text[: length - 1] + "…")


def _line(value: Any) -> str:
    return " ".join(plain_text(value).split("\n")).replace("\t", " ")
