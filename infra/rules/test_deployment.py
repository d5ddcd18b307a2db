"""The role with which CloudFormation works can deploy every resource, and nothing of others."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from infra.rules.deployment import (
    LISTED,
    NOT_NEEDED,
    actions,
    handlers,
    is_action,
    is_needed,
    listed,
    requests,
)
from infra.rules.policy import Request, allowed
from infra.rules.stacks import ACCOUNT, REGION, Stack
from infra.rules.template import UNITS, load

# Deployed by an administrator, who gives the role its rights.
BY_HAND = {"bootstrap"}
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
EVERYTHING = {
    "GitHubRepository": "owner/name",
    "ArtifactBucket": "openlake-dev-bootstrap-artifactbucket-1a2b3c4d5e6f",
    "AlarmEmail": "a@example.org",
    "CustomerKey": "true",
    "IcebergTables": "true",
    "MonthlyBudgetUsd": "10",
    "PermissionsBoundary": BOUNDARY,
    "QuickSightPrincipal": f"arn:aws:quicksight:{REGION}:{ACCOUNT}:user/default/ana",
}
TYPES = sorted({resource.type for unit in UNITS for resource in load(unit).resources()})
# IAM's limit for all inline policies of a role, without white space.
LONGEST_POLICY = 10_240


def rights(role: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
    """Return the statements of a role of bootstrap."""
    stack = Stack(load("bootstrap"), parameters)
    properties = stack.resolve(stack.by_name[role].properties)
    return [
        statement
        for policy in properties["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def refused(
    unit: str, statements: Sequence[dict[str, Any]], parameters: dict[str, str]
) -> set[str]:
    """Return what a role lacks to deploy a unit."""
    stack = Stack(load(unit), parameters)
    return {
        f"{resource.type}: {asked.action} on {asked.resource}"
        for resource in stack.template.resources()
        if stack.exists(resource)
        for asked in requests(stack, resource)
        if not allowed(statements, asked)
    }


@pytest.mark.parametrize("parameters", [EVERYTHING, {**EVERYTHING, "PermissionsBoundary": ""}])
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit not in BY_HAND])
def test_cloudformation_may_deploy_every_resource(unit: str, parameters: dict[str, str]) -> None:
    assert refused(unit, rights("CloudFormationRole", parameters), parameters) == set()


def test_with_these_parameters_every_resource_exists() -> None:
    for unit in UNITS:
        stack = Stack(load(unit), EVERYTHING)
        for resource in stack.template.resources():
            assert stack.exists(resource), f"{unit} {resource.name}"


def test_a_right_that_is_missing_is_noticed() -> None:
    statements = rights("CloudFormationRole", EVERYTHING)
    without = [item for item in statements if item["Sid"] != "Queues"]

    assert "AWS::SQS::Queue: sqs:TagQueue on " in str(refused("ingest", without, EVERYTHING))


def test_a_type_that_nothing_describes_is_an_error() -> None:
    with pytest.raises(LookupError, match="AWS::None::Such"):
        actions("AWS::None::Such")


@pytest.mark.parametrize("kind", TYPES)
def test_what_a_type_needs_are_actions_that_exist(kind: str) -> None:
    assert actions(kind)
    assert not [action for action in actions(kind) if not is_action(action)]


def test_every_exception_is_still_one() -> None:
    for kinds, globs, _ in NOT_NEEDED:
        for glob in globs.split():
            alone = ((kinds, glob, ""),)
            assert any(
                not is_needed(kind, action, alone) for kind in TYPES for action in handlers(kind)
            ), f"{kinds} {glob}"


@pytest.mark.parametrize(
    "asked",
    [
        Request("lambda:DeleteFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:other"),
        Request("sqs:DeleteQueue", f"arn:aws:sqs:{REGION}:{ACCOUNT}:openlake-prod-process"),
        Request("glue:DeleteTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/openlake_prod/works"),
        Request("quicksight:DeleteDashboard", f"arn:aws:quicksight:{REGION}:{ACCOUNT}:dashboard/x"),
        Request("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/openlake-dev-bootstrap-deploy"),
        Request(
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/openlake-dev-process-FunctionRole-1",
            {"iam:PassedToService": "ec2.amazonaws.com"},
        ),
        Request(
            "lambda:UpdateEventSourceMapping",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:1",
            {"lambda:FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:other"},
        ),
        Request("s3:GetObject", "arn:aws:s3:::openlake-dev-foundation-databucket-1/raw_data/x"),
        Request(
            "kms:ScheduleKeyDeletion",
            f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
            {"aws:ResourceTag/lake": "openlake-prod"},
        ),
        Request(
            "iam:CreateRole",
            f"arn:aws:iam::{ACCOUNT}:role/openlake-dev-process-x",
            {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/other"},
        ),
    ],
    ids=lambda asked: asked.action,
)
def test_cloudformation_may_not_touch_what_is_not_this_environments(asked: Request) -> None:
    assert not allowed(rights("CloudFormationRole", EVERYTHING), asked)


@pytest.mark.parametrize("unit", UNITS)
def test_policies_are_within_the_length_that_iam_takes(unit: str) -> None:
    longest = {**EVERYTHING, "App": "a" * 16, "Env": "e" * 8, "GitHubRepository": f"{'o' * 39}/r"}
    stack = Stack(load(unit), longest)

    for role in stack.template.resources("AWS::IAM::Role"):
        policies = stack.resolve(role.properties)["Policies"]
        text = "".join(
            json.dumps(item["PolicyDocument"], separators=(",", ":")) for item in policies
        )
        assert len(text) <= LONGEST_POLICY, role.name


def test_the_list_for_the_command_is_that_of_the_templates() -> None:
    assert (
        json.loads(LISTED.read_text(encoding="utf-8")) == listed()
    ), "run 'python -m infra.rules.deployment'"
