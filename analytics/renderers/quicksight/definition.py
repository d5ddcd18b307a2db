"""The dashboard as QuickSight has it: CloudFormation's properties of datasets and a definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from analytics.dashboard.definition import Chart, Dashboard, DisplayColumn, Format
from analytics.views.definitions import View

Json = dict[str, Any]

#: Columns of QuickSight's grid.
GRID: Final = 36
SHEET: Final = "lake"
#: QuickSight's types; those of columns of a table, by Athena's.
TYPES: Final[Mapping[str, str]] = {
    "varchar": "STRING",
    "integer": "INTEGER",
    "bigint": "INTEGER",
    "double": "DECIMAL",
    "timestamp": "DATETIME",
}
_ROWS: Final = {"figures": 4, "bar": 12, "column": 12, "line": 12, "table": 8}
#: A count is added up; a share or a factor of one row cannot be.
_AGGREGATION: Final[Mapping[Format, str]] = {"count": "SUM", "share": "MAX", "times": "MAX"}


def identifier(view: str) -> str:
    """Return a view's name as ids of QuickSight may be: without underscores."""
    return view.replace("_", "-")


def input_columns(view: View) -> list[Json]:
    """Return the columns of a dataset over a view."""
    return [{"Name": column.name, "Type": TYPES[column.type]} for column in view.columns]


def definition(dashboard: Dashboard, dataset_arns: Mapping[str, Any]) -> Json:
    """Return the definition of the dashboard.

    Parameters
    ----------
    dataset_arns
        ARN of each view's dataset, or what CloudFormation makes it of.
    """
    used = sorted({chart.view for chart in dashboard.charts})
    return {
        "DataSetIdentifierDeclarations": [
            {"Identifier": identifier(view), "DataSetArn": dataset_arns[view]} for view in used
        ],
        "Sheets": [
            {
                "SheetId": SHEET,
                "Name": dashboard.title,
                "Visuals": [visual for chart in dashboard.charts for _, visual in _visuals(chart)],
                "Layouts": [{"Configuration": {"GridLayout": {"Elements": _layout(dashboard)}}}],
            }
        ],
        "FilterGroups": [group for chart in dashboard.charts for group in _filters(chart)],
    }


def _visuals(chart: Chart) -> Iterator[tuple[str, Json]]:
    if chart.kind == "figures":
        for value in chart.values:
            visual_id = f"{chart.id}-{identifier(value.column)}"
            fields = {"FieldWells": {"Values": [_measure(chart, value, visual_id)]}}
            yield visual_id, {
                "KPIVisual": {
                    "VisualId": visual_id,
                    "Title": _title(value.label),
                    "ChartConfiguration": fields,
                }
            }
    elif chart.kind == "table":
        values = [
            {"FieldId": f"{chart.id}-{identifier(part.column)}", "Column": _column(chart, part)}
            for part in chart.values
        ]
        yield chart.id, {
            "TableVisual": {
                "VisualId": chart.id,
                "Title": _title(chart.title),
                "ChartConfiguration": {
                    "FieldWells": {"TableUnaggregatedFieldWells": {"Values": values}},
                    "FieldOptions": {
                        "SelectedFieldOptions": [
                            {"FieldId": value["FieldId"], "CustomLabel": part.label}
                            for value, part in zip(values, chart.values, strict=True)
                        ]
                    },
                },
            }
        }
    else:
        yield chart.id, _drawn(chart)


def _drawn(chart: Chart) -> Json:
    wells = {
        "Category": [_dimension(chart, chart.category)],
        "Values": [_measure(chart, value, chart.id) for value in chart.values],
    }
    common = {"VisualId": chart.id, "Title": _title(chart.title)}
    if chart.kind == "line":
        configuration = {
            "FieldWells": {"LineChartAggregatedFieldWells": wells},
            "SortConfiguration": {"CategorySort": _sort(chart)},
            "Type": "LINE",
        }
        return {"LineChartVisual": common | {"ChartConfiguration": configuration}}
    if chart.series is not None:
        wells["Colors"] = [_dimension(chart, chart.series)]
    sort: Json = {"CategorySort": _sort(chart)}
    if chart.limit is not None:
        # The rest is not gathered under "other": it would be the longest bar.
        sort["CategoryItemsLimit"] = {"ItemsLimit": chart.limit, "OtherCategories": "EXCLUDE"}
    configuration = {
        "FieldWells": {"BarChartAggregatedFieldWells": wells},
        "SortConfiguration": sort,
        "Orientation": "HORIZONTAL" if chart.kind == "bar" else "VERTICAL",
        "BarsArrangement": "STACKED" if chart.series is not None else "CLUSTERED",
        "DataLabels": {"Visibility": "VISIBLE" if chart.kind == "bar" else "HIDDEN"},
    }
    return {"BarChartVisual": common | {"ChartConfiguration": configuration}}


