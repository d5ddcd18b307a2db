"""Roles reach the tables of the contracts: each stage those that it writes, and no other."""

import pytest

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
