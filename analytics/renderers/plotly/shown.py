"""What of a chart's rows is drawn: over few runs and of years with hardly a work it is not all."""

from __future__ import annotations

from collections import Counter
from typing import Final

from analytics.dashboard.definition import Chart
from analytics.dashboard.report_data import Row
from analytics.renderers.plotly.formats import number_of, text_of

#: Runs from which growth is drawn over time, and subjects of which it is drawn before.
_FEWEST_RUNS: Final = 4
_MOST_BARS: Final = 15
#: Share of the works that an axis of years may leave out at its beginning.
_SHARE_OFF_AXIS: Final = 0.005


def as_shown(chart: Chart, rows: list[Row]) -> tuple[Chart, list[Row]]:
    """Return a chart and its rows as they are drawn.

    Over few runs, columns would be one or two blocks: then it is the newest run alone, with a bar
    for each of the series.
    """
    if chart.kind != "column" or chart.category is None or chart.series is None:
        return chart, rows
    runs = {str(row[chart.category.column]) for row in rows}
    if chart.category.format != "time" or not 0 < len(runs) < _FEWEST_RUNS:
        return chart, rows
    newest, value = max(runs), chart.values[0].column
    found = [row for row in rows if str(row[chart.category.column]) == newest]
    found.sort(key=lambda row: number_of(row[value]), reverse=True)
    title = f"{chart.title}, run of {text_of(newest, 'time')}"
    bars = {"kind": "bar", "category": chart.series, "series": None, "series_order": ()}
    shown = chart.model_copy(update={**bars, "details": (chart.category,), "title": title})
    return shown.model_copy(update={"wide": False}), found[:_MOST_BARS]


def hidden_before(chart: Chart, rows: list[Row]) -> tuple[int, int] | None:
    """Return the year at which an axis begins, and the works before it; None if it has all years.

    A few early works would leave most of the axis empty. The tables have them.
    """
    if chart.category is None or chart.category.format != "year" or not rows:
        return None
    by_year: Counter[int] = Counter()
    for row in rows:
        by_year[int(number_of(row[chart.category.column]))] += int(
            number_of(row[chart.values[0].column])
        )
    first, last = min(by_year), max(by_year)
    before, bound = 0, by_year.total() * _SHARE_OFF_AXIS
    for year in sorted(by_year):
        if before + by_year[year] > bound:
            break
        before += by_year[year]
    start = year - year % 10
    before = sum(works for at, works in by_year.items() if at < start)
    return (start, before) if start - first > (last - first) / 10 else None


def caption(chart: Chart, rows: list[Row]) -> str:
    """Return what is shown, with the years that the axis leaves out."""
    hidden = hidden_before(chart, rows)
    title = as_shown(chart, rows)[0].title
    if hidden is None or chart.category is None:
        return title
    start, works = hidden
    return f"{title}, from {start} on; {works:,} earlier works are in the figures"
