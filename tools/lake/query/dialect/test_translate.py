import re
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
        ("SELECT date_trunc('month', DATE '2026-11-23')", [(date(2026, 11, 1),)]),
        ("SELECT date_trunc('month', DATE '2026-11-23') + INTERVAL '1' DAY",
         [(date(2026, 11, 2),)]),
        ("SELECT map_agg(title, year) FROM works", [({"It's": 1997},)]),
        ("SELECT map_agg(k, v) FROM (VALUES ('b', 2), ('a', 1), ('a', 0), (NULL, 3)) AS t (k, v)",
         [({"a": 0, "b": 2},)]),
        ("SELECT map_agg(title, year) FROM works WHERE 1 = 0", [(None,)]),
        ("SELECT format_datetime(TIMESTAMP '2026-11-03 04:05:06', 'yyyy-MM-dd''T''HH:mm:ss 100%')",
         [("2026-11-03T04:05:06 100%",)]),
        ("SELECT format_datetime(TIMESTAMP '2026-11-03 14:05:06', 'EEE, d MMMM yy, h:mm a')",
         [("Tue, 3 November 26, 2:05 PM",)]),
        ("SELECT parse_datetime('03.11.2026', 'dd.MM.yyyy')",
         [(datetime(2026, 11, 3, tzinfo=UTC),)]),
        ("SELECT reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s * 2)", [(12,)]),
        ("SELECT reduce(ARRAY['a', 'bc'], 0, (s, x) -> s + length(x), s -> s)", [(3,)]),
        ("SELECT any_match(ARRAY[ARRAY[1]], x -> any_match(x, y -> y = 1))", [(True,)]),
        ("SELECT histogram(year)[2005] FROM works", [(2,)]),
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


@pytest.mark.parametrize(
    ("source", "told"),
    [("UNNEST(authors) AS t (a)", "2: key, name"), ("UNNEST(shares) AS t (a)", "2: key, value")],
)
def test_unnest_names_the_fields_that_lack_a_name(lake: Lake, source: str, told: str) -> None:
    with pytest.raises(QueryError, match=f"1 columns are named, but there are {told}") as caught:
        lake.rows(f"SELECT a FROM works CROSS JOIN {source}")
    assert "or none" in caught.value.hint


@pytest.mark.parametrize("alias", ["", " AS a", " a"])
def test_unnest_needs_no_names(lake: Lake, alias: str) -> None:
    prefix = "a." if alias else ""
    sql = f"SELECT DISTINCT {prefix}name FROM works CROSS JOIN UNNEST(authors){alias} ORDER BY 1"
    assert lake.rows(sql) == [("Jane",), ("Émile",)]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("year = '1999'", "year = '1999': the types differ, integer and varchar"),
        ("'1999' <= year", "the types differ"),
        ("year IN (1997, '1999')", "the types differ"),
        ("year IN (SELECT title FROM works)", "the types differ"),
        ("year BETWEEN '1990' AND '1999'", "the types differ"),
        ("fetched_at > '2026-11-23'", "the types differ, timestamp and varchar"),
        ("ingest_date = DATE '2026-11-23'", "the types differ, date and varchar"),
        ("(year > 1) = 1", "the types differ, boolean and integer"),
        ("coalesce(year, 'x') IS NULL", "the types differ"),
        ("CASE WHEN year > 1 THEN 'a' ELSE year END IS NULL", "the types differ"),
        ("if(year > 1, 'a', year) IS NULL", "the types differ"),
        ("year || 'a' = '1997a'", "not possible with integer"),
        ("title + 1 > 2", "not possible with varchar"),
    ],
)
def test_types_that_athena_refuses_are_refused(lake: Lake, expression: str, told: str) -> None:
    with pytest.raises(QueryError, match=re.escape(told)) as caught:
        lake.rows(f"SELECT count(*) FROM works WHERE {expression}")
    assert "CAST" in caught.value.hint


@pytest.mark.parametrize("other", ["title", "'x'", "fetched_at"])
def test_rows_of_other_types_cannot_be_put_together(lake: Lake, other: str) -> None:
    with pytest.raises(QueryError, match="the types differ"):
        lake.rows(f"SELECT year FROM works UNION ALL SELECT {other} FROM works")


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("year = 1997.0", 2),
        ("year <> price", 4),
        ("price > 1e0", 2),
        ("title = CAST(year AS varchar)", 0),
        ("fetched_at > DATE '2026-11-22'", 4),
        ("year = NULL", 0),
        ("coalesce(title, NULL) = 'x'", 0),
        ("element_at(shares, 'a') > 0", 2),
        ("element_at(authors, 1).name = 'Jane'", 2),
        ("year IN (1997, 1998.0)", 2),
        ("fetched_at - INTERVAL '1' DAY > TIMESTAMP '2026-11-01 00:00:00'", 4),
        ("if(year > 1, 'a') = 'a'", 4),
        ("concat(title, 'x') = 'x'", 0),
        ("year % 10 = 7", 2),
    ],
)
def test_types_that_athena_takes_are_taken(lake: Lake, expression: str, rows: int) -> None:
    assert lake.rows(f"SELECT count(*) FROM works WHERE {expression}") == [(rows,)]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("typeof(year)", "typeof cannot be answered locally"),
        ("format_datetime(fetched_at, 'w')", "'w' in a pattern"),
        ("format_datetime(fetched_at, title)", "must be a text in quotes"),
        ("format_datetime(fetched_at)", "does not take 1 arguments"),
        ("map_agg(title, year) FILTER (WHERE year > 1)", "with FILTER or OVER"),
        ("zip(ARRAY[1], ARRAY[2])", "no function zip"),
        ("lower(year)", "No function matches"),
        ("fetched_at AT TIME ZONE 'UTC'", "AT TIME ZONE cannot be answered locally"),
    ],
)
def test_what_cannot_be_answered_locally_is_refused(lake: Lake, expression: str, told: str) -> None:
    with pytest.raises(QueryError, match=re.escape(told)):
        lake.rows(f"SELECT {expression} FROM works")


def test_rows_are_not_unnested_beside_another_array(lake: Lake) -> None:
    with pytest.raises(QueryError, match="cannot unnest rows together with another array"):
        lake.rows("SELECT 1 FROM works CROSS JOIN UNNEST(authors, tags) AS t (k, n, tag)")


def test_two_arrays_are_not_unnested_at_once(lake: Lake) -> None:
    with pytest.raises(QueryError, match="unnest"):
        lake.rows("SELECT a FROM works CROSS JOIN UNNEST(tags, tags) AS t (a, b)")


def test_decimals_are_divided_as_doubles(lake: Lake) -> None:
    """The one difference in values: Athena keeps one decimal place, 33.3."""
    assert lake.rows("SELECT 100.0 * 1 / 3") == [(pytest.approx(33.333333),)]


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT count(*), year, max(year) FROM works GROUP BY year", ["_col0", "year", "_col2"]),
        ("SELECT * FROM (SELECT 1, 2 AS b)", ["_col0", "b"]),
        ("VALUES (1, 'a')", ["_col0", "_col1"]),
        (
            "SELECT authors[1].name, element_at(authors, 1).key FROM works WHERE year = 1997",
            ["name", "key"],
        ),
        ("SELECT 1 AS a, 2 AS a", ["a", "a"]),
    ],
)
def test_columns_have_the_names_that_athena_gives(lake: Lake, sql: str, columns: list[str]) -> None:
    assert lake.result(sql).columns == columns
