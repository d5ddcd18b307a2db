from datetime import datetime
from typing import Any

import duckdb
import pytest

from lake.errors import QueryError
from lake.query.dialect.same_values import DOUBLE_TEXT, DOUBLE_TEXT_MACRO
from lake.testing.fake_lake import Lake

# Every statement here is written here.
# ruff: noqa: S608


@pytest.mark.parametrize(
    ("expressions", "values"),
    [
        # Whole units that have elapsed.
        ("date_diff('day', TIMESTAMP '2026-01-01 23:00:00', TIMESTAMP '2026-01-02 01:00:00')",
         (0,)),
        ("date_diff('year', DATE '2025-12-31', DATE '2026-01-01')", (0,)),
        ("date_diff('month', DATE '2026-01-31', DATE '2026-02-28')", (1,)),
        ("date_diff('week', DATE '2026-01-20', DATE '2026-01-01')", (-2,)),
        # Half is rounded away from zero.
        ("CAST(2.5e0 AS integer), CAST(0.5e0 AS bigint), CAST(-2.5e0 AS bigint)", (3, 1, -3)),
        ("CAST(2.5 AS integer), CAST('-12' AS bigint), CAST(TRUE AS integer)", (3, -12, 1)),
        ("try_cast('1e3' AS integer), try(CAST('1.5' AS integer))", (None, None)),
        ("CAST('T' AS boolean), try_cast('yes' AS boolean)", (True, None)),
        # A condition of null is not known.
        ("any_match(ARRAY[NULL, 1], x -> x > 5), any_match(ARRAY[NULL, 1], x -> x = 1)",
         (None, True)),
        ("all_match(ARRAY[NULL, 1], x -> x > 0), all_match(ARRAY[NULL, 1], x -> x > 1)",
         (None, False)),
        ("none_match(ARRAY[NULL, 1], x -> x = 2), none_match(ARRAY[NULL, 1], x -> x = 1)",
         (None, False)),
        ("any_match(ARRAY[], x -> x), all_match(ARRAY[], x -> x)", (False, True)),
        ("regexp_extract('abc', 'x'), regexp_extract('abc', 'a(b)', 1), regexp_extract('a', 'x*')",
         (None, "b", "")),
        (r"regexp_replace('ab', '(a)(b)', '$2$1'), regexp_replace('a', 'a', '\$\\\1')",
         ("ba", r"$\1")),
        ("regexp_replace('abc', 'b')", ("ac",)),
        ("split_part('a,b', ',', 2), split_part('a,b', ',', 5)", ("b", None)),
        ("format('%d works', 5), format('%05d %,d %.2f %x %%', 7, 1234567, 2.5, 255)",
         ("5 works", "00007 1,234,567 2.50 ff %")),
        ("format('%s %s %5s|', 'a', 5, NULL)", ("a 5  null|",)),
        ("array_position(ARRAY[1, 2], 2), array_position(ARRAY[1], 5)", (2, 0)),
        ("array_position(ARRAY[1], NULL)", (None,)),
        ("array_max(ARRAY[1, 3]), array_max(ARRAY[1, NULL]), array_min(ARRAY[NULL, 1])",
         (3, None, None)),
        ("ARRAY[1, 2][2], element_at(ARRAY[1, 2], -1), element_at(ARRAY[1], 5)", (2, 2, None)),
        ("try(ARRAY[1][2]), MAP(ARRAY[1], ARRAY['a'])[1], split('a,b', ',')[2]", (None, "a", "b")),
        ("ARRAY[ARRAY[1, 2], ARRAY[3]][1][2], element_at(ARRAY[ARRAY[1]][1], 1)", (2, 1)),
        ("element_at(MAP(ARRAY['a'], ARRAY[1]), 'b')", (None,)),
        ("substr('abc', 0), substr('abc', -5), substr('abc', -2), substr('abc', -2, 1)",
         ("", "", "bc", "b")),
        ("substr('abc', 2, 1), substr('abc', 2, -1), substr('abc', 4)", ("b", "", "")),
        ("extract(dow FROM DATE '2026-11-29'), extract(day_of_week FROM DATE '2026-11-30')",
         (7, 1)),
        ("extract(yow FROM DATE '2027-01-01'), extract(day_of_year FROM DATE '2026-02-01')",
         (2026, 32)),
        ("DATE '2026-01-31' - DATE '2026-01-01' = INTERVAL '30' DAY", (True,)),
        ("CAST(1.0e0 AS varchar), CAST(1.50 AS varchar), CAST(12 AS varchar)",
         ("1.0E0", "1.50", "12")),
        ("CAST(TIMESTAMP '2026-11-23 06:00:00' AS varchar)", ("2026-11-23 06:00:00",)),
        ("CAST(from_iso8601_timestamp('2026-11-23T06:00:00Z') AS varchar)",
         ("2026-11-23 06:00:00.000 UTC",)),
        ("CAST('abcdef' AS varchar(3)), CAST(1997 AS varchar(4))", ("abc", "1997")),
        ("-9223372036854775808, 9223372036854775807", (-(2**63), 2**63 - 1)),
    ],
)  # fmt: skip
def test_values_are_athena_s(lake: Lake, expressions: str, values: tuple[Any, ...]) -> None:
    assert lake.rows(f"SELECT {expressions}") == [values]


