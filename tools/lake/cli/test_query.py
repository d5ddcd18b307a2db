"""Where the statement of a query comes from, and the forms of its result."""

import io
from pathlib import Path
from typing import Any

import pytest

from lake.cli import query
from lake.cli.conftest import Lake as CommandLine
from lake.testing.fake_lake import Lake


@pytest.fixture
def asked(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that were run, on the lake of fakes."""
    statements: list[str] = []

    def run_query(_cloud: Any, sql: str, as_of: str | None = None) -> Any:
        assert as_of is None
        statements.append(sql)
        return lake.result(sql)

    monkeypatch.setattr(query, "cloud_of", lambda *_: lake.cloud)
    monkeypatch.setattr("lake.query.execute.run_query", run_query)
    return statements


def on_stdin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_statement_is_read_from_a_file_of_the_callers(
    command_line: CommandLine, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "q.sql").write_text("SELECT 1 AS a -- a comment\n")
    monkeypatch.setenv("LAKE_CALLED_FROM", str(tmp_path))

    ended = command_line("query", "-f", "q.sql", "-o", "csv")

    assert (ended.code, ended.out) == (0, "a\r\n1\r\n")


@pytest.mark.parametrize("words", [(), ("-",)])
def test_a_statement_is_read_from_stdin(
    command_line: CommandLine,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    on_stdin(monkeypatch, "SELECT 2 AS a\n")

    assert command_line("query", *words, "-o", "csv").out == "a\r\n2\r\n"


def test_a_missing_file_is_named(command_line: CommandLine, asked: list[str]) -> None:
    ended = command_line("query", "-f", "nowhere.sql")

    assert ended.code == 1
    assert ended.err.startswith("error: nowhere.sql cannot be read: ")


def test_no_statement_at_all_says_how_to_give_one(
    command_line: CommandLine, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_stdin(monkeypatch, "")

    ended = command_line("query")

    assert ended.code == 1
    assert "Give one query" in ended.err


@pytest.mark.parametrize(
    ("sql", "run"),
    [
        ("SELECT name FROM subjects", "SELECT name FROM subjects\nLIMIT 1"),
        ("SELECT name FROM subjects;", "SELECT name FROM subjects\nLIMIT 1"),
        ("SELECT name FROM subjects LIMIT 5", "SELECT name FROM subjects LIMIT 5"),
        ("VALUES 1, 2", "VALUES 1, 2"),
    ],
)
def test_a_limit_is_that_of_the_engine_where_it_can_be(
    command_line: CommandLine, asked: list[str], sql: str, run: str
) -> None:
    ended = command_line("query", sql, "--limit", "1", "-o", "csv")

    assert asked == [run]
    assert len(ended.out.splitlines()) == 2


def test_markdown_and_describe(command_line: CommandLine, asked: list[str]) -> None:
    ended = command_line("query", "DESCRIBE ebook_share", "-n", "1", "-o", "markdown")

    assert ended.out.splitlines() == [
        "| column | type | unit | description |",
        "| --- | --- | --- | --- |",
        "| subject_key | varchar |  | Canonical key, such as love or place:france |",
    ]
    assert asked == []


def test_a_table_is_described_without_cutting_its_meaning(
    command_line: CommandLine, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    ended = command_line("query", "DESCRIBE ebook_share")

    assert "…" not in ended.out
    assert "ebook_share" in ended.out


def test_tables_are_listed(command_line: CommandLine, asked: list[str]) -> None:
    ended = command_line("tables", "-o", "csv")

    assert ended.out.splitlines()[0] == "table,kind,exists,description"
    assert any(line.startswith("works,curated,true,") for line in ended.out.splitlines())
