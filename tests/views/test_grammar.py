"""Every statement that we ship is one of Trino, of which Athena's engine is one.

By another parser than the one that translates them for DuckDB. Where the two disagree, Athena's
documentation decides: this parser knows Trino, not what Athena adds to it.
"""

import pytest
from trino_sql_validator import ValidationResult, validate

from analytics.catalogue_pages.generate import EXAMPLES
from analytics.views.definitions import views
from lake.local.demo import CURATED_QUERIES, QUERIES
from lake.query.dialect.function_names import FUNCTIONS

STATEMENTS = {
    **{f"view {name}": view.sql for name, view in views().items()},
    **{f"example {table}": sql for table, sql in EXAMPLES.items()},
    **{f"demo {title}": sql for title, sql in {**QUERIES, **CURATED_QUERIES}.items()},
}


def wrong(result: ValidationResult) -> list[str]:
    """Return what is wrong with a statement; functions and types that Trino lacks, too."""
    error = [str(result.error)] if result.error else []
    return [*error, *result.unknown_functions, *result.unknown_types]


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_one_of_trino(name: str) -> None:
    assert wrong(validate(STATEMENTS[name])) == []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a::integer FROM t", "only valid in a static method call"),
        ("SELECT list_value(1)", "list_value"),
        ("SELECT sum(a, b) FROM t", "expects 1 argument"),
        ("SELECT a FROM t GROUP BY ALL", "requires a grouping element"),
    ],
)
def test_what_only_duckdb_knows_is_found(sql: str, expected: str) -> None:
    assert expected in str(wrong(validate(sql)))


def test_the_functions_that_are_answered_are_those_of_trino() -> None:
    assert [
        name
        for name in sorted(FUNCTIONS)
        if validate(f"SELECT {name}(a) FROM t").unknown_functions  # noqa: S608 (names of ours)
    ] == []
