"""Every object key is built by ``libs/schemas/keys``: no other module that ships spells one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path("libs/schemas/keys")
AREAS = ("analytics", "libs", "services", "tools/lake")
#: How a key, or a part of one, begins or is named.
PREFIXES = (
    *("raw_data/", "processed_data/", "compacted_data/", "quarantine_data/", "curated_data/"),
    *("runs/", "state/"),
)
PARTS = ("ingest_date=", "run_id=", "build=", "offset=")


def modules() -> Iterator[Path]:
    """Yield the modules that ship."""
    for area in AREAS:
        for path in sorted(Path(area).rglob("*.py")):
            for_tests = path.name.startswith(("test_", "conftest")) or "testing" in path.parts
            if not for_tests and HOME not in path.parents:
                yield path


def spelled_keys(source: str) -> list[str]:
    """Return the texts of a module, prose aside, that spell a key or a part of one."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    ]
    return [
        text
        for text in texts
        if (text.startswith(PREFIXES) or text.startswith(PARTS)) and " " not in text
    ]


def test_no_other_module_spells_a_key() -> None:
    found = {str(path): spelled_keys(path.read_text("utf-8")) for path in modules()}

    assert len(found) > 150
    assert {path: keys for path, keys in found.items() if keys} == {}


@pytest.mark.parametrize(
    "source", ['x = f"runs/run_id={r}/"', 'x = "raw_data/dumps/"', 'x = f"{root}build={b}/"']
)
def test_a_spelled_key_is_found(source: str) -> None:
    assert spelled_keys(source)


def test_prose_may_name_keys() -> None:
    assert spelled_keys('def f():\n    """Read runs/x."""\n    print("runs/ holds ledgers")') == []
