from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field

from schemas.derive import release
from schemas.derive.arrow import arrow_schema
from schemas.derive.columns import columns_of
from schemas.derive.compatibility import breaking_changes, catalogue_conflicts, describe
from schemas.derive.glue import glue_comments, glue_types
from schemas.derive.spark import spark_schema
from schemas.tables import TABLES, WORKS
from schemas.types import Int32
from schemas.version import CONTRACT_VERSION

RELEASED = Path(__file__).parents[1] / "released"


class Item(BaseModel):
    name: str | None = Field(description="a name")


class Row(BaseModel):
    number: Int32 | None = Field(description="a number")
    items: list[Item] = Field(description="some items")


def test_one_contract_gives_all_schemas() -> None:
    columns = columns_of(Row)

    assert glue_types(columns) == {"number": "int", "items": "array<struct<name:string>>"}
    item = pa.struct([("name", pa.string())])
    assert arrow_schema(columns) == pa.schema(
        [("number", pa.int32()), ("items", pa.list_(pa.field("element", item)))]
    )
    assert spark_schema(columns)["fields"][0]["type"] == "integer"


def test_an_integer_without_a_width_is_refused() -> None:
    class Careless(BaseModel):
        number: int = Field(description="a number")

    with pytest.raises(TypeError, match=r"Careless\.number"):
        columns_of(Careless)


def test_a_column_without_a_description_is_refused() -> None:
    class Silent(BaseModel):
        text: str

    with pytest.raises(TypeError, match="needs a description"):
        columns_of(Silent)


@pytest.mark.parametrize("table", TABLES.values(), ids=str)
def test_comments_fit_the_catalogue(table: Any) -> None:
    # Glue takes at most 255 characters in a column's comment.
    assert max(map(len, glue_comments(table.columns).values())) <= 255


@pytest.mark.parametrize("name", TABLES)
def test_readers_of_released_rows_are_not_broken(name: str) -> None:
    current = describe(TABLES[name].columns)
    for path in sorted(RELEASED.glob(f"{name}.v*.json")):
        assert list(breaking_changes(json.loads(path.read_text("utf-8")), current)) == []


@pytest.mark.parametrize("name", TABLES)
def test_the_current_version_s_columns_are_recorded(name: str) -> None:
    recorded = json.loads((RELEASED / f"{name}.v{CONTRACT_VERSION}.json").read_text("utf-8"))

    assert recorded == json.loads(json.dumps(describe(TABLES[name].columns)))


def remove(columns: list[dict[str, Any]]) -> None:
    del columns[0]


def retype(columns: list[dict[str, Any]]) -> None:
    columns[2]["type"] = "int64"


def relax(columns: list[dict[str, Any]]) -> None:
    columns[0]["nullable"] = True


def require(columns: list[dict[str, Any]]) -> None:
    columns.append({"name": "new", "type": "string", "nullable": False})


def shrink_struct(columns: list[dict[str, Any]]) -> None:
    del columns[5]["type"]["item"]["fields"][0]


def flatten(columns: list[dict[str, Any]]) -> None:
    columns[5]["type"] = "string"


def widen_struct(columns: list[dict[str, Any]]) -> None:
    fields = columns[5]["type"]["item"]["fields"]
    columns[5]["type"]["item"]["fields"] = [
        *fields,
        {"name": "born", "type": "int32", "nullable": True},
    ]


def insert(columns: list[dict[str, Any]]) -> None:
    columns.insert(3, {"name": "new", "type": "string", "nullable": True})


def swap(columns: list[dict[str, Any]]) -> None:
    columns[0], columns[1] = columns[1], columns[0]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (remove, "work_key: removed"),
        (retype, "edition_count: type changed from int32 to int64"),
        (relax, "work_key: nullable changed from False to True"),
        (require, "new: new, but not nullable: older rows lack it"),
        (shrink_struct, "authors[].key: removed"),
        (flatten, "authors: type changed from list to string"),
        (
            widen_struct,
            "authors[].born: new inside authors[], which changes its type: add a column instead",
        ),
        (insert, "a new column is not at the end"),
        (swap, "columns are in another order"),
    ],
)
def test_a_breaking_change_is_noticed(
    change: Callable[[list[dict[str, Any]]], None], complaint: str
) -> None:
    current = copy.deepcopy(describe(WORKS.columns))
    change(current)

    assert list(breaking_changes(describe(WORKS.columns), current)) == [complaint]


def test_a_new_nullable_column_breaks_nobody() -> None:
    current = [*describe(WORKS.columns), {"name": "new", "type": "string", "nullable": True}]

    assert list(breaking_changes(describe(WORKS.columns), current)) == []


def test_a_table_that_is_read_by_name_may_have_its_columns_anywhere() -> None:
    current = copy.deepcopy(describe(WORKS.columns))
    insert(current)

    assert list(breaking_changes(describe(WORKS.columns), current, by_name=True)) == []


def test_the_catalogue_conflicts_where_a_released_contract_would() -> None:
    found = glue_types(WORKS.columns)
    spaced = found | {"authors": "array< struct<key: STRING, name: string> >"}
    nested = found | {"authors": "array<struct<key:string>>"}
    del found["ia"]

    assert catalogue_conflicts(WORKS.columns, found) == []
    assert catalogue_conflicts(WORKS.columns, spaced) == []
    assert catalogue_conflicts(WORKS.columns, nested) == [
        "authors is array<struct<key:string>> in the catalogue"
        " and array<struct<key:string,name:string>> in the contract"
    ]


def test_a_version_is_recorded_once(tmp_path: Path) -> None:
    assert release.main([], tmp_path) == 0
    current = RELEASED.glob(f"*.v{CONTRACT_VERSION}.json")
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in current}
    works = tmp_path / f"works.v{CONTRACT_VERSION}.json"
    works.write_text("[]\n")

    assert release.main([], tmp_path) == 1
    assert works.read_text() == "[]\n"


def test_the_recorded_files_are_those_that_the_command_writes(tmp_path: Path) -> None:
    release.main([], tmp_path)

    for path in tmp_path.iterdir():
        assert json.loads(path.read_text()) == json.loads((RELEASED / path.name).read_text())
