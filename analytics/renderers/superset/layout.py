"""Where the charts of a dashboard are on Superset's grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from analytics.dashboard.definition import Chart, Dashboard
from analytics.renderers.superset.names import Json, chart_names, identifier

#: Columns of Superset's grid.
GRID: Final = 12
#: In units of eight pixels.
_HEIGHTS: Final[Mapping[str, int]] = {
    "figures": 17,
    "bar": 60,
    "column": 50,
    "line": 46,
    "table": 28,
}


def layout(dashboard: Dashboard) -> Json:
    """Return the places: figures in one row, wide charts over the whole width, others by twos."""
    rows = list(_rows(dashboard))
    made: Json = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": dashboard.title}},
        "GRID_ID": {
            "id": "GRID_ID",
            "type": "GRID",
            "children": [f"ROW-{place}" for place in range(len(rows) + 1)],
            "parents": ["ROOT_ID"],
        },
    }
    number = 0
    for place, charts in enumerate(rows):
        height = max(_HEIGHTS[chart.kind] for chart in charts)
        parts = [
            (name, value.label if chart.kind == "figures" else chart.title)
            for chart in charts
            for name, value in zip(
                chart_names(chart),
                chart.values if chart.kind == "figures" else chart.values[:1],
                strict=True,
            )
        ]
        children = []
        for index, (name, title) in enumerate(parts):
            number += 1
            children.append(f"CHART-{name}")
            made[f"CHART-{name}"] = {
                "id": f"CHART-{name}",
                "type": "CHART",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", f"ROW-{place}"],
                "meta": {
                    # Stands for the id that Superset gives it.
                    "chartId": number,
                    "uuid": identifier("chart", name),
                    "sliceName": title,
                    "width": _width(len(parts), index),
                    "height": height,
                },
            }
        made[f"ROW-{place}"] = _row(place, children)
    last = len(rows)
    made["MARKDOWN-source"] = {
        "id": "MARKDOWN-source",
        "type": "MARKDOWN",
        "children": [],
        "parents": ["ROOT_ID", "GRID_ID", f"ROW-{last}"],
        "meta": {"code": f"Source: {dashboard.source}", "width": GRID, "height": 8},
    }
    made[f"ROW-{last}"] = _row(last, ["MARKDOWN-source"])
    return made


def _row(place: int, children: list[str]) -> Json:
    return {
        "id": f"ROW-{place}",
        "type": "ROW",
        "children": children,
        "parents": ["ROOT_ID", "GRID_ID"],
        "meta": {"background": "BACKGROUND_TRANSPARENT"},
    }


def _rows(dashboard: Dashboard) -> Iterator[list[Chart]]:
    waiting: list[Chart] = []
    for chart in dashboard.charts:
        whole = chart.wide or chart.kind == "figures"
        if waiting and (whole or len(waiting) == 2):
            yield waiting
            waiting = []
        if whole:
            yield [chart]
        else:
            waiting.append(chart)
    if waiting:
        yield waiting


def _width(parts: int, index: int) -> int:
    """Return the columns of one of several in a row; those that remain go to the first ones."""
    return GRID // parts + (index < GRID % parts)
