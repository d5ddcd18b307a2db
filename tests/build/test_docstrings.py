"""Docstrings keep one dialect; the linter checks the form of sections, this the choice of words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

AREAS = ("analytics", "benchmarks", "infra", "libs", "services", "tools")
#: Words that a native speaker would not begin a summary with, nor a further clause of it.
ODD = {"give", "gives", "tell", "tells"}
Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def documented(source: str) -> Iterator[tuple[Documented, str]]:
    """Yield each class and function that has a docstring, with it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield node, text


def is_made_of_fields(node: Documented) -> bool:
    """Whether a class says its attributes in its body, as dataclasses and models do."""
    return isinstance(node, ast.ClassDef) and not any(
        isinstance(part, ast.FunctionDef) and part.name == "__init__" for part in node.body
    )


def attributes_of(text: str) -> set[str]:
    """Return the names under *Attributes* in a docstring."""
    section = re.search(r"\nAttributes\n-+\n(.*?)(?=\n\n\S+\n-+\n|\Z)", text, re.DOTALL)
    lines = section[1].splitlines() if section else []
    names = (name for line in lines if line[:1].strip() for name in line.split(","))
    return {name.strip() for name in names}


def names_in(node: ast.ClassDef) -> set[str]:
    """Return what a class defines: its fields, methods, and what it assigns to itself."""
    found = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            found.add(part.attr)
    return found


def faults(source: str) -> list[str]:
    """Return what in a module's docstrings departs from the dialect."""
    found = []
    for node, text in documented(source):
        summary = text.partition("\n\n")[0]
        for word in re.findall(r"(?:^|;\s)(\w+)", summary):
            if word.lower() in ODD:
                found.append(f"line {node.lineno}: {node.name}: say 'return' for {word!r}")
        if is_made_of_fields(node) and "\nParameters\n---" in text:
            found.append(f"line {node.lineno}: {node.name}: its fields are 'Attributes'")
        if "\nReferences\n---" in text:
            found.append(f"line {node.lineno}: {node.name}: an origin is a line 'Source: URL'")
        if isinstance(node, ast.ClassDef):
            found += [
                f"line {node.lineno}: {node.name}: it has no {name}"
                for name in sorted(attributes_of(text) - names_in(node))
            ]
    return found


def test_the_dialect_is_kept() -> None:
    paths = [path for area in AREAS for path in Path(area).rglob("*.py")]

    found = {str(path): faults(path.read_text("utf-8")) for path in paths}

    assert len(paths) > 200
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ('def f():\n    """Give the size."""', "line 1: f: say 'return' for 'Give'"),
        ('def f():\n    """Do it; give the size."""', "line 1: f: say 'return' for 'give'"),
        (
            'class C:\n    """A size.\n\n    Parameters\n    ------\n    x\n        It.\n    """',
            "line 1: C: its fields are 'Attributes'",
        ),
        (
            'class C:\n    """A size.\n\n    Attributes\n    ------\n    x, y\n        It.\n    """'
            "\n    x: int",
            "line 1: C: it has no y",
        ),
        (
            'class C:\n    """A size.\n\n    References\n    ------\n        It.\n    """',
            "line 1: C: an origin is a line 'Source: URL'",
        ),
    ],
)
def test_a_departure_is_found(source: str, fault: str) -> None:
    assert faults(source) == [fault]


def test_a_class_with_a_constructor_has_parameters() -> None:
    source = (
        "class C:\n"
        '    """A size.\n\n    Parameters\n    ----------\n    x\n        It.\n    """\n'
        "    def __init__(self, x): ..."
    )

    assert faults(source) == []
