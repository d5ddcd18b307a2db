"""What knows OpenLibrary: its own packages, and the few modules that put them to use."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

#: All of a source's protocol and contracts; what somebody replaces to crawl another source.
HOMES = (
    "libs/schemas/source/",
    "services/glue_etl/dump/",
    "services/ingest/openlibrary/",
    "services/process/openlibrary/",
)
#: docs/add-a-source.md says of each what changes in it.
USERS = {
    "libs/cleaning/columns.py",
    "libs/cleaning/values.py",
    "libs/schemas/curated_tables.py",
    "libs/schemas/rows/curated.py",
    "libs/schemas/rows/work.py",
    "libs/schemas/tables.py",
    "services/glue_etl/tables/work_subjects.py",
    "services/glue_etl/tables/precedence.py",
    "services/ingest/handler.py",
    "services/ingest/settings.py",
    "services/process/logic/outputs.py",
    "services/process/logic/stage.py",
}
NAME = "openlibrary"


def modules() -> Iterator[str]:
    """Yield the paths of the modules that ship, outside of the homes."""
    for top in ("libs", "services"):
        for path in sorted(Path(top).rglob("*.py")):
            name = path.as_posix()
            for_tests = path.name.startswith(("test_", "conftest")) or "testing" in path.parts
            if not (for_tests or name.startswith(HOMES)):
                yield name


def knows_the_source(code: str) -> bool:
    """Return whether code, prose aside, names OpenLibrary or imports one of its homes."""
    tree = ast.parse(code)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return any(_names_it(node) for node in ast.walk(tree) if id(node) not in docstrings)


def _names_it(node: ast.AST) -> bool:
    imported = ""
    if isinstance(node, ast.ImportFrom):
        imported = node.module or ""
    elif isinstance(node, ast.alias):
        imported = node.name
    if imported.startswith("schemas.source") or f".{NAME}" in imported:
        return True
    named = [
        value
        for _, value in ast.iter_fields(node)
        if isinstance(value, str) and not isinstance(node, ast.ImportFrom)
    ]
    return any(NAME in name.lower().replace("_", "") for name in named)


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("from ingest.openlibrary.api import Anything", True),
        ("import ingest.openlibrary.api", True),
        ("from schemas.source.page import PAGE", True),
        ("class OpenLibraryPage: ...", True),
        ("def open_library(): ...", True),
        ("URL = 'https://openlibrary.org'", True),
        ("URL = f'https://openlibrary.org/{1}'", True),
        ('"""As OpenLibrary does it."""', False),
        ("# OpenLibrary\nfrom schemas.keys import RawKey", False),
    ],
)
def test_knowledge_is_seen_in_code_and_not_in_prose(code: str, known: bool) -> None:
    assert knows_the_source(code) is known


def test_only_these_modules_know_the_source() -> None:
    found = {name for name in modules() if knows_the_source(Path(name).read_text("utf-8"))}

    assert found == USERS


@pytest.mark.parametrize("home", [home for home in HOMES if home.endswith(f"/{NAME}/")])
def test_a_home_does_not_know_the_logic_that_uses_it(home: str) -> None:
    """GIVEN a service's logic, which uses its source THEN the source is replaced without it."""
    shipped = [one for one in sorted(Path(home).glob("*.py")) if not one.name.startswith("test_")]
    imported = {
        node.module or ""
        for path in shipped
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
    }

    assert len(imported) > 5
    assert [name for name in imported if ".logic" in name] == []


def test_each_of_them_is_in_the_guide() -> None:
    guide = Path("docs/add-a-source.md").read_text("utf-8")

    assert [name for name in (*HOMES, *sorted(USERS)) if f"`{name}`" not in guide] == []
