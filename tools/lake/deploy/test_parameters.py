import pytest

from lake.deploy.parameters import merge, parse_settings
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
