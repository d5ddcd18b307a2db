"""Every command that README and documents show is one that exists, with arguments that it takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from analytics.views.definitions import views
from lake.cli.app import app
from lake.query.dialect.statement import parse
from lake.query.dialect.translate import to_duckdb
from lake.query.metadata import metadata_query
from lake.testing.fake_lake import Lake
from schemas.curated_tables import CURATED
from schemas.derive.glue import glue_types
from schemas.tables import PARTITIONS, TABLES

DOCUMENTS = [Path("README.md"), Path("CONTRIBUTING.md"), *sorted(Path("docs").rglob("*.md"))]
#: Programs that are not the project's, and words of the shell.
FOREIGN = {"aws", "export", "parameter()", "for", "done"}


def _commands() -> Iterator[tuple[str, str]]:
    """Yield each command with its place: those of blocks for a shell, and those within a text."""
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield str(path), line
        plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        for command in re.findall(r"`(\./(?:lake|pants) [^`]+)`", plain):
            yield str(path), " ".join(command.split())


COMMANDS = sorted(set(_commands()))
SQL = (
    {
        name: glue_types((*table.columns, *PARTITIONS))
        for name, table in ((table.catalogue_name, table) for table in TABLES.values())
    }
    | {name: glue_types(table.columns) for name, table in CURATED.items()}
    | {
        name: {column.name: column.type for column in view.columns}
        for name, view in views().items()
    }
)


def _words(command: str) -> list[str]:
    """Return a command's words, without settings before it, a comment, or what follows it."""
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    ends = [place for place, word in enumerate(words) if word in (">", "|", "&&")]
    return words[: ends[0]] if ends else words


def _is_abridged(words: list[str]) -> bool:
    """Return whether words stand for others, as in `./lake check [RUN|--all]`."""
    return any(re.search(r"[\[\]{}…]|^\.\.\.$", word) for word in words if " " not in word)


def test_the_documents_show_commands() -> None:
    assert len(COMMANDS) > 60
    assert {"README.md", "docs/analysis.md", "docs/operations.md"} <= {path for path, _ in COMMANDS}


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_a_command_is_one_that_exists(path: str, command: str) -> None:
    words = _words(command)
    if words[0] == "./lake":
        _require_lake(words[1:])
    elif words[0] == "./pants":
        _require_targets(words[1:])
    elif words[0].endswith("python") and words[1] == "-m":
        assert _is_module(words[2]), f"{path}: {command}"
    elif words[0].startswith(("build-support/", ".lake/venv/", ".venv/")):
        return
    else:
        assert words[0] in FOREIGN, f"{path}: {command}"


def _is_module(name: str) -> bool:
    path = name.replace(".", "/")
    roots = [Path(), *map(Path, ("libs", "services", "tools"))]
    return any((root / f"{path}.py").is_file() or (root / path).is_dir() for root in roots)


def _require_lake(words: list[str]) -> None:
    """Parse a call as the command line does, and its SQL as Athena would; run nothing."""
    if _is_abridged(words):
        # Its command, at least, is there.
        words = [word for word in words[:1] if word.isalpha()]
    command = typer.main.get_command(app)
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    if words and not any("-completion" in word for word in words):
        # E stands for an environment in the documents.
        words = ["dev" if word == "E" else word for word in words]
        command.make_context(command.name or "", list(words))
    if command.name == "query" and words and words[0].upper().startswith(("SELECT", "WITH")):
        to_duckdb(parse(words[0]), SQL)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope"], "there is no command nope"),
        (["status", "--nope"], "No such option"),
        (["describe", "--json"], "Missing parameter"),
        (["query", "SELECT title FROM works WHERE decade = '1990'"], "the types differ"),
        (["query", "SELECT title FORM works"], "Syntax error"),
    ],
)
def test_a_wrong_command_is_noticed(words: list[str], message: str) -> None:
    # Of several kinds, some of them private to Typer.
    with pytest.raises(Exception, match=message):
        _require_lake(words)


def _require_targets(words: list[str]) -> None:
    for word in words:
        if word == "--":
            return
        folder = re.sub(r":+\w*$", "", word)
        if "/" in folder:
            assert Path(folder).exists(), f"there is no {folder}"


def test_statements_about_the_catalogue_are_answered(tmp_path: Path) -> None:
    assert metadata_query(Lake(tmp_path).cloud, "SHOW TABLES") is not None


def test_stacks_are_deleted_in_the_opposite_order_of_their_deployment() -> None:
    from lake.deploy.units import UNITS

    text = " ".join(Path("docs/operations.md").read_text("utf-8").split())
    found = re.search(r"Delete in the order ([a-z_, ]+)\.", text)

    assert found is not None
    assert found[1].split(", ") == [unit.name for unit in UNITS][::-1]
