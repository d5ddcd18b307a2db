"""The job's role reaches the tables of the contracts: all that it switches, and no other."""

from infra.template_model import load, statements, text_of
from schemas.curated_tables import CURATED


def test_the_role_names_every_curated_table() -> None:
    (role,) = (item for item in load("glue_etl").resources() if item.name == "EtlRole")
    (switch,) = (item for item in statements(role) if item["Sid"] == "SwitchTheCuratedTables")
    resources = [text_of(item) for item in switch["Resource"]]
    tables = [item.rpartition("/")[2] for item in resources if ":table/" in item]

    assert tables == sorted(table.catalogue_name for table in CURATED.values())
