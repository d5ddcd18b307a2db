"""Roles reach the tables of the contracts: each stage those that it writes, and no other."""

import pytest

from infra.rules.access import may
from infra.rules.template import load, statements, text_of
from schemas.curated_tables import CURATED
from schemas.ledger.compacted import PAGED
from schemas.tables import TABLES


@pytest.mark.parametrize(
    ("unit", "role", "sid", "tables"),
    [
        (
            "process",
            "FunctionRole",
            "RegisterTablesAndPartitions",
            {table.catalogue_name for table in TABLES.values()},
        ),
        ("glue_etl", "EtlRole", "SwitchTheCuratedTables", set(CURATED)),
        (
            "glue_etl",
            "EtlRole",
            "SwitchCompactedDays",
            {table.catalogue_name for table in PAGED.values()},
        ),
    ],
)
def test_the_role_names_every_table(unit: str, role: str, sid: str, tables: set[str]) -> None:
    (found,) = (item for item in load(unit).resources() if item.name == role)
    (granted,) = (item for item in statements(found) if item["Sid"] == sid)
    resources = [text_of(item) for item in granted["Resource"]]
    names = [item.rpartition("/")[2] for item in resources if ":table/" in item]

    assert names == sorted(tables)


PAGED_TABLES = ("crawled_works", "subject_snapshots", "subject_facets")


@pytest.mark.parametrize("action", ["glue:CreateTable", "glue:UpdateTable"])
def test_the_etl_switches_curated_tables_and_no_other(action: str) -> None:
    template = load("glue_etl")

    assert may(template, "EtlRole", action, "table/{glue-database}/works")
    for other in ("quarantine", *PAGED_TABLES):
        assert not may(template, "EtlRole", action, f"table/{{glue-database}}/{other}")
    assert not may(template, "BulkRole", action, "table/{glue-database}/works")


@pytest.mark.parametrize("action", ["glue:BatchUpdatePartition", "glue:GetPartitions"])
def test_the_etl_switches_the_days_of_compacted_tables_and_no_other(action: str) -> None:
    template = load("glue_etl")

    for table in PAGED_TABLES:
        assert may(template, "EtlRole", action, f"table/{{glue-database}}/{table}")
        assert not may(template, "BulkRole", action, f"table/{{glue-database}}/{table}")
    for other in ("quarantine", "works"):
        assert not may(template, "EtlRole", action, f"table/{{glue-database}}/{other}")
    assert not may(template, "EtlRole", "glue:DeleteTable", "table/{glue-database}/works")


@pytest.mark.parametrize("action", ["glue:CreateTable", "glue:UpdateTable", "glue:GetTable"])
def test_the_etl_switches_tables_of_the_iceberg_database(action: str) -> None:
    template = load("glue_etl")

    assert may(template, "EtlRole", action, "table/${IcebergDatabase}/works")
    assert not may(template, "BulkRole", action, "table/${IcebergDatabase}/works")
    assert not may(template, "EtlRole", "glue:DeleteTable", "table/${IcebergDatabase}/works")


@pytest.mark.parametrize(
    "action",
    ["glue:DeleteTable", "glue:DeletePartition", "glue:DeleteDatabase", "glue:CreateDatabase"],
)
def test_process_cannot_remove_from_the_catalogue(action: str) -> None:
    for target in ("catalog", "database/{glue-database}", "table/{glue-database}/crawled_works"):
        assert not may(load("process"), "FunctionRole", action, target)
        assert may(load("process"), "FunctionRole", "glue:CreateTable", target)


def test_ingest_has_no_access_to_the_catalogue() -> None:
    assert not may(load("ingest"), "FunctionRole", "glue:GetTable", "table/{glue-database}/works")
