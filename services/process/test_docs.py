"""The table of rules in docs/ says what the rules do."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cleaning import columns, hashing, reasons, values
from process import errors
from process.openlibrary.rows import SCHEMA

TEXT = (Path(__file__).parents[2] / "docs" / "cleaning-rules.md").read_text("utf-8")
EXAMPLES = re.findall(r"^\| `(\w+\(.*?\))` \| `(.*?)` \|", TEXT, re.MULTILINE)


#: They take whole rows; ``record_hash`` has their example.
OF_ROWS = {"work_hash", "work_hashes"}
RULES = {
    name: function
    for module in (values, hashing, columns)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not name.startswith("_") and name not in OF_ROWS
}
# What the values of an example do not tell.
TYPES = {"unique_authors": SCHEMA.field("authors").type, "unique_texts": pa.list_(pa.string())}


def applied(name: str, arguments: list[Any]) -> object:
    rule = RULES[name]
    if rule.__module__ != columns.__name__:
        return rule(*arguments)
    if name == "record_hashes":
        return rule([pa.array(column) for column in arguments[0]]).to_pylist()
    lists = [pa.array(part, TYPES.get(name)) for part in arguments if isinstance(part, list)]
    numbers = [part for part in arguments if not isinstance(part, list)]
    return rule(*map(typed, lists), *numbers).to_pylist()


def typed(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


@pytest.mark.parametrize(("call", "expected"), EXAMPLES)
def test_an_example_is_true(call: str, expected: str) -> None:
    expression = ast.parse(call, mode="eval").body
    assert isinstance(expression, ast.Call)
    assert isinstance(expression.func, ast.Name)
    arguments = list(map(ast.literal_eval, expression.args))

    assert applied(expression.func.id, arguments) == ast.literal_eval(expected)


def test_every_rule_has_an_example() -> None:
    assert {call.partition("(")[0] for call, _ in EXAMPLES} == RULES.keys()


def test_every_reason_is_listed() -> None:
    pages = {error.code for error in errors.PageError.__subclasses__()}
    records = {code for code in vars(reasons).values() if str(code).startswith("record.")}
    records |= set(reasons.RECORD_CODES.values())

    assert (
        set(re.findall(r"^\| `((?:page|record)\.\w+)` \|", TEXT, re.MULTILINE)) == pages | records
    )
