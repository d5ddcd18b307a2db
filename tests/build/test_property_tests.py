"""Property tests judge what is computed, not how busy the machine is."""

import ast
from pathlib import Path

import pytest

TESTS = sorted(
    path
    for area in ("analytics", "benchmarks", "infra", "libs", "services", "tests", "tools")
    for path in Path(area).rglob("test_*.py")
)


def timed(source: str) -> list[str]:
    """Return the property tests that Hypothesis fails when one example takes long."""
    tree = ast.parse(source)
    shared = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and _has_no_deadline(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(_is_call(one, "given") for one in node.decorator_list)
        and not any(
            _has_no_deadline(one) or (isinstance(one, ast.Name) and one.id in shared)
            for one in node.decorator_list
        )
    ]


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _has_no_deadline(node: ast.expr) -> bool:
    return _is_call(node, "settings") and "deadline=None" in ast.unparse(node)


@pytest.mark.parametrize("path", TESTS, ids=str)
def test_a_property_test_has_no_deadline(path: Path) -> None:
    assert timed(path.read_text(encoding="utf-8")) == []


def test_a_deadline_is_noticed() -> None:
    assert timed("@given(x)\ndef test_a(x): ...") == ["test_a"]
    assert timed("@settings(deadline=None)\n@given(x)\ndef test_a(x): ...") == []
    assert timed("f = settings(deadline=None)\n@f\n@given(x)\ndef test_a(x): ...") == []
