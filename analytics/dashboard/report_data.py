"""What is handed from the lake to the report: the rows of each chart, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from analytics.dashboard.definition import Chart, rows_of

Cell = bool | int | float | str | None
Row = dict[str, Cell]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Provenance(_Record):
    """Where the figures come from.

    Attributes
    ----------
    environment
        The lake's environment, as people say it.
    run_id
        The newest run in the curated tables; none before the first.
    run_status
        What ingest's manifest says of that run.
    incomplete
        Subjects of that run that did not come whole, each with the reason.
    """

    environment: str
    generated_at: AwareDatetime
    run_id: str | None = None
    run_status: Literal["complete", "partial", "failed"] | None = None
    incomplete: tuple[tuple[str, str], ...] = ()


class ReportData(_Record):
    """All that a report shows; rows by the chart's id, in the chart's order."""

    provenance: Provenance
    rows: dict[str, list[Row]]


def chart_rows(chart: Chart, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Return the rows of a view that a chart shows, as JSON can hold them; times are UTC."""
    return [
        {name: _cell(value) for name, value in row.items()} for row in rows_of(chart, columns, rows)
    ]


def _cell(value: Any) -> Cell:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="seconds")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a view gives {type(value).__name__}, which no chart shows")
