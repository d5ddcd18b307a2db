"""Results of queries as JSON and as CSV."""

import csv
import io
import json
import math
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


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

    def first(self, rows: int | None) -> "QueryResult":
        """Return the result with its first rows; with all of them for None."""
        return replace(self, rows=self.rows[:rows])

    def records(self) -> list[dict[str, Any]]:
        """Return each row as an object that JSON can hold.

        Of two columns with one name the second gets `_2`. JSON has no NaN and no infinity: they
        become null. A decimal becomes a number, with the digits that a double has.
        """
        names = distinct_names(self.columns)
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


def distinct_names(names: list[str]) -> list[str]:
    """Return names without repetitions: the second of two gets `_2`."""
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
