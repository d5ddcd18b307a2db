"""The table of rules in docs/ says what the rules do."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from process import errors, quarantine, rules

TEXT = (Path(__file__).parents[2] / "docs" / "cleaning-rules.md").read_text("utf-8")
EXAMPLES = re.findall(r"^\| `(\w+\(.*?\))` \| `(.*?)` \|", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("call", "expected"), EXAMPLES)
def test_an_example_is_true(call: str, expected: str) -> None:
    expression = ast.parse(call, mode="eval").body
    assert isinstance(expression, ast.Call)
    assert isinstance(expression.func, ast.Name)
    arguments = map(ast.literal_eval, expression.args)

    assert getattr(rules, expression.func.id)(*arguments) == ast.literal_eval(expected)


def test_every_rule_has_an_example() -> None:
    public = {
        name
        for name, function in inspect.getmembers(rules, inspect.isfunction)
        if function.__module__ == rules.__name__ and not name.startswith("_")
    }

    assert {call.partition("(")[0] for call, _ in EXAMPLES} == public


def test_every_reason_is_listed() -> None:
    pages = {error.code for error in errors.PageError.__subclasses__()}
    records = {"record.field_type", "record.invalid", *quarantine.RECORD_CODES.values()}

    assert (
        set(re.findall(r"^\| `((?:page|record)\.\w+)` \|", TEXT, re.MULTILINE)) == pages | records
    )
