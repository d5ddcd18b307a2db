"""The dashboard: which charts there are, of which view, and how their figures are told.

Plotly, QuickSight and Superset are given what this module reads from ``dashboard.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from analytics.views.definitions import View, ViewColumn, views

FILE: Final = Path(__file__).parent / "dashboard.toml"

Format = Literal["text", "count", "share", "times", "year", "time", "age"]
Kind = Literal["figures", "bar", "column", "line", "table"]
#: What a finding calls the sum over a series.
TOTAL: Final = "total"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

#: The column types that a format can show.
TYPES: Final[Mapping[Format, tuple[str, ...]]] = {
    "text": ("varchar",),
    "count": ("integer", "bigint"),
    "share": ("double",),
    "times": ("double",),
    "year": ("integer",),
    "time": ("timestamp",),
    # A time that the report tells with how long ago it was.
    "age": ("timestamp",),
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DisplayColumn(_Part):
    """A column of the view, with the label and the format in which it is displayed."""

    column: Name
    label: Annotated[str, Field(min_length=1, max_length=40)]
    format: Format


class Sort(_Part):
    """What a chart's rows are sorted by; rows that are equal in it stay as the view has them."""

    column: Name
    descending: bool = False


class Chart(_Part):
    """One chart, row of figures, or table.

    Attributes
    ----------
    title
        What is shown, whatever the data say.
    finding
        A sentence about one row, with its columns in braces: the first row, or the one with the
        most of the column ``finding_of``. With a series it may name ``{total}`` and values of
        ``series_order`` instead: it is then about the category with the largest total.
    empty
        What to say when there is no row.
    category
        What the bars, columns or points stand for.
    values
        What is measured: a bar or line for each; the cells of figures and tables.
    series
        Column by which a value is divided; ``series_order`` says in which order.
    muted
        Values of the series that are drawn in grey: they stand for something that is missing.
    details
        What a tooltip shows beside a value.
    where
        Rows that are shown: those with these values.
    not_null
        Rows that are shown: those that have a value there.
    limit
        Rows that are shown: at most so many.
    wide
        Whether it takes the whole width where two fit beside each other.
    in_quicksight
        Whether QuickSight shows it: CloudFormation bounds the bytes of a template, and a list to
        look things up in is the first to go.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    view: Name
    kind: Kind
    title: Annotated[str, Field(min_length=1, max_length=80)]
    finding: str
    finding_of: Name | None = None
    empty: str = "There are no rows yet."
    category: DisplayColumn | None = None
    values: Annotated[tuple[DisplayColumn, ...], Field(min_length=1)]
    series: DisplayColumn | None = None
    series_order: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    details: tuple[DisplayColumn, ...] = ()
    where: dict[Name, str] = Field(default_factory=dict)
    not_null: Name | None = None
    sort: Sort | None = None
    limit: Annotated[int, Field(ge=1, le=100)] | None = None
    wide: bool = False
    in_quicksight: bool = True

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        drawn = self.kind in ("bar", "column", "line")
        if drawn != (self.category is not None):
            raise ValueError(f"chart {self.id}: a {self.kind} has a category if it is drawn")
        if self.series is not None and (self.kind != "column" or len(self.values) > 1):
            raise ValueError(f"chart {self.id}: only columns of one value are divided by a series")
        if (self.series_order or self.muted) and self.series is None:
            raise ValueError(f"chart {self.id}: there is no series to order")
        if (self.kind == "figures") != (self.sort is None):
            raise ValueError(f"chart {self.id}: figures are one row, all else is sorted")
        if self.kind not in ("figures", "table") and any(
            value.format in ("text", "time", "age") for value in self.values
        ):
            raise ValueError(f"chart {self.id}: what is drawn is a number")
        return self

    @property
    def shown(self) -> tuple[DisplayColumn, ...]:
        """All columns that people read, in order, each once."""
        parts = (self.category, self.series, *self.values, *self.details)
        return tuple(dict.fromkeys(part for part in parts if part is not None))

    @property
    def finding_columns(self) -> tuple[str, ...]:
        """The columns that the finding names."""
        return tuple(name for name in self._named() if name not in self._parts_of_total())

    @property
    def finding_is_of_total(self) -> bool:
        """Whether the finding is about a category as a whole, over all of its series."""
        return any(name in self._parts_of_total() for name in self._named())

    def _named(self) -> list[str]:
        return [name for _, name, _, _ in Formatter().parse(self.finding) if name is not None]

    def _parts_of_total(self) -> tuple[str, ...]:
        return (TOTAL, *self.series_order) if self.series is not None else ()

    def columns(self) -> Iterator[str]:
        """Yield every column that the chart names, maybe more than once."""
        yield from (part.column for part in self.shown)
        yield from self.finding_columns
        yield from self.where
        for name in (self.finding_of, self.not_null, self.sort and self.sort.column):
            if name:
                yield name


class Dashboard(_Part):
    """The charts, in the order in which they are shown; each belongs to a view."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    source: str
    charts: Annotated[tuple[Chart, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_the_views(self) -> Self:
        ids = [chart.id for chart in self.charts]
        for twice in sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"chart {twice}: there are two of this name")
        for chart in self.charts:
            problems = list(_problems(chart, views()))
            if problems:
                raise ValueError(f"chart {chart.id}: {'; '.join(problems)}")
        return self


def read_dashboard(text: str) -> Dashboard:
    """Read a definition.

    Raises
    ------
    tomllib.TOMLDecodeError
        It is not TOML.
    pydantic.ValidationError
        It is not a dashboard, or names something that the views do not have.
    """
    return Dashboard.model_validate(tomllib.loads(text))


@cache
def dashboard() -> Dashboard:
    """Return the dashboard of the project."""
    return read_dashboard(FILE.read_text("utf-8"))


def rows_of(
    chart: Chart, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> list[dict[str, Any]]:
    """Return the rows of a view that a chart shows, in its order."""
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    found = [
        row
        for row in found
        if all(row[name] == value for name, value in chart.where.items())
        and (chart.not_null is None or row[chart.not_null] is not None)
    ]
    if chart.sort is not None:
        name, descending = chart.sort.column, chart.sort.descending
        filled = [row for row in found if row[name] is not None]
        filled.sort(key=lambda row: row[name], reverse=descending)
        found = filled + [row for row in found if row[name] is None]
    return found[: chart.limit]


def _problems(chart: Chart, known: Mapping[str, View]) -> Iterator[str]:
    view = known.get(chart.view)
    if view is None:
        yield f"there is no view {chart.view}"
        return
    for name in sorted({name for name in chart.columns() if view.column(name) is None}):
        yield f"view {view.name} has no column {name}"
    for part in chart.shown:
        column = view.column(part.column)
        if column is not None and column.type not in TYPES[part.format]:
            yield f"{part.column} is a {column.type} and cannot be told as {part.format}"
    yield from _kinds(chart, view)


def _kinds(chart: Chart, view: View) -> Iterator[str]:
    texts = [*chart.where, *([chart.series.column] if chart.series else [])]
    for name in texts:
        if _is(view.column(name), number=True):
            yield f"{name} is a number: rows are chosen and divided by texts"
    if chart.finding_of and _is(view.column(chart.finding_of), number=False):
        yield f"{chart.finding_of} is not a number, so no row has the most of it"


def _is(column: ViewColumn | None, *, number: bool) -> bool:
    return column is not None and column.is_number == number
