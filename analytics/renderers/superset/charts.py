"""A chart as the assets that show it in Superset: figures are one each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from analytics.dashboard.definition import Chart, DisplayColumn, Format
from analytics.renderers.superset.names import (
    COLOURS,
    ORIGIN,
    VERSION,
    Json,
    chart_names,
    identifier,
    in_order,
    series_labels,
    words,
)

#: In the notation of d3, as in the report.
_FORMATS: Final[Mapping[Format, str]] = {
    "text": "",
    "count": ",d",
    "share": ".1%",
    "times": ",.1f",
    "year": "d",
    "time": "",
    "age": "",
}
_AXES: Final[Mapping[Format, str]] = {**_FORMATS, "count": "~s", "share": ".0%"}
_TIME: Final = "%Y-%m-%d %H:%M"


def chart_assets(chart: Chart) -> Iterator[tuple[str, Json]]:
    """Yield the assets that show a chart, by their names."""
    if chart.kind == "figures":
        for name, value in zip(chart_names(chart), chart.values, strict=True):
            yield name, _asset(chart, name, value.label, "big_number_total", _figure(chart, value))
    elif chart.kind == "table":
        yield chart.id, _asset(chart, chart.id, chart.title, "table", _table(chart))
    else:
        kind = "echarts_area" if chart.kind == "line" else "echarts_timeseries_bar"
        yield chart.id, _asset(chart, chart.id, chart.title, kind, _drawn(chart))


def _asset(chart: Chart, name: str, title: str, kind: str, parameters: Json) -> Json:
    common = {
        "viz_type": kind,
        "adhoc_filters": _filters(chart),
        "color_scheme": COLOURS,
        "time_range": "No filter",
        "extra_form_data": {},
    }
    return {
        "version": VERSION,
        "uuid": identifier("chart", name),
        "dataset_uuid": identifier("dataset", chart.view),
        "slice_name": title,
        "description": f"{chart.title}. View {chart.view}. {chart.empty}",
        "viz_type": kind,
        "params": common | parameters,
        "query_context": None,
        # The next import would undo a change that is made in Superset; a copy can be changed.
        "is_managed_externally": True,
        "external_url": ORIGIN,
    }


def _figure(chart: Chart, value: DisplayColumn) -> Json:
    return {
        "metric": _named(value.column, value.label),
        "y_axis_format": _FORMATS[value.format],
        "header_font_size": 0.6,
        "subtitle": "",
        "subtitle_font_size": 0.15,
    }


def _table(chart: Chart) -> Json:
    return {
        "query_mode": "raw",
        "all_columns": [value.column for value in chart.values],
        "order_by_cols": [json.dumps([column, ascending]) for column, ascending in _order(chart)],
        "row_limit": chart.limit or 1000,
        "server_page_length": 0,
        "table_timestamp_format": _TIME,
        "show_cell_bars": False,
        "color_pn": False,
        "include_search": False,
        "column_config": {
            value.column: {"d3NumberFormat": _FORMATS[value.format]}
            | ({"d3TimeFormat": _TIME} if value.format in ("time", "age") else {})
            | {"horizontalAlign": "left" if value.format in ("text", "time", "age") else "right"}
            for value in chart.values
        },
    }


def _drawn(chart: Chart) -> Json:
    if chart.category is None or chart.sort is None:
        raise ValueError(f"chart {chart.id} has no category, or is not sorted")
    first = chart.values[0]
    ((by, ascending),) = _order(chart)
    made: Json = {
        "x_axis": _axis(chart.category),
        "metrics": [
            _named(value.column, label)
            for value, label in zip(chart.values, series_labels(chart), strict=True)
        ],
        "groupby": [_series(chart)] if chart.series else [],
        "row_limit": chart.limit or 10000,
        "order_desc": not ascending,
        "show_legend": chart.series is not None or len(chart.values) > 1,
        "legendOrientation": "top",
        "legendType": "scroll",
        "rich_tooltip": True,
        "showTooltipTotal": chart.series is not None,
        "truncate_metric": True,
        "sort_series_type": "name",
        "sort_series_ascending": True,
        "y_axis_format": _AXES[first.format],
        "truncateXAxis": True,
        "truncateYAxis": False,
        "x_axis_title": "",
        "y_axis_title": "",
        "x_axis_title_margin": 0,
        "y_axis_title_margin": 0,
    }
    if by != chart.category.column:
        labels = zip((value.column for value in chart.values), series_labels(chart), strict=True)
        sort = _named(by, dict(labels).get(by, by))
        # Bars are drawn from the bottom upwards: the first one comes last.
        made |= {
            "timeseries_limit_metric": sort,
            "x_axis_sort": sort["label"],
            "x_axis_sort_asc": not ascending if chart.kind == "bar" else ascending,
        }
    if chart.kind == "bar":
        return made | {
            "orientation": "horizontal",
            "show_value": True,
            "y_axis_format": _FORMATS[first.format],
        }
    made |= {
        "x_axis_title": chart.category.label,
        "x_axis_title_margin": 30,
        "y_axis_title": first.label,
        "y_axis_title_margin": 50,
        "y_axis_title_position": "Left",
        "x_axis_number_format": _FORMATS[chart.category.format],
    }
    if chart.kind == "line":
        return made | {"opacity": 0.5, "seriesType": "line", "markerEnabled": False}
    return made | {"stack": "Stack", "orientation": "vertical"}


def _order(chart: Chart) -> list[tuple[str, bool]]:
    return [(chart.sort.column, not chart.sort.descending)] if chart.sort else []


def _axis(category: DisplayColumn) -> Any:
    if category.format not in ("time", "age"):
        return category.column
    # A run is a place on the axis and not a moment: runs have no width in time.
    return {
        "expressionType": "SQL",
        "label": category.label,
        "sqlExpression": f"substr(cast({category.column} AS varchar), 1, 16)",
    }


def _series(chart: Chart) -> Any:
    """Return what divides a value: in the given order, other names after them."""
    if chart.series is None or not chart.series_order:
        return chart.series and chart.series.column
    column, order = chart.series.column, chart.series_order
    labels = in_order([words(name) for name in order])
    cases = [
        f"WHEN {_text(name)} THEN {_text(label)}" for name, label in zip(order, labels, strict=True)
    ]
    return {
        "expressionType": "SQL",
        "label": chart.series.label,
        "sqlExpression": f"CASE {column} {' '.join(cases)} ELSE {column} END",
    }


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(column: str, label: str) -> Json:
    # There is one row for each category, so any aggregation gives its value.
    return {
        "expressionType": "SQL",
        "sqlExpression": f"max({column})",
        "label": label,
        "hasCustomLabel": True,
        "optionName": f"metric_{column}",
    }


def _filters(chart: Chart) -> list[Json]:
    kept: list[Json] = [
        {"operator": "==", "operatorId": "EQUALS", "subject": name, "comparator": value}
        for name, value in chart.where.items()
    ]
    if chart.not_null is not None:
        kept.append(
            {
                "operator": "IS NOT NULL",
                "operatorId": "IS_NOT_NULL",
                "subject": chart.not_null,
                "comparator": None,
            }
        )
    common = {"expressionType": "SIMPLE", "clause": "WHERE", "isExtra": False}
    return [common | condition for condition in kept]
