"""Policies as another reader of AWS's service authorisation reference sees them: parliament.

It knows that actions exist, which resources and condition keys fit them, and what escalates
privileges. What it finds and we keep has its reason here.
"""

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from infra.rules.stacks import ACCOUNT, REGION, Stack
from infra.rules.template import UNITS, as_list, load

with warnings.catch_warnings():
    # It imports pkg_resources, and its patterns are no raw strings.
    warnings.simplefilter("ignore")
    from parliament import analyze_policy_string

EVERYTHING = {
    "ArtifactBucket": "openlake-dev-bootstrap-artifactbucket-1a2b3c4d5e6f",
    "CustomerKey": "true",
    "GitHubRepository": "owner/name",
    "PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "QuickSightPrincipal": f"arn:aws:quicksight:{REGION}:{ACCOUNT}:user/default/ana",
    "RedshiftWorkgroup": "lake",
    "RedshiftWorkgroupArn": f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/lake",
}
# (role, statement, what parliament calls it): why it stays.
KEPT = {
    ("CloudFormationRole", "Buckets", "RESOURCE_POLICY_PRIVILEGE_ESCALATION"): (
        "a deployment makes the policies and lifecycles of its buckets"
    ),
    ("CloudFormationRole", "EventSourceMappings", "RESOURCE_STAR"): "the function bounds it",
    ("CloudFormationRole", "MakeKeys", "RESOURCE_STAR"): "the tag bounds it",
    ("CloudFormationRole", "ManageKeys", "RESOURCE_STAR"): "the tag bounds it",
    ("CloudFormationRole", "MakeAndChangeRoles", "MISMATCHED_TYPE_BUT_USABLE"): (
        "an ARN compared as text is compared exactly"
    ),
}


def opinions(name: str, statement: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what parliament finds in a statement of a role."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    any_action = any("*" in action for action in as_list(statement["Action"]))
    for finding in analyze_policy_string(policy).findings:
        # Every action of a service is some action of which no resource is ours.
        if not (any_action and finding.issue == "RESOURCE_MISMATCH"):
            yield (name, statement.get("Sid", ""), finding.issue)


def of_unit(unit: str) -> set[tuple[str, str, str]]:
    """Return what parliament finds in the roles of a unit."""
    stack = Stack(load(unit), EVERYTHING)
    return {
        found
        for role in stack.template.resources("AWS::IAM::Role")
        for policy in stack.resolve(role.properties)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for found in opinions(role.name, statement)
    }


@pytest.mark.parametrize("unit", UNITS)
def test_another_reader_of_aws_finds_nothing_that_has_no_reason(unit: str) -> None:
    assert of_unit(unit) - set(KEPT) == set()


def test_every_reason_is_still_needed() -> None:
    assert set(KEPT) <= set().union(*(of_unit(unit) for unit in UNITS))


@pytest.mark.parametrize(
    ("action", "resource", "issue"),
    [
        ("s3:GetObjekt", "arn:aws:s3:::b/*", "UNKNOWN_ACTION"),
        ("s3:GetObject", "arn:aws:s3:::b", "RESOURCE_MISMATCH"),
        (
            "logs:DescribeLogGroups",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:*",
            "RESOURCE_MISMATCH",
        ),
    ],
)
def test_a_wrong_statement_is_found(action: str, resource: str, issue: str) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}

    assert [found for _, _, found in opinions("role", statement)] == [issue]
