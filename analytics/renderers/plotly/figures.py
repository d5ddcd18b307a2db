"""Charts as Plotly figures. What comes from the source is text, never markup."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from html import escape
from math import ceil
from typing import Any, Final

from analytics.dashboard.definition import Chart, DisplayColumn
from analytics.dashboard.report_data import Cell, Row
from analytics.renderers.plotly.formats import AXIS, number_of, series_text, text_of, wrapped
from analytics.renderers.plotly.shown import as_shown, caption, hidden_before
from analytics.renderers.plotly.theme import LIGHT, MUTED

#: Characters in a line of a bar's label: a phone leaves two thirds of its width to the bars.
LABEL_WIDTH: Final = 22
_LABEL_LINES: Final = 3
_LINE_HEIGHT: Final = 15
_SHORTEST_ROW: Final = 32
_BAR: Final = 19
_HEIGHT: Final = 340
#: Pixels that a phone leaves to the bars, and that a digit takes.
_NARROWEST: Final = 165
_DIGIT: Final = 8

#: Labels of runs that fit beside each other on a phone, and runs for which there is always room.
_TIME_LABELS: Final = 5
_FEWEST_PLACES: Final = 4
#: Series that are told apart by their colours; further ones are drawn as one.
_MOST_SERIES: Final = MUTED
OTHERS: Final = "all others"

#: Pixels.
IMAGE_WIDTH: Final = 1200
_INDENT: Final = 36

Figure = dict[str, Any]


def figure(chart: Chart, rows: list[Row]) -> Figure:
    """Return a drawn chart as Plotly's data and layout, without a theme and without a title.

    ``colours`` says which of a theme's series each trace has.
    """
    chart, rows = as_shown(chart, rows)
    if chart.category is None:
        raise ValueError(f"chart {chart.id} is told in words, not drawn")
    rows = _folded(chart, rows)
    made = {"bar": _bars, "column": _columns, "line": _lines}[chart.kind](
        chart, chart.category, rows
    )
    made["layout"] |= {"showlegend": False, "dragmode": False, "hovermode": "closest"}
    made["colours"] = list(series_colours(chart, rows).values()) or [0]
    return made


def series_colours(chart: Chart, rows: list[Row]) -> dict[str, int]:
    """Return the colours of a chart by what they stand for, in order.

    A colour is its place in a theme's series. Nothing where there is only one.
    """
    chart, rows = as_shown(chart, rows)
    if chart.series is None:
        names = [value.label for value in chart.values]
        return dict(zip(names, range(len(names)), strict=True)) if len(names) > 1 else {}
    colours = {}
    for place, name in enumerate(_series_values(chart, _folded(chart, rows))):
        colours[series_text(name)] = MUTED if name in chart.muted else place % MUTED
    return colours


def as_image(
    chart: Chart, rows: list[Row], finding: str, footer: str, *, synthetic: bool = False
) -> Figure:
    """Return a chart as a figure that stands by itself: with title, legend and source.

    With ``synthetic`` it says that its works are none of real books.
    """
    made, told = figure(chart, rows), caption(chart, rows)
    chart, rows = as_shown(chart, rows)
    layout = made["layout"]
    title = "<br>".join(escape(line) for line in wrapped(finding, 72, 2))
    told = f"{told} · synthetic works" if synthetic else told
    # Known beforehand, so that the last line begins where the title does.
    left = 200 if chart.kind == "bar" else 84
    layout["yaxis"] |= {"automargin": False}
    layout |= {
        "template": LIGHT.template(),
        "colorway": [LIGHT.series[colour] for colour in made.pop("colours")],
        "paper_bgcolor": LIGHT.card,
        "showlegend": bool(series_colours(chart, rows)),
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        "width": IMAGE_WIDTH,
        "height": max(layout["height"] + 250, 600),
        "margin": {"t": 150, "r": 40, "b": 100, "l": left},
        "title": {
            "text": f"<b>{title}</b><br><sub>{escape(told)}</sub>",
            "x": _INDENT / IMAGE_WIDTH,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 30},
            "font": {"size": 22},
        },
        "annotations": [
            {
                "text": escape(footer),
                "showarrow": False,
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": 0,
                "yref": "paper",
                "yanchor": "top",
                "xshift": _INDENT - left,
                "yshift": -62,
                "font": {"size": 12, "color": LIGHT.soft},
            }
        ],
    }
    return made


def _bars(chart: Chart, category: DisplayColumn, rows: list[Row]) -> Figure:
    places = list(range(len(rows)))
    labels = [
        wrapped(text_of(row[category.column], category.format), LABEL_WIDTH, _LABEL_LINES)
        for row in rows
    ]
    # Room for the longest label, or for the bars beside it.
    lines = max((len(label) for label in labels), default=1)
    bars = len(chart.values)
    row_height = max(_SHORTEST_ROW, 8 + lines * _LINE_HEIGHT, 10 + bars * _BAR)
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": value.label,
            "y": places,
            "x": [row[value.column] for row in rows],
            "text": [text_of(row[value.column], value.format) for row in rows],
            "textposition": "outside",
            "cliponaxis": False,
            "hovertext": [_hover(chart, row, value) for row in rows],
            "hoverinfo": "text",
        }
        for value in chart.values
    ]
    numbers = [number_of(row[v.column]) for row in rows for v in chart.values]
    largest, least = max([0.0, *numbers]), min([0.0, *numbers])
    digits = max(len(text) for trace in data for text in trace["text"])
    # Room beside the longest bar for its figure.
    room = 1 - min(0.5, digits * _DIGIT / _NARROWEST)
    layout = {
        "height": 40 + len(rows) * row_height,
        "margin": {"t": 4, "r": 12, "b": 32, "l": 8},
        "bargap": round(1 - bars * _BAR / row_height, 2),
        "xaxis": {
            "range": [least / room, largest / room or 1],
            "tickformat": AXIS[chart.values[0].format],
            "nticks": 5,
            "fixedrange": True,
            "zeroline": False,
        },
        "yaxis": {
            # By place and not by name: two of one name are two.
            "tickvals": places,
            "ticktext": ["<br>".join(escape(line) for line in label) for label in labels],
            "range": [len(rows) - 0.5, -0.5],
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "ticklabelstandoff": 6,
        },
    }
    return {"data": data, "layout": layout}


def _columns(chart: Chart, category: DisplayColumn, rows: list[Row]) -> Figure:
    (value,) = chart.values
    # A run is a place on the axis and not a moment: runs have no width in time.
    places = list(dict.fromkeys(row[category.column] for row in rows))
    named = category.format == "time"
    data = []
    for name in _series_values(chart, rows):
        mine = [row for row in rows if chart.series is None or row[chart.series.column] == name]
        data.append(
            {
                "type": "bar",
                "name": escape(series_text(name)),
                "x": [
                    places.index(row[category.column]) if named else row[category.column]
                    for row in mine
                ],
                "y": [row[value.column] for row in mine],
                "hovertext": [_hover(chart, row, value) for row in mine],
                "hoverinfo": "text",
                # Shows where one part ends and the next begins, whatever the colours.
                "marker": {"line": {"width": 0.5, "color": "rgba(255,255,255,0.6)"}},
            }
        )
    axis = _from_first_year(chart, rows, {"tickformat": AXIS[category.format]}, beside=6)
    if named:
        # From the newest back, which is always labelled.
        step = max(1, ceil(len(places) / _TIME_LABELS))
        shown = list(range(len(places)))[::-step][::-1]
        # Beside the last column half a label must fit.
        room = max((_FEWEST_PLACES - len(places)) / 2, len(places) / 20)
        axis = {
            "tickvals": shown,
            "ticktext": [_time_label(str(places[place])) for place in shown],
            "tickangle": 0,
            "range": [-0.5 - room, len(places) - 0.5 + room],
        }
    layout = _upright(category, value, axis)
    layout |= {"barmode": "relative", "bargap": 0.28}
    if named and places:
        text = _with_years(category.label, [str(place) for place in places])
        layout["xaxis"]["title"] = {"text": text}
    return {"data": data, "layout": layout}


def _lines(chart: Chart, category: DisplayColumn, rows: list[Row]) -> Figure:
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": value.label,
            "x": [row[category.column] for row in rows],
            "y": [row[value.column] for row in rows],
            "line": {"width": 1.75},
            "fill": "tozeroy" if len(chart.values) == 1 else "none",
            "hovertext": [_hover(chart, row, value) for row in rows],
            "hoverinfo": "text",
        }
        for value in chart.values
    ]
    axis = _from_first_year(chart, rows, {"tickformat": AXIS[category.format]}, beside=0)
    layout = _upright(category, chart.values[0], axis)
    return {"data": data, "layout": layout}


def _from_first_year(
    chart: Chart, rows: list[Row], axis: dict[str, Any], beside: int
) -> dict[str, Any]:
    """Return an axis that begins where most of the data does, with room beside it in years."""
    hidden = hidden_before(chart, rows)
    if hidden is None or chart.category is None:
        return axis
    last = max(int(number_of(row[chart.category.column])) for row in rows)
    return axis | {"range": [hidden[0] - beside, last + beside]}


def _upright(category: DisplayColumn, value: DisplayColumn, axis: dict[str, Any]) -> dict[str, Any]:
    return {
        "height": _HEIGHT,
        "margin": {"t": 12, "r": 12, "b": 44, "l": 48},
        "xaxis": axis
        | {
            "title": {"text": category.label},
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
        },
        "yaxis": {
            "title": {"text": value.label},
            "tickformat": AXIS[value.format],
            "rangemode": "tozero",
            "nticks": 6,
            "fixedrange": True,
            "automargin": True,
        },
    }


def _time_label(moment: str) -> str:
    day = datetime.fromisoformat(moment)
    return f"{day.day} {day:%b}<br>{day:%H:%M}"


def _with_years(label: str, moments: list[str]) -> str:
    years = dict.fromkeys((moments[0][:4], moments[-1][:4]))
    return f"{label}, {'\N{EN DASH}'.join(years)}"


def _folded(chart: Chart, rows: list[Row]) -> list[Row]:
    """Return the rows with no more series than there are colours: the smallest are added up."""
    if chart.series is None or chart.category is None:
        return rows
    series, category, value = chart.series.column, chart.category.column, chart.values[0].column
    if len({row[series] for row in rows}) <= _MOST_SERIES:
        return rows
    sizes: dict[Cell, float] = defaultdict(float)
    for row in rows:
        sizes[row[series]] += abs(number_of(row[value]))
    ranked = sorted(
        sizes, key=lambda name: (name not in chart.series_order, -sizes[name], str(name))
    )
    kept = set(ranked[: _MOST_SERIES - 1])
    rest: dict[Cell, Row] = {}
    for row in rows:
        if row[series] not in kept:
            summed = rest.setdefault(row[category], {category: row[category], series: OTHERS})
            # Values of one unit: their sum is one of it, too.
            summed[value] = (summed.get(value) or 0) + (row[value] or 0)  # type: ignore[operator]
    return [row for row in rows if row[series] in kept] + list(rest.values())


def _series_values(chart: Chart, rows: list[Row]) -> list[Cell]:
    """Return the series in the order of the definition, the others after them by name."""
    if chart.series is None:
        return [None]
    found = {row[chart.series.column] for row in rows}
    ordered: list[Cell] = [name for name in chart.series_order if name in found]
    others = found - set(ordered)
    return ordered + sorted(others, key=lambda name: (name == OTHERS, str(name)))


def _hover(chart: Chart, row: Row, value: DisplayColumn) -> str:
    lines = []
    if chart.category is not None:
        lines.append(escape(text_of(row[chart.category.column], chart.category.format)))
    if chart.series is not None:
        lines.append(escape(series_text(row[chart.series.column])))
    lines += [
        f"{escape(part.label)}: {escape(text_of(row[part.column], part.format))}"
        for part in (value, *chart.details)
    ]
    return "<br>".join(lines)
