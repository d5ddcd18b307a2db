import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from lake.aws import Cloud
from lake.operations.doctor.account import ACTIONS_AT_ONCE, look_at_account
from lake.operations.doctor.findings import Finding
from lake.project import Project

# As infra/deployment.json has it.
LISTED = {
    "names": {
        "App": {"pattern": "^[a-z]{2,16}$", "description": "2 to 16 letters."},
        "Env": {"pattern": "^[a-z]{2,8}$", "description": "2 to 8 letters."},
    },
    "command": ["cloudformation:CreateChangeSet"],
    "units": {
        "foundation": [f"s3:Action{number}" for number in range(60)],
        "analytics": ["glue:CreateTable"],
    },
}
OPEN = [{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}}]
ROLE = "arn:aws:iam::123456789012:role/path/Admin"


class MissingError(Exception):
    """What boto3 calls ParameterNotFound, or ResourceNotFoundException."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/deployment.json").write_text(json.dumps(LISTED))
    return Project(tmp_path)


def denied(*_: object, **__: object) -> Any:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Any")


def missing(*_: object, **__: object) -> Any:
    raise MissingError


class FakeIam:
    """Denies some actions."""

    def __init__(self, denies: set[str]) -> None:
        self.denies = denies
        self.asked: list[list[str]] = []

    def get_role(self, **request: str) -> dict[str, Any]:
        assert request == {"RoleName": "Admin"}
        return {"Role": {"Arn": ROLE}}

    def get_paginator(self, name: str) -> "FakeIam":
        assert name == "simulate_principal_policy"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        assert request["PolicySourceArn"] == ROLE
        names = request["ActionNames"]
        self.asked.append(names)
        yield {
            "EvaluationResults": [
                {
                    "EvalActionName": name,
                    "EvalDecision": "implicitDeny" if name in self.denies else "allowed",
                }
                for name in names
            ]
        }


def account(**changes: Any) -> Cloud:
    """Return a new account with nothing wrong, but what is changed."""
    arn = "arn:aws:sts::123456789012:assumed-role/Admin/ana"
    identity = {"Account": "123456789012", "Arn": arn}
    limit = {"AccountLimit": {"UnreservedConcurrentExecutions": 1000}}
    settings = {"CreateDatabaseDefaultPermissions": OPEN, "CreateTableDefaultPermissions": OPEN}
    subscribed = {"AccountInfo": {"AccountSubscriptionStatus": "ACCOUNT_CREATED"}}
    clients = {
        "s3": SimpleNamespace(meta=SimpleNamespace(region_name="eu-central-1")),
        "sts": SimpleNamespace(get_caller_identity=lambda: identity),
        "lambda": SimpleNamespace(get_account_settings=lambda: limit),
        "lakeformation": SimpleNamespace(
            get_data_lake_settings=lambda: {"DataLakeSettings": settings}
        ),
        "quicksight": SimpleNamespace(
            describe_account_subscription=lambda **_: subscribed,
            exceptions=SimpleNamespace(ResourceNotFoundException=MissingError),
        ),
        "iam": FakeIam(set()),
        "ssm": SimpleNamespace(
            get_parameter=missing, exceptions=SimpleNamespace(ParameterNotFound=MissingError)
        ),
    }
    env = changes.pop("env", "dev")
    return Cloud(env=env, _clients={**clients, **changes})


def look(project: Project, cloud: Cloud, name: str) -> Finding:
    return next(item for item in look_at_account(cloud, project) if item.name == name)


def test_a_good_account_is_fine(project: Project) -> None:
    found = look_at_account(account(), project)

    assert {item.state for item in found} == {"fine"}
    assert len(found) == 6


def test_without_credentials_nothing_else_is_asked(project: Project) -> None:
    def no_credentials() -> None:
        raise NoCredentialsError

    found = look_at_account(
        account(sts=SimpleNamespace(get_caller_identity=no_credentials)), project
    )

    assert [(item.name, item.state) for item in found] == [
        ("names", "fine"),
        ("credentials", "problem"),
    ]


@pytest.mark.parametrize("env", ["Dev", "production", "d"])
def test_a_name_that_the_templates_refuse_is_a_problem(project: Project, env: str) -> None:
    assert look(project, account(env=env), "names").state == "problem"


def test_the_quota_of_a_new_account_that_is_too_small_is_a_problem(project: Project) -> None:
    limit = {"AccountLimit": {"UnreservedConcurrentExecutions": 3}}

    found = look(
        project,
        account(**{"lambda": SimpleNamespace(get_account_settings=lambda: limit)}),
        "Lambda quota",
    )

    assert found.state == "problem"
    assert "process.MaximumConcurrency=2" in found.remedy


@pytest.mark.parametrize(
    "closed", ["CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions"]
)
def test_lake_formation_that_closes_tables_is_a_problem(project: Project, closed: str) -> None:
    settings = {"CreateDatabaseDefaultPermissions": OPEN, "CreateTableDefaultPermissions": OPEN}
    client = SimpleNamespace(
        get_data_lake_settings=lambda: {"DataLakeSettings": {**settings, closed: []}}
    )

    found = look(project, account(lakeformation=client), "Lake Formation")

    assert found.state == "problem"
    assert "docs/operations.md#lake-formation" in found.remedy


def test_an_account_without_quicksight_can_have_all_else(project: Project) -> None:
    client = SimpleNamespace(
        describe_account_subscription=missing,
        exceptions=SimpleNamespace(ResourceNotFoundException=MissingError),
    )

    assert look(project, account(quicksight=client), "QuickSight").state == "advice"


def test_actions_that_the_principal_lacks_are_named(project: Project) -> None:
    iam = FakeIam({"glue:CreateTable", "cloudformation:CreateChangeSet"})

    found = look(project, account(iam=iam), "rights")

    assert found.state == "advice"
    assert "cloudformation:CreateChangeSet, glue:CreateTable" in found.text
    assert max(map(len, iam.asked)) <= ACTIONS_AT_ONCE


def test_where_cloudformation_has_a_role_the_principal_needs_less(project: Project) -> None:
    iam = FakeIam({"glue:CreateTable"})
    ssm = SimpleNamespace(
        get_parameter=lambda **_: {"Parameter": {"Value": "arn"}},
        exceptions=SimpleNamespace(ParameterNotFound=MissingError),
    )

    assert look(project, account(iam=iam, ssm=ssm), "rights").state == "fine"


def test_what_may_not_be_looked_at_is_said_to_be_unknown(project: Project) -> None:
    client = SimpleNamespace(get_data_lake_settings=denied)

    assert look(project, account(lakeformation=client), "Lake Formation").state == "unknown"
