"""The bundle for Superset: whole, made of the definition alone, and the same every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from analytics.dashboard.definition import Chart, dashboard
from analytics.renderers.plotly.theme import LIGHT, MUTED
from analytics.renderers.superset.bundle import Source, bundle, colour_scheme
from analytics.renderers.superset.layout import GRID
from analytics.renderers.superset.names import chart_names, identifier, readable
from analytics.views.definitions import views

SOURCE = Source("Lake", "duckdb:////lake.duckdb?access_mode=read_only", "main")
CHARTS = dashboard().charts


@pytest.fixture(scope="module")
def files() -> dict[str, Any]:
    return {path: json.loads(text) for path, text in bundle(dashboard(), SOURCE).items()}


def _parameters(files: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = files[f"assets/charts/{name}.yaml"]["params"]
    return found


def _chart(name: str) -> Chart:
    return next(chart for chart in CHARTS if chart.id == name)


def test_every_chart_is_there_and_has_one_place_on_the_dashboard(files: dict[str, Any]) -> None:
    names = [name for chart in CHARTS for name in chart_names(chart)]

    assert {path for path in files if "/charts/" in path} == {
        f"assets/charts/{name}.yaml" for name in names
    }
    position = files["assets/dashboards/lake.yaml"]["position"]
    placed = [part["meta"] for part in position.values() if _is_chart(part)]
    placed.sort(key=lambda meta: int(meta["chartId"]))
    assert [meta["uuid"] for meta in placed] == [identifier("chart", name) for name in names]
    assert len({meta["chartId"] for meta in placed}) == len(names)


def _is_chart(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "CHART"


def test_ids_are_used_once_and_every_reference_leads_somewhere(files: dict[str, Any]) -> None:
    ids = [asset["uuid"] for asset in files.values() if "uuid" in asset]
    assert len(ids) == len(set(ids))
    datasets = {asset["uuid"] for path, asset in files.items() if "/datasets/" in path}
    for path, asset in files.items():
        if "/charts/" in path:
            assert asset["dataset_uuid"] in datasets, path
        if "/datasets/" in path:
            assert asset["database_uuid"] == files["assets/databases/lake.yaml"]["uuid"]


def test_datasets_have_the_columns_of_the_views(files: dict[str, Any]) -> None:
    for name in {chart.view for chart in CHARTS}:
        dataset = files[f"assets/datasets/lake/{name}.yaml"]
        columns = [column["column_name"] for column in dataset["columns"]]
        assert columns == [column.name for column in views()[name].columns]
        assert (dataset["table_name"], dataset["schema"]) == (name, "main")


def test_columns_that_charts_name_are_in_their_dataset(files: dict[str, Any]) -> None:
    for chart in CHARTS:
        known = {column.name for column in views()[chart.view].columns}
        for name in chart_names(chart):
            parameters = _parameters(files, name)
            metrics = [*parameters.get("metrics", []), *filter(None, [parameters.get("metric")])]
            named = {metric["sqlExpression"].removeprefix("max(")[:-1] for metric in metrics}
            named |= {condition["subject"] for condition in parameters["adhoc_filters"]}
            named |= set(parameters.get("all_columns", []))
            named |= {part for part in parameters.get("groupby", []) if isinstance(part, str)}
            assert named <= known, name


_PROGRAM = """
import json
from analytics.renderers.superset.test_bundle import SOURCE, bundle, dashboard
print(json.dumps(list(bundle(dashboard(), SOURCE).items())))
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_bundle_is_the_same_every_time(seed: str) -> None:
    """GIVEN another process, whose sets have another order THEN its bundle is this one's."""
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path)}
    made = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**environment, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
    ).stdout

    assert json.loads(made) == [list(item) for item in bundle(dashboard(), SOURCE).items()]


