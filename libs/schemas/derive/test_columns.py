from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field

from schemas.derive.arrow import arrow_schema
from schemas.derive.columns import columns_of
from schemas.derive.compatibility import breaking_changes, describe
from schemas.derive.glue import glue_comments, glue_types
from schemas.derive.spark import spark_ddl, spark_schema
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
    assert spark_ddl(columns) == "number int, items array<struct<name: string>>"
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


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (remove, "work_key: removed"),
        (retype, "edition_count: type changed from int32 to int64"),
        (relax, "work_key: nullable changed from False to True"),
        (require, "new: new, but not nullable: older rows lack it"),
        (shrink_struct, "authors[].key: removed"),
        (flatten, "authors: type changed from list to string"),
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