def test_times_of_a_table_have_milliseconds_as_text(lake: Lake) -> None:
    sql = "SELECT CAST(t AS varchar), CAST(date_trunc('day', t) AS varchar) FROM"
    found = lake.rows(f"{sql} (SELECT max(fetched_at) AS t FROM works)")
    assert found == [("2026-11-24 06:00:00.000", "2026-11-24 00:00:00.000")]


@pytest.mark.parametrize(
    ("text", "athena"),
    [
        ("1997.0", "1.997E3"),
        ("-0.012", "-1.2E-2"),
        ("1e-05", "1.0E-5"),
        ("1.25e+20", "1.25E20"),
        ("100.0", "1.0E2"),
        ("-0.0", "-0.0E0"),
        ("nan", "NaN"),
        ("-inf", "-Infinity"),
    ],
)
def test_a_double_is_written_as_athena_does(text: str, athena: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(DOUBLE_TEXT_MACRO)
        (found,) = connection.sql(f"SELECT {DOUBLE_TEXT}('{text}')").fetchall()

    assert found == (athena,)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("CAST('1.5' AS integer)", "cannot cast '1.5' to integer"),
        ("CAST('1e3' AS bigint)", "cannot cast '1e3' to bigint"),
        ("CAST(split_part('1.5;', ';', 1) AS bigint)", "cannot cast '1.5' to bigint"),
        ("CAST('yes' AS boolean)", "cannot cast 'yes' to boolean"),
        ("CAST(year AS varchar(2))", "longer than its varchar"),
        ("CAST(tags AS varchar)", "cannot be cast to varchar"),
        ("CAST(ROW(1, 2) AS varchar)", "cannot be cast to varchar"),
        ("tags[5]", "no such element: element_at"),
        ("tags[0]", "no such element"),
        ("tags[-1]", "no such element"),
        ("shares['zz']", "no such key: element_at"),
        ("element_at(tags, 0)", "counts from 1"),
        ("split_part(title, ',', 0)", "counts from 1"),
        ("format('%1$s', 'a')", "format cannot be answered locally"),
        ("format(title, 'a')", "format cannot be answered locally"),
        ("format('%d %d', 1)", "2 values are asked for"),
        ("regexp_replace(title, 'a', title)", "not a text in quotes"),
        ("regexp_replace(title, 'a', '${name}')", "replacement of regexp_replace"),
        ("12345678901234567890", "beyond 64 bits"),
        ("9223372036854775808", "beyond 64 bits"),
        ("(SELECT sum(x) FROM (VALUES 9223372036854775807, 1) AS t (x))", "beyond 64 bits"),
        ("ARRAY[(SELECT sum(x) FROM (VALUES 9223372036854775807, 1) AS t (x))]", "beyond 64 bits"),
    ],
)
def test_what_athena_answers_with_an_error_is_one(lake: Lake, expression: str, told: str) -> None:
    with pytest.raises(QueryError, match=told):
        lake.rows(f"SELECT {expression} FROM works WHERE year = 1997")


def test_rows_with_ties_are_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match="WITH TIES"):
        lake.rows("SELECT year FROM works ORDER BY year FETCH FIRST 1 ROWS WITH TIES")


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT avg(price) FROM works", (1.5,)),
        ("SELECT histogram(year)[1900] FROM works", (None,)),
        ("SELECT regexp_extract('ab', 'a(x)?', 1)", ("",)),
        ("SELECT DATE '2026-01-01' + 2 * INTERVAL '1' DAY", (datetime(2026, 1, 3),)),
        ("SELECT sum(x) > 0 FROM (VALUES 9223372036854775807, 1) AS t (x)", (True,)),
    ],
)
def test_these_values_differ_as_the_docs_say(lake: Lake, sql: str, values: tuple[Any, ...]) -> None:
    assert lake.rows(sql) == [values]
