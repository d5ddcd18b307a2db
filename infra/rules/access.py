"""Rules for access: what roles may do, who may assume them, who may use a resource."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from infra.rules.model import Rule
from infra.rules.template import (
    Properties,
    Resource,
    Template,
    as_list,
    condition_keys,
    statements,
    text_of,
)

# Actions on objects, for which a whole bucket is too much where prefixes separate the stages.
_OBJECT_ACTION = re.compile(r"s3:(Get|Put|Delete)Object\w*")

# A wildcard in place of a whole name, account or region: `*`, `arn:..:*`, `arn:..:role/*`.
_UNBOUND = re.compile(r"(^|:)(\w[\w-]*/)?\*")

# Services whose documentation says that they name the account for which they assume a role. For
# one that does not, a condition that asks for the name would keep every function from starting;
# nor can its roles be handed over from another account (iam:PassRole).
_NAMES_ITS_ACCOUNT = {"events.amazonaws.com", "scheduler.amazonaws.com"}


def _allowed(resource: Resource) -> Iterator[Properties]:
    return (item for item in statements(resource) if item["Effect"] == "Allow")


def _wildcard_action(_: Template, resource: Resource) -> Iterator[str]:
    for statement in _allowed(resource):
        for action in as_list(statement["Action"]):
            if "*" in action:
                yield f"{statement['Sid']}: {action}"


def _wildcard_resource(_: Template, resource: Resource) -> Iterator[str]:
    for statement in _allowed(resource):
        for item in as_list(statement.get("Resource")):
            if _UNBOUND.search(text_of(item)):
                yield f"{statement['Sid']}: {text_of(item)}"


def _prefixes(_: Template, resource: Resource) -> Iterator[str]:
    for statement in _allowed(resource):
        if not any(_OBJECT_ACTION.fullmatch(action) for action in as_list(statement["Action"])):
            continue
        for item in as_list(statement["Resource"]):
            if re.search(r"\{data-bucket\}(/\*)?$", text_of(item)):
                yield f"{statement['Sid']}: every object of the data bucket"


def _listing(_: Template, resource: Resource) -> Iterator[str]:
    for statement in _allowed(resource):
        data = any("{data-bucket}" in text_of(item) for item in as_list(statement.get("Resource")))
        lists = "s3:ListBucket" in as_list(statement["Action"])
        if data and lists and "s3:prefix" not in condition_keys(statement):
            yield f"{statement['Sid']}: every key of the data bucket"


def _trust(_: Template, resource: Resource) -> Iterator[str]:
    for statement in resource.properties["AssumeRolePolicyDocument"]["Statement"]:
        keys = condition_keys(statement)
        principal = statement["Principal"]
        if "Service" in principal and not keys & {"aws:SourceAccount", "aws:SourceArn"}:
            yield f"{principal['Service']} may assume it for another account"
        elif (
            "Service" in principal
            and principal["Service"] not in _NAMES_ITS_ACCOUNT
            and not all(operator.endswith("IfExists") for operator in statement["Condition"])
        ):
            yield f"{principal['Service']} is not known to name its account"
        if "Federated" in principal:
            claims = {key.rsplit(":", 1)[-1] for key in keys}
            if not {"aud", "sub"} <= claims or "StringEquals" not in statement["Condition"]:
                yield "any workflow of the identity provider may assume it"
        if principal == "*" or "AWS" in principal:
            yield "only services and workflows may assume roles"


def _boundary(_: Template, resource: Resource) -> Iterator[str]:
    if text_of(resource.properties.get("PermissionsBoundary")) != "${PermissionsBoundary}":
        yield "it does not take the permissions boundary"


def _condition_on_source(_: Template, resource: Resource) -> Iterator[str]:
    for statement in statements(resource):
        principal = statement.get("Principal")
        if statement["Effect"] != "Allow" or not isinstance(principal, dict):
            continue
        if "Service" in principal and "aws:SourceArn" not in condition_keys(statement):
            yield f"{statement.get('Sid')}: {principal['Service']} may act for anybody's resource"
        if "*" in as_list(principal.get("AWS")) and not condition_keys(statement) & {
            "kms:CallerAccount",
            "aws:PrincipalArn",
        }:
            yield f"{statement.get('Sid')}: anybody may use it"


ACCESS_RULES = (
    Rule("wildcard-action", ("AWS::IAM::Role", "AWS::KMS::Key"), _wildcard_action),
    Rule("wildcard-resource", ("AWS::IAM::Role", "AWS::KMS::Key"), _wildcard_resource),
    Rule("object-prefixes", ("AWS::IAM::Role",), _prefixes),
    Rule("listing-prefixes", ("AWS::IAM::Role",), _listing),
    Rule("trust", ("AWS::IAM::Role",), _trust),
    Rule("permissions-boundary", ("AWS::IAM::Role",), _boundary),
    Rule(
        "condition-on-source",
        (
            "AWS::KMS::Key",
            "AWS::S3::BucketPolicy",
            "AWS::SNS::TopicPolicy",
            "AWS::SQS::QueuePolicy",
        ),
        _condition_on_source,
    ),
)


def may(template: Template, role: str, action: str, target: str) -> bool:
    """Return whether a role's policies allow an action on a resource.

    Conditions on `s3:prefix` are taken into account, others are taken as met.

    Parameters
    ----------
    target
        What the resource's ARN ends with, dynamic references as `{name}`:
        `{data-bucket}/raw_data/x`. For `s3:ListBucket` the prefix that is listed.
    """
    resource = next(item for item in template.resources() if item.name == role)
    return any(
        any(fnmatchcase(action, pattern) for pattern in as_list(statement["Action"]))
        and _covers(statement, action, target)
        for statement in _allowed(resource)
    )


def _covers(statement: Properties, action: str, target: str) -> bool:
    if action == "s3:ListBucket":
        prefixes = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ["*"])
        return any(fnmatchcase(target, pattern) for pattern in as_list(prefixes))
    patterns = (text_of(item) for item in as_list(statement["Resource"]))
    return any(fnmatchcase(target, pattern.rsplit(":", 1)[-1]) for pattern in patterns)
