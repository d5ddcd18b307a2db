from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

from lake.errors import QueryError
from lake.query import files, tabular
from lake.testing.fake_lake import Lake


@pytest.mark.parametrize(
    ("expression", "value", "kind"),
    [
        ("DATE '10000-01-01'", "10000-01-01", "date"),
        ("DATE '-0044-03-15'", "-0044-03-15", "date"),
        ("TIMESTAMP '12000-01-01 00:00:00'", "12000-01-01 00:00:00", "timestamp"),
        ("ARRAY[TIME '10:00:00']", [time(10)], "array(time)"),
        ("INTERVAL '3' DAY", "3 00:00:00.000", "interval"),
        ("INTERVAL '-3' HOUR", "-0 03:00:00.000", "interval"),
        ("INTERVAL '14' MONTH", "1-2", "interval"),
        ("DATE '2026-01-03' - DATE '2026-01-01'", "2 00:00:00.000", "interval"),
        ("TIMESTAMP '2026-01-02 06:00:01.5' - TIMESTAMP '2026-01-01 00:00:00'",
         "1 06:00:01.500", "interval"),
        ("ARRAY[INTERVAL '1' DAY]", ["1 00:00:00.000"], "array(interval)"),
    ],
)  # fmt: skip
def test_every_value_is_written(lake: Lake, expression: str, value: Any, kind: str) -> None:
    found = lake.result(f"SELECT {expression}")
    assert (found.rows, found.types) == ([(value,)], [kind])
    for written in (tabular.to_json, tabular.to_csv, files.to_markdown, files.to_parquet):
        assert written(found)


def test_only_what_is_too_far_away_is_text(lake: Lake) -> None:
    sql = "SELECT d FROM (VALUES DATE '10000-01-01', DATE '2026-01-01', NULL) AS t (d)"
    assert lake.rows(sql) == [("10000-01-01",), (date(2026, 1, 1),), (None,)]


@pytest.mark.parametrize(
    ("expression", "told", "hint"),
    [
        ("MAP(ARRAY[ROW(1, 2)], ARRAY[1])", "keys are rows", "map_keys"),
        ("MAP(ARRAY[ARRAY[1]], ARRAY[1])", "keys are rows, arrays", "map_values"),
        ("ARRAY[DATE '10000-01-01']", "years 1 to 9999", "CAST"),
        ("CAST('infinity' AS date)", "no infinite date", ""),
        ("CAST('-infinity' AS timestamp)", "no infinite date", ""),
    ],
)
def test_what_cannot_be_shown_says_what_to_do(
    lake: Lake, expression: str, told: str, hint: str
) -> None:
    with pytest.raises(QueryError, match=told) as caught:
        lake.rows(f"SELECT {expression}")
    assert hint in caught.value.hint


def test_a_sum_inside_a_row_is_a_bigint(lake: Lake) -> None:
    found = lake.result("SELECT ROW(s), ARRAY[s], 1.5 FROM (SELECT sum(year) AS s FROM works)")
    assert found.rows == [({"s": 8004}, [8004], Decimal("1.5"))]
    assert found.types == ["row(s bigint)", "array(bigint)", "decimal(2, 1)"]
