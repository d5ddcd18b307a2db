"""What is handed from the lake to the report: the rows of each chart, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from analytics.dashboard.definition import Chart, rows_of

SUBJECT: Final = "subject_key"
# As in schemas.rows.curated, which the environment with Plotly does not have; a test compares them.
ALL_WORKS: Final = "#all"

Cell = bool | int | float | str | None
Row = dict[str, Cell]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Record):
    """A source of the works that a report counts.

    Attributes
    ----------
    kind
        ``stand-in``: a server on the machine itself, whose works are synthetic; ``unknown``: the
        raw pages, which say where they are from, are no longer kept.
    name
        Host, or the dump's file.
    works
        Works whose newest state is from there.
    """

    kind: Literal["openlibrary", "stand-in", "other", "dump", "unknown"]
    name: str
    works: int

    def __str__(self) -> str:
        return {
            "openlibrary": f"OpenLibrary's API ({self.name}), {self.works:,} works",
            "stand-in": f"a stand-in of OpenLibrary ({self.name}), {self.works:,} synthetic works",
            "other": f"{self.name}, {self.works:,} works",
            "dump": f"OpenLibrary's dump {self.name}, {self.works:,} works",
            "unknown": f"{self.works:,} works whose raw pages are no longer kept",
        }[self.kind]


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
    sources
        Where the works are from, as the runs' raw pages say.
    """

    environment: str
    generated_at: AwareDatetime
    run_id: str | None = None
    run_status: Literal["complete", "partial", "failed"] | None = None
    incomplete: tuple[tuple[str, str], ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def synthetic_works(self) -> int:
        """Works of a stand-in."""
        return sum(source.works for source in self.sources if source.kind == "stand-in")

    @property
    def source_line(self) -> str:
        """Where the figures are from, in words."""
        return "; ".join(map(str, self.sources)) or "nothing yet"


class SubjectRows(_Record):
    """What the charts that can be narrowed to a subject show of it; rows by the chart's id."""

    name: str
    rows: dict[str, list[Row]]


class ReportData(_Record):
    """All that a report shows; rows by the chart's id, in the chart's order.

    Attributes
    ----------
    subjects
        The same of single subjects, by their keys, the largest first.
    """

    provenance: Provenance
    rows: dict[str, list[Row]]
    subjects: dict[str, SubjectRows] = Field(default_factory=dict)


def is_narrowed(chart: Chart) -> bool:
    """Return whether a chart shows all works, and can show those of one subject."""
    return chart.where == {SUBJECT: ALL_WORKS}


def of_subject(chart: Chart, subject: str) -> Chart:
    """Return a chart of all works as one of a subject."""
    return chart.model_copy(update={"where": {SUBJECT: subject}})


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