def test_an_import_elsewhere_updates_the_same_assets() -> None:
    other = bundle(dashboard(), Source("Other", "awsathena+rest://@a/b", "b"))
    ids = {path: json.loads(text).get("uuid") for path, text in other.items()}

    assert ids == {p: json.loads(t).get("uuid") for p, t in bundle(dashboard(), SOURCE).items()}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("figures", "big_number_total"),
        ("bar", "echarts_timeseries_bar"),
        ("column", "echarts_timeseries_bar"),
        ("line", "echarts_area"),
        ("table", "table"),
    ],
)
def test_kinds_become_those_of_superset(files: dict[str, Any], kind: str, expected: str) -> None:
    charts = [chart for chart in CHARTS if chart.kind == kind]

    assert charts
    for chart in charts:
        for name in chart_names(chart):
            asset = files[f"assets/charts/{name}.yaml"]
            assert asset["viz_type"] == asset["params"]["viz_type"] == expected
            lies = asset["params"].get("orientation") == "horizontal"
            assert lies == (kind == "bar")


def test_the_first_bar_is_on_top_and_the_largest_are_kept(files: dict[str, Any]) -> None:
    largest, ranked = _parameters(files, "subjects"), _parameters(files, "authors")

    assert (largest["order_desc"], largest["x_axis_sort_asc"]) == (True, True)
    assert largest["x_axis_sort"] == largest["metrics"][0]["label"]
    assert largest["row_limit"] == _chart("subjects").limit
    # By a column that is not drawn.
    assert (ranked["order_desc"], ranked["x_axis_sort_asc"]) == (False, False)
    assert ranked["timeseries_limit_metric"]["sqlExpression"] == "max(rank)"


def test_series_keep_the_order_and_the_colours_of_the_report(files: dict[str, Any]) -> None:
    chart = _chart("decades")
    colours = files["assets/dashboards/lake.yaml"]["metadata"]["label_colors"]
    series = [label for label in colours if readable(label) in _words(chart)]

    # As a browser sorts: a space comes before every letter.
    series.sort(key=lambda label: label.replace("\N{HAIR SPACE}", " "))
    assert [readable(label) for label in series] == _words(chart)
    assert colours[series[0]] == LIGHT.series[0]
    assert next(colours[s] for s in series if readable(s) == "none") == LIGHT.series[MUTED]
    sql = _parameters(files, "decades")["groupby"][0]["sqlExpression"]
    assert all(label in sql for label in series)
    # What nobody thought of is shown, too.
    assert sql.endswith("ELSE access_level END")


def _words(chart: Chart) -> list[str]:
    return [name.replace("_", " ") for name in chart.series_order]


def test_rows_are_chosen_as_the_definition_says(files: dict[str, Any]) -> None:
    (only,) = _parameters(files, "years")["adhoc_filters"]
    (filled,) = _parameters(files, "growth")["adhoc_filters"]

    assert (only["subject"], only["operator"], only["comparator"]) == ("subject_key", "==", "#all")
    assert (filled["subject"], filled["operator"]) == ("works_added", "IS NOT NULL")


def test_a_row_fills_the_width_and_wide_charts_have_one(files: dict[str, Any]) -> None:
    position = files["assets/dashboards/lake.yaml"]["position"]
    for row in (part for name, part in position.items() if name.startswith("ROW-")):
        assert sum(position[child]["meta"]["width"] for child in row["children"]) == GRID
        assert len({position[child]["meta"]["height"] for child in row["children"]}) == 1
    for chart in CHARTS:
        if chart.wide:
            assert position[f"CHART-{chart.id}"]["meta"]["width"] == GRID


def test_tables_tell_columns_by_their_labels(files: dict[str, Any]) -> None:
    chart = _chart("runs")
    columns = files[f"assets/datasets/lake/{chart.view}.yaml"]["columns"]
    labels = {column["column_name"]: column["verbose_name"] for column in columns}
    parameters = _parameters(files, "runs")

    assert parameters["all_columns"] == [value.column for value in chart.values]
    assert all(labels[value.column] == value.label for value in chart.values)
    assert parameters["order_by_cols"] == ['["run_at", false]']
    assert parameters["column_config"]["quarantine_share"]["d3NumberFormat"] == ".1%"


def test_the_scheme_has_the_colours_of_the_report() -> None:
    assert colour_scheme()["colors"] == list(LIGHT.series)
