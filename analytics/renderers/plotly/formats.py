"""Values as people read them."""

from __future__ import annotations

import textwrap
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from analytics.dashboard.definition import TOTAL, Chart, Format
from analytics.dashboard.report_data import Cell, Row

MISSING: Final = "\N{EN DASH}"
#: What Plotly writes at an axis, in the notation of d3.
AXIS: Final[dict[Format, str]] = {
    "count": "~s",
    "share": ".0%",
    "times": ".1f",
    "year": "d",
    "time": "%d %b %Y<br>%H:%M",
    "age": "%d %b %Y<br>%H:%M",
    "text": "",
}


def text_of(value: Cell, form: Format, now: datetime | None = None) -> str:
    """Return a value as text: 1,620; 81.5 %; 15.2 times; 3 hours old (2026-11-23 06:00).

    Parameters
    ----------
    now
        What an age is counted to; without it only the time is told.
    """
    if value is None:
        return MISSING
    if form == "count":
        return f"{value:,}"
    if form == "share":
        return f"{float(value):.1%}".replace("%", "\N{NO-BREAK SPACE}%")
    if form == "times":
        return f"{float(value):,.1f}\N{NO-BREAK SPACE}times"
    if form in ("time", "age"):
        moment = str(value).replace("T", " ")[:16]
        if form == "time" or now is None:
            return moment
        passed = now - datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
        return f"{_age(passed)} old ({moment})"
    return str(value)


def finding_of(chart: Chart, rows: list[Row], now: datetime | None = None) -> str:
    """Return the chart's sentence about its rows, or what it says when there are none."""
    if rows and chart.finding_is_of_total:
        return _of_total(chart, rows)
    told = [row for row in rows if _can_be_told(chart, row)]
    if not told:
        return chart.empty
    row = told[0]
    if chart.finding_of:
        # Of equal ones the first: `max` keeps it.
        row = max(told, key=lambda found: number_of(found[chart.finding_of or ""]))
    forms: dict[str, Format] = {part.column: part.format for part in chart.shown}
    words = {
        name: text_of(row[name], forms.get(name, "text"), now) for name in chart.finding_columns
    }
    if chart.series and chart.series.column in words:
        words[chart.series.column] = series_text(row[chart.series.column])
    return chart.finding.format_map(words)


def _of_total(chart: Chart, rows: list[Row]) -> str:
    """Return the sentence about the category with the largest sum over its series."""
    if chart.category is None or chart.series is None:
        raise ValueError(f"chart {chart.id}: only a series is added up")
    (value,), category = chart.values, chart.category
    parts: dict[Cell, Counter[str]] = {}
    for row in rows:
        found = parts.setdefault(row[category.column], Counter())
        found[str(row[chart.series.column])] += int(number_of(row[value.column]))
    largest = max(parts, key=lambda name: parts[name].total())
    sums = {TOTAL: parts[largest].total()} | {
        name: parts[largest][name] for name in chart.series_order
    }
    words = {name: text_of(number, value.format) for name, number in sums.items()}
    return chart.finding.format_map(words | {category.column: text_of(largest, category.format)})


def _age(passed: timedelta) -> str:
    minutes = max(0, int(passed.total_seconds()) // 60)
    for size, unit in ((1440, "day"), (60, "hour")):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}s"
    return f"{minutes} minutes" if minutes > 1 else "a minute"


def series_text(name: Cell) -> str:
    """Return the name of a series as people write it."""
    return str(name).replace("_", " ")


def wrapped(text: str, width: int, lines: int) -> list[str]:
    """Return a label in a few short lines; what does not fit is left out, and dots say so."""
    return textwrap.wrap(text, width, max_lines=lines, placeholder=" …") or [""]


def _can_be_told(chart: Chart, row: Row) -> bool:
    return all(row[name] is not None for name in (*chart.finding_columns, chart.finding_of) if name)


def number_of(value: Cell) -> float:
    """Return a cell as a number; 0 for null."""
    return float(value or 0)
