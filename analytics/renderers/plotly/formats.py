"""Values as people read them."""

from __future__ import annotations

import textwrap
from typing import Final

from analytics.dashboard.definition import Chart, Format
from analytics.dashboard.report_data import Cell, Row

MISSING: Final = "\N{EN DASH}"
#: What Plotly writes at an axis, in the notation of d3.
AXIS: Final[dict[Format, str]] = {
    "count": "~s",
    "share": ".0%",
    "times": ".1f",
    "year": "d",
    "time": "%d %b %Y<br>%H:%M",
    "text": "",
}


def text_of(value: Cell, form: Format) -> str:
    """Return a value as text: 1,620; 81.5 %; 15.2 times; 2026-11-23 06:00."""
    if value is None:
        return MISSING
    if form == "count":
        return f"{value:,}"
    if form == "share":
        return f"{float(value):.1%}".replace("%", "\N{NO-BREAK SPACE}%")
    if form == "times":
        return f"{float(value):,.1f}\N{NO-BREAK SPACE}times"
    if form == "time":
        return str(value).replace("T", " ")[:16]
    return str(value)


def finding_of(chart: Chart, rows: list[Row]) -> str:
    """Return the chart's sentence about its rows, or what it says when there are none."""
    told = [row for row in rows if _can_be_told(chart, row)]
    if not told:
        return chart.empty
    row = told[0]
    if chart.finding_of:
        # Of equal ones the first: `max` keeps it.
        row = max(told, key=lambda found: _number(found[chart.finding_of or ""]))
    forms: dict[str, Format] = {part.column: part.format for part in chart.shown}
    words = {name: text_of(row[name], forms.get(name, "text")) for name in chart.finding_columns}
    if chart.series and chart.series.column in words:
        words[chart.series.column] = series_text(row[chart.series.column])
    return chart.finding.format_map(words)


def series_text(name: Cell) -> str:
    """Return the name of a series as people write it."""
    return str(name).replace("_", " ")


def wrapped(text: str, width: int, lines: int) -> list[str]:
    """Return a label in a few short lines; what does not fit is left out, and dots say so."""
    return textwrap.wrap(text, width, max_lines=lines, placeholder=" …") or [""]


def _can_be_told(chart: Chart, row: Row) -> bool:
    return all(row[name] is not None for name in (*chart.finding_columns, chart.finding_of) if name)


def _number(value: Cell) -> float:
    return float(value or 0)
