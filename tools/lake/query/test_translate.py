from datetime import UTC, date, datetime
from typing import Any

import pytest

from lake.errors import QueryError
from lake.testing.fake_lake import Lake

# Every statement here is written here.
# ruff: noqa: S608


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT 7 / 2, -7 / 2, -7 % 3, 7.0 / 2", [(3, -3, -1, 3.5)]),
        ("SELECT sum(year) FROM works", [(8004,)]),
        ("SELECT DATE '2026-01-31' + INTERVAL '1' DAY", [(date(2026, 2, 1),)]),
        ("SELECT date_add('month', 1, DATE '2026-01-31')", [(date(2026, 2, 28),)]),
        ("SELECT max(cardinality(tags)), max(cardinality(shares)) FROM works", [(2, 1)]),
        ("SELECT any_match(ARRAY[1, 2], x -> x = 2)", [(True,)]),
        ("SELECT all_match(ARRAY[1, 2], x -> x > 1)", [(False,)]),
        ("SELECT none_match(ARRAY[1, 2], x -> x > 2)", [(True,)]),
        ("SELECT approx_distinct(work_key), count_if(title IS NULL) FROM works", [(2, 2)]),
        ("SELECT 'it''s', 'a\\nb'", [("it's", "a\\nb")]),
        ("SELECT year - year % 10 AS d FROM works GROUP BY 1 ORDER BY 1", [(1990,), (2000,)]),
        ("SELECT element_at(ARRAY['a'], 1), split('a,b', ',')[2], array_join(ARRAY['a', 'b'], '+')",
         [("a", "b", "a+b")]),
        ("SELECT try_cast('x' AS bigint), coalesce(NULL, 1), if(1 > 2, 'a', 'b')",
         [(None, 1, "b")]),
        ("SELECT from_iso8601_timestamp('2026-11-23T06:00:00Z')",
         [(datetime(2026, 11, 23, 6, tzinfo=UTC),)]),
        ("SELECT count(*) FROM works WHERE fetched_at < TIMESTAMP '2026-11-24 00:00:00'", [(2,)]),
        ("SELECT date_trunc('day', fetched_at) FROM works ORDER BY 1 LIMIT 1",
         [(datetime(2026, 11, 23),)]),
    ],
)  # fmt: skip
def test_the_dialect_is_athena_s(lake: Lake, sql: str, rows: list[tuple[Any, ...]]) -> None:
    assert lake.rows(sql) == rows


@pytest.mark.parametrize(
    ("source", "columns", "rows"),
    [
        ("works CROSS JOIN UNNEST(authors) AS a (k, n)", "k, n", [("a1", "Jane"), ("a2", "Émile")]),
        ("works CROSS JOIN UNNEST(authors)", "key, name", [("a1", "Jane"), ("a2", "Émile")]),
        ("works w CROSS JOIN UNNEST(w.authors) WITH ORDINALITY AS a (k, n, i)", "k, i",
         [("a1", 1), ("a2", 2)]),
        ("works LEFT JOIN UNNEST(authors) AS a (k, n) ON TRUE", "n",
         [(None,), ("Jane",), ("Émile",)]),
        ("(SELECT authors AS who FROM works) CROSS JOIN UNNEST(who) AS a (k, n)", "k",
         [("a1",), ("a2",)]),
        ("works, UNNEST(filter(authors, a -> a.key = 'a2')) AS a (k, n)", "n", [("Émile",)]),
        ("works, UNNEST(tags) AS t (tag)", "tag", [("x",), ("y",)]),
        ("works, UNNEST(tags) WITH ORDINALITY AS t (tag, i)", "tag, i",
         [("x", 1), ("y", 1), ("y", 2)]),
        ("works, UNNEST(shares) AS s (k, v)", "k, v", [("a", 0.5)]),
        ("UNNEST(ARRAY[ROW(1, 'a')]) AS t (n, c)", "n, c", [(1, "a")]),
    ],
)  # fmt: skip
def test_unnest_makes_a_column_of_each_field(
    lake: Lake, source: str, columns: str, rows: list[tuple[Any, ...]]
) -> None:
    order = ", ".join(str(number) for number in range(1, len(rows[0]) + 1))
    sql = f"SELECT DISTINCT {columns} FROM {source} ORDER BY {order} NULLS FIRST"
    assert lake.rows(sql) == rows


def test_unnest_needs_a_name_for_each_field(lake: Lake) -> None:
    with pytest.raises(QueryError, match="1 columns are named, but there are 2"):
        lake.rows("SELECT a FROM works CROSS JOIN UNNEST(authors) AS t (a)")


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT count(*), year, max(year) FROM works GROUP BY year", ["_col0", "year", "_col2"]),
        ("SELECT * FROM (SELECT 1, 2 AS b)", ["_col0", "b"]),
        ("VALUES (1, 'a')", ["_col0", "_col1"]),
        ("SELECT authors[1].name, element_at(authors, 1).key FROM works", ["name", "key"]),
        ("SELECT 1 AS a, 2 AS a", ["a", "a"]),
    ],
)
def test_columns_have_the_names_that_athena_gives(lake: Lake, sql: str, columns: list[str]) -> None:
    assert lake.result(sql).columns == columns
