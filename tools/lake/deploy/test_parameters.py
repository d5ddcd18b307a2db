import pytest

from lake.deploy.parameters import merge, parse_settings, refuse_unknown
from lake.errors import DeployError


def test_settings_are_grouped_by_unit() -> None:
    found = parse_settings(
        ["process.MemorySize=2048", "ingest.Contact=a=b@c", "process.BatchSize=1"]
    )
    assert found == {
        "process": {"MemorySize": "2048", "BatchSize": "1"},
        "ingest": {"Contact": "a=b@c"},
    }


@pytest.mark.parametrize("setting", ["MemorySize=1", "process.=1", "process.MemorySize", "", "=."])
def test_a_malformed_setting_is_refused(setting: str) -> None:
    with pytest.raises(DeployError, match=r"is not UNIT\.PARAMETER=VALUE"):
        parse_settings([setting])


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(DeployError, match="no unit 'proces'"):
        parse_settings(["proces.MemorySize=1"])


def test_a_given_parameter_overrides_the_default() -> None:
    base = {"ingest": {"ScheduleState": "DISABLED", "PageSize": "500"}}
    assert merge(base, {"ingest": {"PageSize": "100"}, "process": {}}) == {
        "ingest": {"ScheduleState": "DISABLED", "PageSize": "100"},
        "process": {},
    }


def test_a_setting_of_a_unit_that_is_not_deployed_is_refused() -> None:
    with pytest.raises(DeployError, match="ingest is not deployed now") as caught:
        refuse_unknown({"ingest": {"Contact": "x"}}, {"process": {"MemorySize"}})
    assert "Add ingest to the units" in caught.value.hint


def test_an_unknown_parameter_is_answered_with_the_one_that_was_meant() -> None:
    known = {"process": {"MemorySize", "BatchSize", "Env"}}

    with pytest.raises(DeployError, match="process has no parameter 'MemorySice'") as caught:
        refuse_unknown({"process": {"MemorySice": "1"}}, known)

    assert caught.value.hint.startswith("Did you mean MemorySize? infra/process.yaml")
    refuse_unknown({"process": {"MemorySize": "1"}}, known)
