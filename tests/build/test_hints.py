"""A hint to call `./lake` names the environment that it is about.

Without `--env` a command talks to the AWS of this machine, and an operator of AWS would look at,
or send again, what is not theirs. `Cloud.command` adds it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from lake.cli.app import app

TOOL = Path("tools/lake")
#: What is about this machine alone, and the commands that it may name.
OF_THIS_MACHINE = {
    "etl/refresh.py": {"demo"},  # the run by Spark on this machine
    "etl/workspace.py": {"status"},
    "operations/doctor/machine.py": {"demo", "down", "report", "up"},
    "query/execute.py": {"demo"},  # a local AWS without a catalogue
    "terminal/failures.py": {"status", "up"},  # a lost connection to 127.0.0.1
    "terminal/screens.py": {"down", "etl", "query", "report", "status", "tables"},  # the demo
}
STARTS_THE_LOCAL_AWS = {"demo", "up"}
SETTINGS = {"config"}  # of this machine, for every environment


def _with_env() -> set[str]:
    """Return the commands that an environment can be given to."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    groups = {name for name, one in commands.items() if hasattr(one, "commands")}
    takers = {n for n, one in commands.items() if any(p.name == "env" for p in one.params)}
    return groups | takers


NAMED = (_with_env() | STARTS_THE_LOCAL_AWS) - SETTINGS


def _hints(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and command of each call of `./lake` in a module's texts, not its docstrings."""
    tree = ast.parse(source)
    # A text that is a statement by itself is a docstring.
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            for word in re.findall(r"\./lake ([a-z]+)", str(node.value)):
                yield node.lineno, word


def _modules() -> list[Path]:
    found = (path.relative_to(TOOL) for path in sorted(TOOL.rglob("*.py")))
    # What is in local/ has no other AWS, nor has its group of commands.
    return [
        path
        for path in found
        if "local" not in (path.parts[0], path.stem)
        and path.parts[0] != "testing"
        and not path.stem.startswith("test_")
    ]


@pytest.mark.parametrize("path", _modules(), ids=str)
def test_no_hint_leaves_the_environment_out(path: Path) -> None:
    allowed = OF_THIS_MACHINE.get(path.as_posix(), set())
    hints = _hints((TOOL / path).read_text("utf-8"))

    assert not [hint for hint in hints if hint[1] in NAMED - allowed]


def test_a_hint_without_the_environment_is_noticed() -> None:
    source = '"""./lake etl"""\nx = f"{1}: run \'./lake etl --full\'"\ny = "./lake config"\n'

    assert [hint for hint in _hints(source) if hint[1] in NAMED] == [(2, "etl")]
    assert {"check", "replay", "status", "verify"} <= NAMED
    assert "config" not in NAMED
