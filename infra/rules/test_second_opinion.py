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
    "IcebergTables": "true",
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
    ("DeployRole", "", "UNKNOWN_FEDERATION_SOURCE"): "it does not know providers of OIDC",
    ("DeployRole", "", "UNKNOWN_CONDITION_FOR_ACTION"): "keys of a token are its provider's",
    **{
        ("Key", statement, "RESOURCE_STAR"): "in a key's policy it means this key"
        for statement in ("Administration", "RolesOfTheLakeThroughS3", "Alarms", "Budget")
    },
}
#: Policies of resources: the type, and the property that holds the policy.
OF_RESOURCES = {
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
}


def opinions(name: str, statement: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what parliament finds in a statement of a role or a resource."""
    if "Principal" in statement and "Resource" not in statement:
        # A role's trust is about the role itself and names no resource; parliament wants one.
        statement = statement | {"Resource": f"arn:aws:iam::{ACCOUNT}:role/{name}"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    any_action = any("*" in action for action in as_list(statement["Action"]))
    for finding in analyze_policy_string(policy).findings:
        # Every action of a service is some action of which no resource is ours.
        if not (any_action and finding.issue == "RESOURCE_MISMATCH"):
            yield (name, statement.get("Sid", ""), finding.issue)


def statements(unit: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the statements of a unit's roles and resources, each with its resource's name."""
    stack = Stack(load(unit), EVERYTHING)
    for role in stack.template.resources("AWS::IAM::Role"):
        for policy in stack.resolve(role.properties)["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield role.name, statement
    for kind, document in OF_RESOURCES.items():
        for resource in stack.template.resources(kind):
            for statement in stack.resolve(resource.properties)[document]["Statement"]:
                yield resource.name, statement


def of_unit(unit: str) -> set[tuple[str, str, str]]:
    """Return what parliament finds in the policies of a unit."""
    return {found for name, statement in statements(unit) for found in opinions(name, statement)}


@pytest.mark.parametrize("unit", UNITS)
def test_another_reader_of_aws_finds_nothing_that_has_no_reason(unit: str) -> None:
    assert of_unit(unit) - set(KEPT) == set()


def test_every_policy_of_a_resource_is_read() -> None:
    """GIVEN all types of the templates WHEN one has a policy THEN it is one of those read."""
    found = {
        resource.type
        for unit in UNITS
        for resource in load(unit).resources()
        if any(name.endswith(("Policy", "PolicyDocument")) for name in resource.properties)
    }

    assert found - {"AWS::SQS::Queue"} == set(OF_RESOURCES)  # RedrivePolicy grants nothing


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
