import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from lake.query.tabular import QueryResult
from lake.terminal.tables import result_table, table

RUN = "20261126T155959Z"
AUTHORS = [{"key": f"/authors/OL{n}A", "name": "Somebody Long"} for n in range(9)]


def result(*values: Any, kind: str = "varchar") -> QueryResult:
    return QueryResult(["value"], [kind], [(value,) for value in values])


def shown(found: QueryResult, width: int = 100, max_rows: int = 100) -> str:
    return printed(result_table(found, max_rows), width)


def printed(what: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(what)
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def test_the_table_counts_rows() -> None:
    assert "0 rows" in shown(result())
    assert shown(result(1)).rstrip().endswith("\n1 row")
    assert "1,200 rows, the first 2 are shown" in shown(result(*range(1200)), max_rows=2)


def test_control_characters_in_data_do_not_reach_the_terminal() -> None:
    text = shown(result("\x1b[31mred\x07", "[bold]not markup[/bold]", "two\nlines"))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]not markup[/bold]" in text
    assert "two lines" in text


def test_numbers_times_and_ids_are_never_cut() -> None:
    names = ["run_id", "works_in_the_lake", "newest_run_at", "title"]
    types = ["varchar", "bigint", "timestamp", "varchar"]
    row = (RUN, 5_123_456_789, "2026-11-26T15:59:59", "A long title, " * 9)
    found = QueryResult(names, types, [row])

    for width in range(40, 120):
        text = shown(found, width)
        for value in (RUN, "5123456789", "2026-11-26T15:59:59"):
            assert value in text, width


def test_nested_values_are_shortened_before_texts() -> None:
    found = QueryResult(
        ["title", "authors", "works"],
        ["varchar", 'array(row("key" varchar))', "bigint"],
        [("A title of some length, in full", AUTHORS, 12)],
    )

    text = shown(found, width=70)

    assert "A title of some length, in full" in text
    assert "…" in text
    assert "12" in text


def test_a_nested_column_does_not_hide_the_others() -> None:
    names = ["work_key", "title", "authors", "tags", "year", "editions"]
    types = ["varchar", "varchar", "array(row(key varchar))", "array(varchar)", "integer", "bigint"]
    row = ("/works/OL1W", "It is a title", AUTHORS, ["x"] * 90, 1997, 12)

    text = shown(QueryResult(names, types, [row]), width=80)

    assert max(len(line) for line in text.splitlines()) <= 80
    for expected in ("/works/OL1W", "It is a title", "1997", "12", "editions"):
        assert expected in text


def test_a_table_that_does_not_fit_is_turned_on_its_side() -> None:
    names = [f"figure_{number}" for number in range(12)]
    found = QueryResult(names, ["bigint"] * 12, [tuple(range(1_000_000, 1_000_012))])

    lines = [line.split() for line in shown(found, width=80).splitlines()]

    assert lines == [
        *([name, str(1_000_000 + number)] for number, name in enumerate(names)),
        ["1", "row"],
    ]


def test_rows_on_their_side_are_numbered_and_limited() -> None:
    names = [f"column_{number}" for number in range(40)]
    found = QueryResult(names, ["varchar"] * 40, [("x" * 500,) * 40] * 30)

    text = shown(found, width=80)

    assert max(len(line) for line in text.splitlines()) <= 80
    assert "row 20" in text
    assert "row 21" not in text
    assert "30 rows, the first 20 are shown" in text
    assert all(name in text for name in names)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    names = ["run", "crawl", "subjects", "pages", "pages done", "records", "rows", "in quarantine"]
    rows = [[RUN, "complete", 9, 120, 120, 12345, 12300, 45]]

    text = printed(table("Runs, newest first", names, rows), width)

    assert max(len(line) for line in text.splitlines()) <= width
    assert RUN in text
    assert "12345" in text
    assert "quarantine" in text
    assert ("───" in text) is (width >= 80)


def test_long_names_are_folded_at_their_underscores() -> None:
    found = QueryResult(["records_in_quarantine", *"abcdefgh"], ["bigint"] * 9, [(1,) * 9])

    text = shown(found, width=40)

    assert "records_in_quarantine" not in text
    assert "records_in_" in text
    assert "quarantine" in text


def test_wide_characters_count_twice() -> None:
    found = QueryResult(["title", "n"], ["varchar", "bigint"], [("日本 " * 40, 7)])

    text = shown(found, width=40)

    assert "7" in text.splitlines()[2]
