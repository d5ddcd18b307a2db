"""The views' files: their form, what they read, and which forms are refused."""

from __future__ import annotations

import pytest

from analytics.views.definitions import ViewError, parse, views
from analytics.views.reads import tables_read
from schemas.curated_tables import CURATED
from schemas.tables import TABLES


@pytest.mark.parametrize("name", views())
def test_a_view_reads_only_tables_of_the_contracts(name: str) -> None:
    tables = set(CURATED) | {table.catalogue_name for table in TABLES.values()}

    assert tables_read(views()[name]) <= tables
    assert name not in tables


@pytest.mark.parametrize("name", views())
def test_a_view_opens_no_file_of_each_page(name: str) -> None:
    """A year of weekly runs of many subjects leaves a million pages, each a small file."""
    of_pages = {table.catalogue_name for table in TABLES.values()} - {"quarantine"}
    for table in tables_read(views()[name]) & of_pages:
        assert f"FROM {table}\n" in views()[name].sql
        assert "WHERE ingest_date >= (" in views()[name].sql


def test_a_quantity_has_a_unit() -> None:
    for view in views().values():
        for column in view.columns:
            assert bool(column.unit) == (column.type != "varchar"), f"{view.name}.{column.name}"


HEADER = "-- One row\n--\n-- works bigint [works]: Works\n"


def test_a_view_is_read_from_its_file() -> None:
    view = parse("v", f"{HEADER}SELECT 1 AS works\n")

    assert (view.description, view.sql) == ("One row", "SELECT 1 AS works")
    column = view.column("works")
    assert column is not None
    assert (column.type, column.unit, column.is_number) == ("bigint", "works", True)
    assert view.column("other") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1", "begins with"),
        ("-- One row\n-- works bigint: Works\n--\nSELECT 1", "begins with"),
        ("-- One row\n--\n-- works: Works\nSELECT 1", "'works: Works' is not"),
        ("-- One row\n--\n-- works text: Works\nSELECT 1", "works has a type"),
        (f"{HEADER}DROP TABLE works", "one SELECT"),
        (f"{HEADER}SELECT 1; SELECT 2", "one SELECT"),
    ],
)
def test_another_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(ViewError, match=message):
        parse("v", text)
