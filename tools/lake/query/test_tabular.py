import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from lake.query.tabular import QueryResult, to_csv, to_json


def result(*values: Any, kind: str = "varchar") -> QueryResult:
    return QueryResult(["value"], [kind], [(value,) for value in values])


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
