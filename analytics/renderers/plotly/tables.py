"""Rows as HTML tables. What comes from the source is text, never markup."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Final
from urllib.parse import quote

from analytics.dashboard.definition import DisplayColumn
from analytics.dashboard.report_data import ALL_WORKS, Cell, Row
from analytics.renderers.plotly.formats import series_text, text_of

OPENLIBRARY: Final = "https://openlibrary.org"
_NUMBERS: Final = ("count", "share", "times", "year")
#: Columns that fit beside each other on a phone; wider tables turn there, a line for each cell.
_NARROW: Final = 3
#: Which column's key says where a text is at OpenLibrary.
_KEYS: Final = {"title": "work_key", "author": "author_key", "subject": "subject_key"}


def table(
    columns: tuple[DisplayColumn, ...], rows: list[Row], now: datetime, *, links: bool
) -> str:
    """Return a table.

    Parameters
    ----------
    now
        What ages are counted to.
    links
        Whether titles, authors and subjects lead to their pages at OpenLibrary.
    """
    head = "".join(f'<th scope="col"{_align(part)}>{escape(part.label)}</th>' for part in columns)
    body = "".join(
        "<tr>" + "".join(_cell(part, row, now, links=links) for part in columns) + "</tr>"
        for row in rows
    )
    turns = ' class="turns"' if len(columns) > _NARROW else ""
    return f"<table{turns}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(part: DisplayColumn, row: Row, now: datetime, *, links: bool) -> str:
    text = escape(_text(part, row, now))
    address = _address(part, row) if links else None
    if address:
        text = f'<a href="{escape(address)}">{text}</a>'
    return f'<td{_align(part)} data-label="{escape(part.label)}">{text}</td>'


def _text(part: DisplayColumn, row: Row, now: datetime) -> str:
    value = row[part.column]
    return series_text(value) if part.column == "access_level" else text_of(value, part.format, now)


def _address(part: DisplayColumn, row: Row) -> str | None:
    key: Cell = row.get(_KEYS.get(part.column, ""))
    if not isinstance(key, str) or key == ALL_WORKS:
        return None
    path = key if key.startswith("/") else f"/subjects/{key}"
    return OPENLIBRARY + quote(path, safe="/:")


def _align(part: DisplayColumn) -> str:
    if part.format in _NUMBERS:
        return ' class="number"'
    return ' class="time"' if part.format == "time" else ""
