import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console

from lake.query.tabular import QueryResult, to_csv, to_json, to_table


def result(*values: Any, kind: str = "varchar") -> QueryResult:
    return QueryResult(["value"], [kind], [(value,) for value in values])


def shown(found: QueryResult, width: int = 100, max_rows: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(to_table(found, width, max_rows))
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def test_values_become_what_json_can_represent() -> None:
    found = result(
        1,
        True,
        None,
        "é",
        1.5,
        float("nan"),
        float("-inf"),
        Decimal("2.50"),
        Decimal("12345678901234567890"),
        date(2026, 11, 23),
        datetime(2026, 11, 23, 6, tzinfo=UTC),
        b"\x00\xff",
        [{"when": date(2026, 11, 23)}],
        {1: Decimal("NaN")},
    )
    assert [row["value"] for row in json.loads(to_json(found))] == [
        1,
        True,
        None,
        "é",
        1.5,
        None,
        None,
        2.5,
        12345678901234567890,
        "2026-11-23",
        "2026-11-23T06:00:00+00:00",
        "00ff",
        [{"when": "2026-11-23"}],
        {"1": None},
    ]


def test_json_of_no_row_is_an_empty_list() -> None:
    assert json.loads(to_json(result())) == []


def test_no_column_hides_another_of_its_name() -> None:
    found = QueryResult(["a", "a", "a_2", "a"], ["integer"] * 4, [(1, 2, 3, 4)])
    assert found.records() == [{"a": 1, "a_2": 3, "a_3": 2, "a_4": 4}]


def test_csv_is_rfc_4180() -> None:
    found = QueryResult(["a", "b"], ["varchar"] * 2, [('x,"y"\nz', None), (True, Decimal("1.50"))])
    assert to_csv(found) == 'a,b\r\n"x,""y""\nz",\r\ntrue,1.50\r\n'


def test_csv_keeps_values_that_json_cannot() -> None:
    found = result(float("nan"), float("inf"), float("-inf"), ["é", None], datetime(2026, 1, 2))
    rows = list(csv.reader(io.StringIO(to_csv(found), newline="")))
    assert [row[0] for row in rows[1:]] == [
        "NaN",
        "Infinity",
        "-Infinity",
        '["é", null]',
        "2026-01-02T00:00:00",
    ]


def test_the_table_counts_rows() -> None:
    assert "0 rows" in shown(result())
    assert shown(result(1)).rstrip().endswith("\n1 row")
    assert "1,200 rows, the first 2 are shown" in shown(result(*range(1200)), max_rows=2)


def test_the_table_is_no_wider_than_the_terminal() -> None:
    names = [f"column_{number}" for number in range(40)]
    found = QueryResult(names, ["varchar"] * 40, [("x" * 500,) * 40])
    text = shown(found, width=80)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "32 more columns do not fit" in " ".join(text.split())


def test_control_characters_in_data_do_not_reach_the_terminal() -> None:
    text = shown(result("\x1b[31mred\x07", "[bold]not markup[/bold]", "two\nlines"))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]not markup[/bold]" in text
    assert "two lines" in text
