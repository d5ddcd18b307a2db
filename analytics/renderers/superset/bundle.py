"""The dashboard as Superset imports it: a bundle of assets, as texts by their path in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analytics.dashboard.definition import Dashboard
from analytics.renderers.plotly.theme import LIGHT, MUTED
from analytics.renderers.superset.charts import chart_assets
from analytics.renderers.superset.layout import layout
from analytics.renderers.superset.names import (
    COLOURS,
    ORIGIN,
    SLUG,
    VERSION,
    Json,
    identifier,
    in_order,
    series_labels,
    words,
)
from analytics.views.definitions import View, views

_TYPES: Final[Mapping[str, str]] = {
    "varchar": "VARCHAR",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "timestamp": "TIMESTAMP",
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


def colour_scheme() -> Json:
    """Return the report's colours as one of Superset's schemes."""
    return {"id": COLOURS, "label": "openlake", "description": "", "colors": [*LIGHT.series]}


def bundle(dashboard: Dashboard, source: Source) -> dict[str, str]:
    """Return the files of the bundle; JSON, which is YAML too."""
    made: dict[str, Json] = {
        "metadata.yaml": {
            "version": VERSION,
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
        for name, asset in chart_assets(chart):
            made[f"charts/{name}.yaml"] = asset
    return {
        f"assets/{path}": json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        for path, content in sorted(made.items())
    }


def _database(source: Source) -> Json:
    return {
        "version": VERSION,
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
        "version": VERSION,
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


def _dashboard(dashboard: Dashboard) -> Json:
    return {
        "version": VERSION,
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
        "position": layout(dashboard),
        "is_managed_externally": True,
        "external_url": ORIGIN,
    }


def _label_colours(dashboard: Dashboard) -> dict[str, str]:
    """Return the colours of the report by what they stand for."""
    found: dict[str, str] = {}
    for chart in dashboard.charts:
        if chart.series is None:
            found |= dict(zip(series_labels(chart), LIGHT.series, strict=False))
        labels = in_order([words(name) for name in chart.series_order])
        for place, (name, label) in enumerate(zip(chart.series_order, labels, strict=True)):
            found[label] = LIGHT.series[MUTED if name in chart.muted else place % MUTED]
    return found
