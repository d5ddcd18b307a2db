from typing import Any

import pytest

from lake.aws import Cloud
from lake.deploy.alarms import rollback_alarms
from lake.errors import NotDeployedError

ARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"


class FakeCloud(Cloud):
    """An account with alarms in given states."""

    def __init__(self, states: dict[str, str], listed: str | None, endpoint: str | None = None):
        super().__init__(env="dev", endpoint=endpoint)
        self.states = states
        self.listed = listed

    def parameter(self, path: str) -> str:
        assert path == "monitoring/process-rollback-alarms"
        if self.listed is None:
            raise NotDeployedError(path)
        return self.listed

    def client(self, service: str) -> Any:
        assert service == "cloudwatch"
        return self

    def describe_alarms(self, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N803 (boto3's)
        return {
            "MetricAlarms": [
                {"AlarmArn": ARN + name, "StateValue": state}
                for name, state in self.states.items()
                if name in AlarmNames
            ]
        }


@pytest.mark.parametrize(
    ("states", "listed", "expected"),
    [
        ({"a": "OK", "b": "INSUFFICIENT_DATA"}, f"{ARN}a,{ARN}b", [f"{ARN}a", f"{ARN}b"]),
        ({"a": "ALARM", "b": "OK"}, f"{ARN}a,{ARN}b", [f"{ARN}b"]),
        ({"b": "OK"}, f"{ARN}deleted,{ARN}b", [f"{ARN}b"]),
        ({}, None, []),
    ],
)
def test_existing_healthy_alarms_guard_a_change(
    states: dict[str, str], listed: str | None, expected: list[str]
) -> None:
    assert rollback_alarms(FakeCloud(states, listed), "process") == expected


def test_the_local_aws_has_no_alarm_states() -> None:
    cloud = FakeCloud({"a": "OK"}, f"{ARN}a", endpoint="http://127.0.0.1:1")
    assert rollback_alarms(cloud, "process") == []
