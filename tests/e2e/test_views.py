"""The views by Athena's API: what the local Athena answers is what `./lake query` answers.

Two ways to the same figures, over the same objects and the same catalogue. The local Athena is an
engine of its own that gets a view's text as it is, untranslated, and tells all values as text.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from analytics.views.definitions import views
from lake.aws import Cloud
from lake.errors import QueryError
from lake.query.athena import run_on_athena
from lake.query.execute import run_query
from tests.e2e.conftest import local_cloud
from tests.views.aws import put_tables
from tests.views.tables import random_tables


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local AWS with tables of three runs, and the views as the stack `analytics` makes them."""
    folder = tmp_path_factory.mktemp("aws")
    with local_cloud(folder, ["bootstrap", "foundation", "analytics"]) as cloud:
        put_tables(
            cloud,
            cloud.parameter("foundation/data-bucket"),
            cloud.parameter("foundation/glue-database"),
            random_tables(tmp_path_factory.mktemp("tables")),
        )
        yield cloud


@pytest.mark.parametrize("name", views())
def test_athena_and_duckdb_return_the_same(analysed: Cloud, name: str) -> None:
    view = views()[name]
    described = [(column.name, column.type) for column in view.columns]

    by_duckdb = run_query(analysed, f"SELECT * FROM {name}")  # noqa: S608 (a name of ours)
    # Its text, because the local Athena knows no views.
    by_athena = run_on_athena(analysed, view.sql)

    assert list(zip(by_duckdb.columns, by_duckdb.types, strict=True)) == described
    assert list(zip(by_athena.columns, by_athena.types, strict=True)) == described
    assert [tuple(map(_without_zone, row)) for row in by_athena.rows] == by_duckdb.rows
    assert by_athena.rows


def test_the_local_athena_does_not_support_views(analysed: Cloud) -> None:
    """When this fails, it has learnt to: then ask it for the views by their names above."""
    with pytest.raises(QueryError, match="lake_summary does not exist"):
        run_on_athena(analysed, "SELECT * FROM lake_summary")


def _without_zone(value: Any) -> Any:
    # It takes a time from the Parquet file, which is one of UTC; Athena takes the catalogue's type.
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
