"""The definition for QuickSight, and that each fault in one is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest

from analytics.dashboard.definition import dashboard
from analytics.renderers.quicksight.definition import GRID, TYPES, definition, identifier
from analytics.views.definitions import views

Change = Callable[[dict[str, Any]], None]
ARNS = {name: f"arn:{name}" for name in views()}


def _problems(made: Mapping[str, Any], known: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield what is wrong with a definition that CloudFormation's own checks let pass.

    Parameters
    ----------
    made
        A definition as :func:`definition` gives it.
    known
        QuickSight's types by column, by dataset identifier.
    """
    declared = [item["Identifier"] for item in made["DataSetIdentifierDeclarations"]]
    yield from (f"dataset {name} is declared twice" for name in _twice(declared))
    visuals = [visual for sheet in made["Sheets"] for visual in sheet["Visuals"]]
    bodies = [body for visual in visuals for body in visual.values()]
    yield from (
        f"one visual holds {len(visual)}: {', '.join(visual)}"
        for visual in visuals
        if len(visual) != 1
    )
    ids = [body["VisualId"] for body in bodies]
    yield from (f"visual {name} is there twice" for name in _twice(ids))
    fields = [
        str(node["FieldId"]) for node in _nodes(bodies) if "Column" in node and "FieldId" in node
    ]
    yield from (f"field {name} is there twice" for name in _twice(fields))
    yield from _unknown_references(made, declared, known)
    yield from _misfits(bodies, known)
    yield from _dangling(made, ids, fields)


