from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.etl.job_runs import JobRun
from lake.operations.verify import operations
from lake.operations.verify.claims import Claim, ClaimFailedError, UnavailableError, try_claim
from lake.testing.lakes import BUCKET, lake_in_memory

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STACK = {"StackStatus": "CREATE_COMPLETE", "Outputs": []}


def on_aws(**clients: Any) -> Cloud:
    described = {"Stacks": [STACK]}
    cloudformation = SimpleNamespace(
        describe_stacks=lambda **_: described,
        describe_stack_resource=lambda **request: {
            "StackResourceDetail": {"PhysicalResourceId": request["LogicalResourceId"]}
        },
    )
    return Cloud(env="dev", _clients={"cloudformation": cloudformation, **clients})


def statistics(*sums: float) -> Any:
    """Return a CloudWatch that has a datapoint more at each look."""
    given = list(sums)

    def get(**request: Any) -> dict[str, Any]:
        assert request["MetricName"] == "PagesProcessed"
        value = given.pop(0) if given else 0
        return {"Datapoints": [{"Sum": value}] if value else []}

    return SimpleNamespace(get_metric_statistics=get)


def test_a_metric_is_waited_for() -> None:
    cloud = on_aws(cloudwatch=statistics(0, 0, 2))

    assert operations.metric_arrives(cloud, NOW, sleep=lambda _: None) == "PagesProcessed: 2"


def test_a_metric_that_does_not_arrive_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "METRIC_SECONDS", 0.0)

    with pytest.raises(ClaimFailedError, match="did not arrive"):
        operations.metric_arrives(on_aws(cloudwatch=statistics()), NOW, sleep=lambda _: None)


@pytest.mark.parametrize(
    ("states", "problem"),
    [({"a": "OK", "b": "ALARM"}, "in alarm: b"), ({}, "there are no alarms")],
)
def test_an_alarm_that_is_on_or_missing_is_a_failure(states: dict[str, str], problem: str) -> None:
    with pytest.raises(ClaimFailedError, match=problem):
        operations.alarms_have_a_state(on_aws(cloudwatch=alarms(states)))


def test_alarms_that_are_off_or_expected_are_shown() -> None:
    states = {"lake-etl-failed": "OK", "lake-pages-quarantined": "ALARM"}

    shown = operations.alarms_have_a_state(on_aws(cloudwatch=alarms(states)))

    assert shown == "2 alarms; on, as expected: lake-pages-quarantined"


def alarms(states: dict[str, str]) -> Any:
    found = [{"AlarmName": name, "StateValue": state} for name, state in states.items()]
    pages = SimpleNamespace(paginate=lambda **_: [{"MetricAlarms": found}])
    return SimpleNamespace(get_paginator=lambda _: pages)


@pytest.mark.parametrize(("decision", "fails"), [("implicitDeny", False), ("allowed", True)])
def test_a_role_that_may_too_much_is_a_failure(decision: str, fails: bool) -> None:
    iam = SimpleNamespace(
        get_role=lambda **request: {"Role": {"Arn": request["RoleName"]}},
        simulate_principal_policy=lambda **_: {"EvaluationResults": [{"EvalDecision": decision}]},
    )
    sts = SimpleNamespace(get_caller_identity=lambda: {"Arn": "arn:aws:iam::1:user/ana"})
    parameter = {"Parameter": {"Value": BUCKET}}
    ssm = SimpleNamespace(get_parameter=lambda **_: parameter)
    claim = Claim(
        "roles-are-denied",
        lambda: operations.roles_are_denied(on_aws(iam=iam, sts=sts, ssm=ssm)),
    )

    assert try_claim(claim).outcome == ("failed" if fails else "shown")


@pytest.mark.parametrize(
    ("state", "outcome"), [("SUCCEEDED", "shown"), ("RUNNING", "shown"), ("FAILED", "failed")]
)
def test_a_job_run_that_failed_is_a_failure(state: str, outcome: str) -> None:
    run = JobRun("etl", "2026-11-23 06:00:00", state, 60, "")

    shown = try_claim(Claim("job", lambda: operations.job_runs_to_its_end(Cloud(env="dev"), [run])))

    assert shown.outcome == outcome


def test_without_a_job_run_there_is_nothing_to_see() -> None:
    with pytest.raises(UnavailableError):
        operations.job_runs_to_its_end(Cloud(env="dev"), [])


def test_a_lake_without_a_run_is_not_stale() -> None:
    with mock_aws(), pytest.raises(UnavailableError):
        operations.runs_are_fresh(lake_in_memory(), BUCKET, NOW)


def test_whatever_goes_wrong_is_the_outcome_of_one_claim() -> None:
    shown = try_claim(Claim("broken", lambda: str(1 / 0)))

    assert (shown.outcome, shown.detail) == ("failed", "ZeroDivisionError: division by zero")
