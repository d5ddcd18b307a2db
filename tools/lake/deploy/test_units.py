import pytest

from lake.deploy.units import UNITS, select
from lake.errors import DeployError


def test_without_names_all_units_are_selected() -> None:
    assert select([]) == list(UNITS)


def test_named_units_come_in_deployment_order() -> None:
    assert [unit.name for unit in select(["ingest", "bootstrap", "ingest"])] == [
        "bootstrap",
        "ingest",
    ]


def test_an_unknown_unit_is_answered_with_the_known_ones() -> None:
    with pytest.raises(DeployError, match="no unit 'ingset'") as caught:
        select(["ingset"])
    assert caught.value.hint.startswith("Did you mean ingest? The units are: bootstrap, ")