def _title(text: str) -> Json:
    return {"Visibility": "VISIBLE", "FormatText": {"PlainText": text}}


def _reference(chart: Chart, column: str) -> Json:
    return {"DataSetIdentifier": identifier(chart.view), "ColumnName": column}


def _column(chart: Chart, part: DisplayColumn) -> Json:
    return _reference(chart, part.column)


def _dimension(chart: Chart, part: DisplayColumn | None) -> Json:
    if part is None:
        raise ValueError(f"chart {chart.id} has no category")
    field = {
        "FieldId": f"{chart.id}-{identifier(part.column)}",
        "Column": _column(chart, part),
    }
    if part.format in ("time", "age"):
        # Runs are minutes apart at the nearest.
        return {"DateDimensionField": field | {"DateGranularity": "MINUTE"}}
    if part.format in ("year", "count"):
        return {"NumericalDimensionField": field}
    return {"CategoricalDimensionField": field}


def _measure(chart: Chart, part: DisplayColumn, visual: str) -> Json:
    return {
        "NumericalMeasureField": {
            "FieldId": f"{visual}-{identifier(part.column)}-value",
            "Column": _column(chart, part),
            "AggregationFunction": {"SimpleNumericalAggregation": _AGGREGATION[part.format]},
            "FormatConfiguration": {"FormatConfiguration": _number_format(part.format)},
        }
    }


def _number_format(form: Format) -> Json:
    if form == "share":
        return {"PercentageDisplayFormatConfiguration": _decimals(1)}
    return {"NumberDisplayFormatConfiguration": _decimals(0 if form == "count" else 1)}


def _decimals(places: int) -> Json:
    separators = {"ThousandsSeparator": {"Symbol": "COMMA", "Visibility": "VISIBLE"}}
    return {
        "DecimalPlacesConfiguration": {"DecimalPlaces": places},
        "SeparatorConfiguration": separators,
    }


def _sort(chart: Chart) -> list[Json]:
    if chart.sort is None:
        raise ValueError(f"chart {chart.id} is not sorted")
    direction = "DESC" if chart.sort.descending else "ASC"
    name = chart.sort.column
    if chart.category is not None and name == chart.category.column:
        field = f"{chart.id}-{identifier(name)}"
        return [{"FieldSort": {"FieldId": field, "Direction": direction}}]
    sort = {
        "SortBy": _reference(chart, name),
        "Direction": direction,
        "AggregationFunction": {
            # There is one row for each category, so any of these gives its value.
            "NumericalAggregationFunction": {"SimpleNumericalAggregation": "MAX"}
        },
    }
    return [{"ColumnSort": sort}]


def _filters(chart: Chart) -> Iterator[Json]:
    filters: list[Json] = [
        {
            "CategoryFilter": {
                "FilterId": f"{chart.id}-only-{identifier(name)}",
                "Column": _reference(chart, name),
                "Configuration": {
                    "FilterListConfiguration": {
                        "MatchOperator": "CONTAINS",
                        "CategoryValues": [value],
                    }
                },
            }
        }
        for name, value in chart.where.items()
    ]
    if chart.not_null is not None:
        filters.append(
            {
                "NumericRangeFilter": {
                    "FilterId": f"{chart.id}-filled-{identifier(chart.not_null)}",
                    "Column": _reference(chart, chart.not_null),
                    "NullOption": "NON_NULLS_ONLY",
                }
            }
        )
    if not filters:
        return
    ids = [visual for visual, _ in _visuals(chart)]
    scope = {"SheetId": SHEET, "Scope": "SELECTED_VISUALS", "VisualIds": ids}
    yield {
        "FilterGroupId": f"{chart.id}-filter",
        "CrossDataset": "SINGLE_DATASET",
        "Filters": filters,
        "ScopeConfiguration": {"SelectedSheets": {"SheetVisualScopingConfigurations": [scope]}},
        "Status": "ENABLED",
    }


def _layout(dashboard: Dashboard) -> list[Json]:
    """Return the places: figures in one row, wide charts over the whole width, others by twos."""
    elements: list[Json] = []
    row, column = 0, 0
    for chart in dashboard.charts:
        ids = [visual for visual, _ in _visuals(chart)]
        height = _ROWS[chart.kind]
        width = GRID // len(ids) if len(ids) > 1 else GRID if chart.wide else GRID // 2
        whole = chart.wide or len(ids) > 1
        if whole and column:
            row, column = row + _ROWS["bar"], 0
        for visual in ids:
            elements.append(
                {
                    "ElementId": visual,
                    "ElementType": "VISUAL",
                    "ColumnIndex": column,
                    "ColumnSpan": width,
                    "RowIndex": row,
                    "RowSpan": height if whole else _ROWS["bar"],
                }
            )
            column += width
        if whole or column >= GRID:
            row, column = row + (height if whole else _ROWS["bar"]), 0
    return elements
