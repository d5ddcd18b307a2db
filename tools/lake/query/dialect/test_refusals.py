import re

import pytest

from lake.errors import QueryError
from lake.testing.fake_lake import Lake


@pytest.mark.parametrize(
    ("sql", "told", "hint"),
    [
        (
            "SELECT year AS y FROM works GROUP BY y",
            "y is an alias: Athena does not know it in the select list",
            "Repeat",
        ),
        (
            "SELECT year AS y FROM works WHERE y = 1",
            "y is an alias: Athena does not know it in the select list",
            "Repeat",
        ),
        ("SELECT max(year) AS m FROM works HAVING m > 1", "m is an alias", "in a subquery"),
        ("SELECT year + 1 AS a, a + 1 AS b FROM works", "a is an alias", "FROM (SELECT"),
        (
            "WITH w AS (SELECT * FROM works) SELECT year AS y FROM w WHERE y = 1",
            "y is an alias",
            "",
        ),
        ("SELECT year FROM works GROUP BY ALL", "GROUP BY ALL", "columns"),
        ("SELECT DISTINCT year FROM works ORDER BY title", "ordered by title", "Select it"),
        ("SELECT count(DISTINCT year, title) FROM works", "count(DISTINCT a, b)", "ROW(a, b)"),
        ("SELECT * EXCLUDE (title) FROM works", "* EXCLUDE", "columns"),
        ("SELECT DISTINCT ON (year) title FROM works", "DISTINCT ON", "row_number()"),
        ("FROM works", "begins with SELECT", "SELECT *"),
        ("SELECT * FROM (FROM works SELECT year)", "begins with SELECT", "SELECT *"),
        ("SELECT title FROM works WHERE title ILIKE 'it%'", "ILIKE", "lower"),
        ("SELECT {'a': 1}", "{'a': 1}", "ROW"),
        ("SELECT tags[1:2] FROM works", "[1:2]", "slice"),
        ("SELECT [1, 2]", "array begins with its name", "ARRAY[...]"),
        ("SELECT year FROM works LIMIT 50%", "LIMIT of a share", "whole number"),
        ("SELECT year FROM works LIMIT 1.5", "LIMIT of a share", "whole number"),
        ("SELECT year FROM works LIMIT 1 OFFSET 1", "OFFSET comes before LIMIT", "OFFSET ... L"),
        ("SELECT year FROM works ANTI JOIN subjects ON year = 1", "ANTI", "NOT EXISTS"),
        ("SELECT year FROM works SEMI JOIN subjects ON year = 1", "SEMI", "EXISTS"),
        ("SELECT * FROM works POSITIONAL JOIN subjects", "POSITIONAL JOIN", "ON"),
        ("SELECT year::varchar FROM works", "'::'", "CAST"),
        ("SELECT columns('y.*') FROM works", "no function columns", "Trino"),
        ("SELECT median(year) FROM works", "no function median", "Trino"),
        ("SELECT string_agg(title, ',') FROM works", "no function string_agg", ""),
        ("SELECT list_sum(ARRAY[1])", "no function list_sum", ""),
        ("SELECT array_length(tags) FROM works", "no function array_length", ""),
        ("SELECT strftime(fetched_at, '%Y') FROM works", "no function strftime", ""),
        ("SELECT left('abc', 1)", "no function left", ""),
        ("SELECT CAST('a' AS char(5))", "blanks of char", "varchar"),
    ],
)
def test_what_only_duckdb_takes_is_refused(lake: Lake, sql: str, told: str, hint: str) -> None:
    with pytest.raises(QueryError, match=re.escape(told)) as caught:
        lake.rows(sql)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("year AND TRUE", "integer"),
        ("NOT title", "varchar"),
        ("CASE WHEN year THEN 2 END IS NULL", "integer"),
        ("if(1, 2) IS NULL", "integer"),
        ("fetched_at", "timestamp"),
        ("DATE '2026-01-02' + 1 IS NULL", "integer"),
        ("concat(year, title) IS NULL", "integer"),
        ("greatest(1, '2') IS NULL", "integer and varchar"),
        ("least(DATE '2026-01-01', '2025-01-01') IS NULL", "date and varchar"),
        ("date_add('day', 1, title) IS NULL", "varchar"),
        ("date_diff('day', title, fetched_at) IS NULL", "varchar"),
        ("(SELECT sum(year > 1) FROM works) IS NULL", "boolean"),
    ],
)
def test_conditions_and_arguments_of_a_wrong_type_are_refused(
    lake: Lake, expression: str, told: str
) -> None:
    with pytest.raises(QueryError, match=told) as caught:
        lake.rows(f"SELECT 1 FROM works WHERE {expression}")  # noqa: S608 (written here)
    assert "CAST" in caught.value.hint


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        # A column comes before a name of the list.
        ("SELECT year % 10 AS year FROM works GROUP BY year ORDER BY 1", [(5,), (7,)]),
        ("SELECT max(year) AS year FROM works HAVING max(year) > 1", [(2005,)]),
        ("SELECT year AS y FROM works ORDER BY y OFFSET 1 LIMIT 1", [(1997,)]),
        ("SELECT DISTINCT year AS y, w.title FROM works w ORDER BY y, title LIMIT 1",
         [(1997, "It's")]),
        ("SELECT DISTINCT upper(title) AS u FROM works ORDER BY upper(title) LIMIT 1",
         [("IT'S",)]),
        ("SELECT upper(name) AS name FROM works CROSS JOIN UNNEST(authors) WHERE name = 'Jane'"
         " LIMIT 1", [("JANE",)]),
        ("SELECT upper(tag) AS tag FROM works CROSS JOIN UNNEST(tags) AS t (tag) WHERE tag = 'x'"
         " GROUP BY tag", [("X",)]),
        ("WITH t (n) AS (VALUES 1, 2), u (m) AS (SELECT n FROM t) SELECT m AS n FROM u WHERE m = 1",
         [(1,)]),
        ("SELECT a FROM (SELECT year AS a FROM works) AS x WHERE a = 1997 GROUP BY a", [(1997,)]),
        ("SELECT count(DISTINCT ROW(year, title)) FROM works", [(2,)]),
        ("SELECT concat(ARRAY[1], ARRAY[2]), concat('a', 'b')", [([1, 2], "ab")]),
        ("SELECT CASE year WHEN 1997 THEN 1 END FROM works ORDER BY 1 LIMIT 1", [(1,)]),
        ("SELECT 1 WHERE 1 = ANY (SELECT 1) AND 1 > ALL (SELECT 0) AND EXISTS (SELECT 1)", [(1,)]),
        ("SELECT count(*) FROM works TABLESAMPLE BERNOULLI (100)", [(4,)]),
        ("SELECT count(*) FROM works GROUP BY GROUPING SETS (ROLLUP (year)) ORDER BY 1 LIMIT 1",
         [(2,)]),
        ("SELECT sum(year) OVER w FROM works WINDOW w AS (PARTITION BY title) ORDER BY 1 LIMIT 1",
         [(3994,)]),
        ("SELECT listagg(title, ',') WITHIN GROUP (ORDER BY title) FROM works", [("It's,It's",)]),
        ("SELECT a FROM (VALUES 1) AS median (a)", [(1,)]),
        ("SELECT '(' FROM works ORDER BY (year) LIMIT 1", [("(",)]),
        ("SELECT sum(year) OVER (PARTITION BY (title)), trim(BOTH (' ') FROM ' a ') FROM works"
         " GROUP BY (year), title ORDER BY 1 LIMIT 1", [(1997, "a")]),
        ("SELECT DATE '2026-01-01' + 2 * INTERVAL '1' DAY = DATE '2026-01-03'", [(True,)]),
        ("SELECT avg(fetched_at - TIMESTAMP '2026-11-23 06:00:00') FROM works",
         [("0 12:00:00.000",)]),
        ("SELECT bool_or(year > 1) AND max(year > 1) AND NOT is_nan(1e0) AND try(1 > 0)"
         " AND if(TRUE, TRUE) AND element_at(ARRAY[TRUE], 1) FROM works", [(True,)]),
        ("SELECT date_add('day', 1, from_iso8601_date('2026-01-01')) = DATE '2026-01-02',"
         " date_diff('day', date_parse('2026-01-01', '%Y-%m-%d'), DATE '2026-01-03')",
         [(True, 2)]),
        ("SELECT extract(year FROM fetched_at), trim(BOTH ' ' FROM ' a '), position('a' IN 'ba')"
         " FROM works LIMIT 1", [(2026, "a", 2)]),
    ],
)  # fmt: skip
def test_what_athena_takes_is_answered(lake: Lake, sql: str, rows: list[tuple[object]]) -> None:
    assert lake.rows(sql) == rows