def _unknown_references(
    made: Mapping[str, Any], declared: list[str], known: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    for node in _nodes(made):
        if "ColumnName" in node and "DataSetIdentifier" in node:
            name, column = node["DataSetIdentifier"], node["ColumnName"]
            if name not in declared:
                yield f"dataset {name} is not declared"
            elif column not in known.get(name, {}):
                yield f"dataset {name} has no column {column}"


def _misfits(bodies: Any, known: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    fitting = {
        "NumericalMeasureField": ("INTEGER", "DECIMAL"),
        "NumericalDimensionField": ("INTEGER", "DECIMAL"),
        "CategoricalDimensionField": ("STRING",),
        "DateDimensionField": ("DATETIME",),
    }
    for node in _nodes(bodies):
        for kind, types in fitting.items():
            if kind in node:
                column = node[kind]["Column"]
                found = known.get(column["DataSetIdentifier"], {}).get(column["ColumnName"])
                if found is not None and found not in types:
                    yield f"{column['ColumnName']} is a {found}, and no {kind}"


def _dangling(made: Mapping[str, Any], ids: list[str], fields: list[str]) -> Iterator[str]:
    placed = [
        element["ElementId"]
        for sheet in made["Sheets"]
        for layout in sheet["Layouts"]
        for element in layout["Configuration"]["GridLayout"]["Elements"]
    ]
    yield from (f"visual {name} has no place" for name in ids if name not in placed)
    yield from (
        f"a place is for visual {name}, which is not there" for name in placed if name not in ids
    )
    for node in _nodes(made):
        for visual in node.get("VisualIds", []):
            if visual not in ids:
                yield f"a filter is for visual {visual}, which is not there"
        sorted_by = node.get("FieldSort", {}).get("FieldId")
        if sorted_by is not None and sorted_by not in fields:
            yield f"a visual is sorted by {sorted_by}, which is not there"


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _known_columns() -> dict[str, dict[str, str]]:
    """Return QuickSight's types by column, by the identifier of each view's dataset."""
    return {
        identifier(view.name): {column.name: TYPES[column.type] for column in view.columns}
        for view in views().values()
    }


@pytest.fixture
def made() -> dict[str, Any]:
    return deepcopy(definition(dashboard(), ARNS))


def _visual(made: dict[str, Any], name: str) -> dict[str, Any]:
    bodies = [body for visual in made["Sheets"][0]["Visuals"] for body in visual.values()]
    found: dict[str, Any] = next(body for body in bodies if body["VisualId"] == name)
    return found


def _wells(made: dict[str, Any], name: str) -> dict[str, Any]:
    wells = _visual(made, name)["ChartConfiguration"]["FieldWells"]
    found: dict[str, Any] = next(iter(wells.values()))
    return found


def _measure(made: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = _wells(made, name)["Values"][0]["NumericalMeasureField"]
    return found


def test_nothing_is_wrong_with_it(made: dict[str, Any]) -> None:
    assert list(_problems(made, _known_columns())) == []


def _same_id(made: dict[str, Any]) -> None:
    _visual(made, "authors")["VisualId"] = "pairs"


def _same_field(made: dict[str, Any]) -> None:
    values = _wells(made, "subjects")["Values"]
    values.append(deepcopy(values[0]))


def _two_in_one(made: dict[str, Any]) -> None:
    first, second, *_ = made["Sheets"][0]["Visuals"][5:]
    first["PieChartVisual"] = next(iter(second.values()))


def _undeclared(made: dict[str, Any]) -> None:
    del made["DataSetIdentifierDeclarations"][0]


def _declared_twice(made: dict[str, Any]) -> None:
    made["DataSetIdentifierDeclarations"] *= 2


def _unknown_column(made: dict[str, Any]) -> None:
    _measure(made, "authors")["Column"]["ColumnName"] = "nope"


def _text_as_sum(made: dict[str, Any]) -> None:
    _measure(made, "authors")["Column"]["ColumnName"] = "author"


def _number_as_text(made: dict[str, Any]) -> None:
    category = _wells(made, "authors")["Category"][0]["CategoricalDimensionField"]
    category["Column"]["ColumnName"] = "works"


def _unplaced(made: dict[str, Any]) -> None:
    layout = made["Sheets"][0]["Layouts"][0]["Configuration"]["GridLayout"]
    layout["Elements"] = [e for e in layout["Elements"] if e["ElementId"] != "authors"]


def _placed_twice_named(made: dict[str, Any]) -> None:
    layout = made["Sheets"][0]["Layouts"][0]["Configuration"]["GridLayout"]
    layout["Elements"].append({"ElementId": "gone"})


def _filter_of_nothing(made: dict[str, Any]) -> None:
    selected = made["FilterGroups"][0]["ScopeConfiguration"]["SelectedSheets"]
    selected["SheetVisualScopingConfigurations"][0]["VisualIds"] = ["gone"]


def _sorted_by_nothing(made: dict[str, Any]) -> None:
    sort = _visual(made, "decades")["ChartConfiguration"]["SortConfiguration"]
    sort["CategorySort"][0]["FieldSort"]["FieldId"] = "gone"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_same_id, "visual pairs is there twice"),
        (_same_field, "is there twice"),
        (_two_in_one, "one visual holds 2"),
        (_undeclared, "dataset data-freshness is not declared"),
        (_declared_twice, "dataset data-freshness is declared twice"),
        (_unknown_column, "dataset top-authors has no column nope"),
        (_text_as_sum, "author is a STRING, and no NumericalMeasureField"),
        (_number_as_text, "works is a INTEGER, and no CategoricalDimensionField"),
        (_unplaced, "visual authors has no place"),
        (_placed_twice_named, "a place is for visual gone"),
        (_filter_of_nothing, "a filter is for visual gone"),
        (_sorted_by_nothing, "sorted by gone"),
    ],
)
def test_a_fault_is_found(made: dict[str, Any], change: Change, message: str) -> None:
    change(made)

    assert any(message in found for found in _problems(made, _known_columns()))


def test_a_share_is_not_added_up(made: dict[str, Any]) -> None:
    aggregation = _measure(made, "ebooks")["AggregationFunction"]

    assert aggregation == {"SimpleNumericalAggregation": "MAX"}


def test_no_two_visuals_share_a_place(made: dict[str, Any]) -> None:
    elements = made["Sheets"][0]["Layouts"][0]["Configuration"]["GridLayout"]["Elements"]
    taken = set()
    for element in elements:
        assert element["ColumnIndex"] + element["ColumnSpan"] <= GRID
        for row in range(element["RowIndex"], element["RowIndex"] + element["RowSpan"]):
            for column in range(
                element["ColumnIndex"], element["ColumnIndex"] + element["ColumnSpan"]
            ):
                assert (row, column) not in taken, element["ElementId"]
                taken.add((row, column))
