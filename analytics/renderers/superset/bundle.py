"""The dashboard as Superset imports it: a bundle of assets, as texts by their path in it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analytics.dashboard.definition import Chart, Dashboard, DisplayColumn, Format
from analytics.renderers.plotly.theme import LIGHT, MUTED
from analytics.views.definitions import View, views

Json = dict[str, Any]

SLUG: Final = "openlake"
COLOURS: Final = "openlake"
#: Columns of Superset's grid, and the pixels of one unit of height.
GRID: Final = 12
UNIT: Final = 8
#: What is made here is told by this from what somebody made in Superset.
ORIGIN: Final = "https://openlake.invalid/analytics/dashboard/dashboard.toml"

_VERSION: Final = "1.0.0"
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, ORIGIN)
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
#: Hardly seen, and sorts before letters: Superset sorts series by name or size, by nothing else.
_HAIR: Final = "\N{HAIR SPACE}"
_TYPES: Final[Mapping[str, str]] = {
    "varchar": "VARCHAR",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "timestamp": "TIMESTAMP",
}
_HEIGHTS: Final[Mapping[str, int]] = {
    "figures": 17,
    "bar": 60,
    "column": 50,
    "line": 46,
    "table": 28,
}


@dataclass(frozen=True, slots=True)
class Source:
    """The database that has the views.

    Attributes
    ----------
    name
        As people read it.
    uri
        SQLAlchemy's address; without any secret.
    schema
        Where the views are in it.
    """

    name: str
    uri: str
    schema: str


def identifier(kind: str, name: str) -> str:
    """Return the id of an asset: the same at every import, so that it is brought up to date."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def colour_scheme() -> Json:
    """Return the report's colours as one of Superset's schemes."""
    return {"id": COLOURS, "label": "openlake", "description": "", "colors": [*LIGHT.series]}


def bundle(dashboard: Dashboard, source: Source) -> dict[str, str]:
    """Return the files of the bundle; JSON, which is YAML too."""
    made: dict[str, Json] = {
        "metadata.yaml": {
            "version": _VERSION,
            "type": "assets",
            # Superset wants a time; that of the making would make every bundle another one.
            "timestamp": "2026-01-01T00:00:00+00:00",
        },
        "databases/lake.yaml": _database(source),
        "dashboards/lake.yaml": _dashboard(dashboard),
    }
    for name in sorted({chart.view for chart in dashboard.charts}):
        made[f"datasets/lake/{name}.yaml"] = _dataset(dashboard, views()[name], source)
    for chart in dashboard.charts:
        for name, asset in _assets(chart):
            made[f"charts/{name}.yaml"] = asset
    return {
        f"assets/{path}": json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        for path, content in sorted(made.items())
    }


def readable(label: str) -> str:
    """Return a label of a series as people see it."""
    return label.lstrip(_HAIR)


def chart_names(chart: Chart) -> list[str]:
    """Return the names of the assets that show a chart: figures are one each."""
    if chart.kind == "figures":
        return [f"{chart.id}-{value.column}" for value in chart.values]
    return [chart.id]


def _database(source: Source) -> Json:
    return {
        "version": _VERSION,
        "uuid": identifier("database", "lake"),
        "database_name": source.name,
        "sqlalchemy_uri": source.uri,
        "expose_in_sqllab": True,
        # The lake is only read here.
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "allow_run_async": False,
        "extra": {"allows_virtual_table_explore": True},
    }


def _dataset(dashboard: Dashboard, view: View, source: Source) -> Json:
    labels = _labels(dashboard, view)
    return {
        "version": _VERSION,
        "uuid": identifier("dataset", view.name),
        "database_uuid": identifier("database", "lake"),
        "table_name": view.name,
        "schema": source.schema,
        "catalog": None,
        "sql": None,
        "description": view.description,
        "main_dttm_col": None,
        "filter_select_enabled": True,
        "columns": [
            {
                "column_name": column.name,
                "verbose_name": labels.get(column.name),
                "description": column.description,
                "type": _TYPES[column.type],
                "is_dttm": column.type == "timestamp",
                "is_active": True,
                "groupby": True,
                "filterable": True,
            }
            for column in view.columns
        ],
        "metrics": [
            {
                "metric_name": "count",
                "verbose_name": "Rows",
                "metric_type": "count",
                "expression": "count(*)",
            }
        ],
    }


def _labels(dashboard: Dashboard, view: View) -> dict[str, str]:
    """Return what columns are called: as the tables of the view say, then its other charts."""
    charts = [chart for chart in dashboard.charts if chart.view == view.name]
    charts.sort(key=lambda chart: chart.kind != "table")
    labels: dict[str, str] = {}
    for part in (part for chart in charts for part in chart.shown):
        labels.setdefault(part.column, part.label)
    return labels


def _assets(chart: Chart) -> Iterator[tuple[str, Json]]:
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
        "version": _VERSION,
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
            for value, label in zip(chart.values, _labels_of(chart), strict=True)
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
        labels = zip((value.column for value in chart.values), _labels_of(chart), strict=True)
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
    labels = _in_order([_words(name) for name in order])
    cases = [
        f"WHEN {_text(name)} THEN {_text(label)}" for name, label in zip(order, labels, strict=True)
    ]
    return {
        "expressionType": "SQL",
        "label": chart.series.label,
        "sqlExpression": f"CASE {column} {' '.join(cases)} ELSE {column} END",
    }


def _labels_of(chart: Chart) -> list[str]:
    """Return what the values are called, so that they stay in their order."""
    return _in_order([value.label for value in chart.values])


def _in_order(labels: Sequence[str]) -> list[str]:
    """Return labels that sort in the order in which they are given."""
    return [_HAIR * (len(labels) - 1 - place) + label for place, label in enumerate(labels)]


def _words(name: str) -> str:
    return name.replace("_", " ")


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


def _dashboard(dashboard: Dashboard) -> Json:
    return {
        "version": _VERSION,
        "uuid": identifier("dashboard", SLUG),
        "dashboard_title": dashboard.title,
        "description": dashboard.source,
        "slug": SLUG,
        "published": True,
        "css": "",
        "metadata": {
            "color_scheme": COLOURS,
            "label_colors": _label_colours(dashboard),
            "shared_label_colors": [],
            "cross_filters_enabled": False,
            "native_filter_configuration": [],
            "refresh_frequency": 0,
        },
        "position": _layout(dashboard),
        "is_managed_externally": True,
        "external_url": ORIGIN,
    }


def _label_colours(dashboard: Dashboard) -> dict[str, str]:
    """Return the colours of the report by what they stand for."""
    found: dict[str, str] = {}
    for chart in dashboard.charts:
        if chart.series is None:
            found |= dict(zip(_labels_of(chart), LIGHT.series, strict=False))
        labels = _in_order([_words(name) for name in chart.series_order])
        for place, (name, label) in enumerate(zip(chart.series_order, labels, strict=True)):
            found[label] = LIGHT.series[MUTED if name in chart.muted else place % MUTED]
    return found


def _layout(dashboard: Dashboard) -> Json:
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
