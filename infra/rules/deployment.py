"""What CloudFormation asks of IAM when it deploys a resource, by the resource's type; pure.

Sources: the handlers and tag permissions of CloudFormation's registry schemas, and the service
authorisation reference, both as cfn-lint ships them. A handler lists what any use of a type may
need; `NOT_NEEDED` says what ours does not, and why.
"""

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infra.rules.policy import Request
from infra.rules.stacks import ACCOUNT, ARNS, REGION, Stack
from infra.rules.template import HERE, UNITS, Resource, as_list, load, statements

# Types, actions as patterns, and why they are not needed.
Exceptions = tuple[tuple[str, str, str], ...]

VERBS = ("create", "read", "update", "delete")
LISTED = HERE / "deployment.json"
QUICKSIGHT = f"arn:aws:quicksight:{REGION}:{ACCOUNT}"

# Types that the registry does not describe.
UNREGISTERED = {
    # CloudFormation calls the function behind a custom resource with the rights of its role.
    "Custom::SmokeTest": ("lambda:InvokeFunction",),
}
# What handlers do for properties that no template sets.
NOT_NEEDED: Exceptions = (
    ("AWS::Athena::WorkGroup", "iam:* s3:* kms:*", "for Spark and for results that Athena manages"),
    ("AWS::Budgets::Budget", "billing:*", "for views of other accounts' bills"),
    ("AWS::Events::Rule", "iam:PassRole", "where no target has a role"),
    ("AWS::Glue::Database", "glue:*Connection", "for databases of other catalogues"),
    (
        "AWS::Glue::Table",
        "glue:PassConnection glue:GetSchemaVersion glue:UpdateDatabase iam:PassRole s3:*",
        "for tables in Iceberg, in other catalogues or with a registered schema",
    ),
    (
        "AWS::Glue::*",
        "lakeformation:GetDataAccess lakeformation:CreateTable",
        "a view has no data of its own; the second is no action of IAM",
    ),
    ("AWS::IAM::Role", "iam:AttachRolePolicy iam:DetachRolePolicy", "for managed policies"),
    ("AWS::IAM::Role", "iam:DeleteRolePermissionsBoundary", "a boundary is never taken away"),
    ("AWS::KMS::Key", "kms:DisableKey kms:EnableKey kms:DisableKeyRotation", "for keys turned off"),
    ("AWS::Lambda::*", "kms:*", "for functions with a key of the customer"),
    ("AWS::Lambda::*", "ec2:* elasticfilesystem:* s3files:*", "for functions in a VPC"),
    (
        "AWS::Lambda::*",
        "lambda:*CodeSigning* lambda:PassCapacityProvider lambda:GetLayerVersion codedeploy:*",
        "for signed code, capacity of one's own, layers and shifted traffic",
    ),
    ("AWS::Lambda::Function", "lambda:AssociateRuntimeAlias", "no action of IAM"),
    (
        "AWS::Logs::LogGroup",
        "s3:* firehose:* logs:*Policies logs:*ResourcePolicy logs:*IndexPolicy"
        " logs:CreateLogDelivery",
        "for delivery to elsewhere and for indexes",
    ),
    (
        "AWS::QuickSight::*",
        "quicksight:*Topic quicksight:DescribeTemplate quicksight:DescribeTheme"
        " quicksight:*Folder*",
        "for topics, templates, themes and folders",
    ),
    (
        "AWS::S3::Bucket",
        "iam:* s3tables:* s3:*Metadata* s3:*Abac s3:*Analytics* s3:*CORS s3:*Cors s3:*Inventory*"
        " s3:*MetricsConfiguration s3:*Replication* s3:*Website s3:*Accelerate* s3:*Acl"
        " s3:*ObjectLock* s3:*IntelligentTiering* s3:DeleteObject",
        "for features of buckets that none of ours has",
    ),
    (
        "AWS::S3::Bucket",
        "s3:DeleteBucketEncryption s3:DeleteBucketLifecycle s3:DeleteBucketTagging",
        "no actions of IAM: the right to put is asked for",
    ),
    ("AWS::SNS::*", "iam:*", "for logs of deliveries"),
)


@cache
def reference() -> dict[str, Any]:
    """Return the service authorisation reference: actions in lower case, by service."""
    found: dict[str, Any] = load_resource(AdditionalSpecs, "Policies.json")
    return found


def is_action(action: str) -> bool:
    """Return whether an action exists."""
    service, _, name = action.partition(":")
    return name.lower() in reference().get(service, {}).get("Actions", {})


def knows_resources(action: str) -> bool:
    """Return whether a policy can name the resource of an action."""
    service, _, name = action.partition(":")
    return bool(reference()[service]["Actions"][name.lower()].get("Resources"))


def is_needed(kind: str, action: str, exceptions: Exceptions = NOT_NEEDED) -> bool:
    """Return whether our use of a type asks for an action of its handlers."""
    return not any(
        fnmatchcase(kind, kinds) and any(fnmatchcase(action, glob) for glob in globs.split())
        for kinds, globs, _ in exceptions
    )


def handlers(kind: str) -> set[str]:
    """Return all that the registry lists for a type: to make, read, change, remove and tag it.

    Raises
    ------
    LookupError
        The type is in no table.
    """
    if kind in UNREGISTERED:
        return set(UNREGISTERED[kind])
    if kind not in PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1"):
        raise LookupError(f"Nothing says what deploying a {kind} needs; add it to UNREGISTERED.")
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    actions = set(schema.get("tagging", {}).get("permissions", []))
    for verb in VERBS:
        actions |= set(schema["handlers"].get(verb, {}).get("permissions", []))
    return actions


def actions(kind: str) -> set[str]:
    """Return what deploying a resource of a type asks for."""
    return {action for action in handlers(kind) if is_needed(kind, action)}


def requests(stack: Stack, resource: Resource) -> Iterator[Request]:
    """Yield what CloudFormation asks of IAM to make, read, change, remove and tag a resource."""
    for action in sorted(actions(resource.type)):
        if action == "iam:GetRole" and resource.type != "AWS::IAM::Role":
            continue
        if action != "iam:PassRole":
            for arn in _asked_on(stack, resource, action):
                for context in _contexts(stack, resource, action):
                    yield Request(action, arn, context)
    yield from _passed_roles(stack, resource)


def _contexts(stack: Stack, resource: Resource, action: str) -> list[dict[str, str]]:
    """Return the condition keys that come with a request, in each way that it is made."""
    if resource.type == "AWS::KMS::Key":
        lake = f"{stack.parameter('App')}-{stack.parameter('Env')}"
        asked, tagged = {"aws:RequestTag/lake": lake}, {"aws:ResourceTag/lake": lake}
        if action == "kms:CreateKey":
            return [asked]
        # With the tag when the key is made; a tag that is added later comes alone.
        return [asked, tagged] if action == "kms:TagResource" else [tagged]
    if action.endswith("EventSourceMapping"):
        return [{"lambda:FunctionArn": str(stack.resolve(resource.properties["FunctionName"]))}]
    if resource.type == "AWS::IAM::Role":
        boundary = stack.resolve(resource.properties).get("PermissionsBoundary")
        return [{"iam:PermissionsBoundary": boundary} if boundary else {}]
    return [{}]


# The property that holds the role which a service is given, by the service.
PASSED = {
    "AWS::Glue::Job": ("glue", "Role"),
    "AWS::Lambda::Function": ("lambda", "Role"),
    "AWS::Scheduler::Schedule": ("scheduler", "Target.RoleArn"),
    "AWS::QuickSight::DataSource": ("quicksight", "DataSourceParameters.AthenaParameters.RoleArn"),
}


def _passed_roles(stack: Stack, resource: Resource) -> Iterator[Request]:
    properties = stack.resolve(resource.properties)
    roles = [target["RoleArn"] for target in properties.get("Targets", []) if "RoleArn" in target]
    service = "events"
    if resource.type in PASSED:
        service, path = PASSED[resource.type]
        value: Any = properties
        for part in path.split("."):
            value = value[part]
        roles = [value]
    for role in roles:
        context = {"iam:PassedToService": f"{service}.amazonaws.com"}
        yield Request("iam:PassRole", role, context)


def _asked_on(stack: Stack, resource: Resource, action: str) -> list[str]:
    """Return the ARNs that IAM is asked about."""
    if not knows_resources(action):
        return ["*"]
    if action in ("s3:GetObject", "s3:GetObjectVersion"):
        code = stack.resolve(resource.properties["Code"])
        return [f"arn:aws:s3:::{code['S3Bucket']}/{code['S3Key']}"] if "S3Bucket" in code else []
    return (
        _PLACES[resource.type](stack, resource)
        if resource.type in _PLACES
        else [stack.arn_of(resource)]
    )


def _property(stack: Stack, resource: Resource, name: str) -> Any:
    return stack.resolve(resource.properties[name])


def _catalogue(stack: Stack, resource: Resource) -> list[str]:
    glue = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    if resource.type == "AWS::Glue::Database":
        name = stack.name_of(resource)
        # Removing a database asks for what is in it, too.
        return [f"{glue}:catalog", f"{glue}:database/{name}", f"{glue}:table/{name}/any"]
    database = _property(stack, resource, "DatabaseName")
    table = _property(stack, resource, "TableInput")["Name"]
    return [f"{glue}:catalog", f"{glue}:database/{database}", f"{glue}:table/{database}/{table}"]


def _lambda_part(stack: Stack, resource: Resource) -> list[str]:
    name = str(_property(stack, resource, "FunctionName")).rpartition(":")[2]
    return [ARNS["AWS::Lambda::Function"].format(name=name)]


def _bucket(stack: Stack, resource: Resource) -> list[str]:
    return [f"arn:aws:s3:::{_property(stack, resource, 'Bucket')}"]


def _queues(stack: Stack, resource: Resource) -> list[str]:
    return [
        ARNS["AWS::SQS::Queue"].format(name=name) for name in _property(stack, resource, "Queues")
    ]


_PLACES: dict[str, Callable[[Stack, Resource], list[str]]] = {
    "AWS::Athena::NamedQuery": lambda stack, resource: [
        ARNS["AWS::Athena::WorkGroup"].format(name=_property(stack, resource, "WorkGroup"))
    ],
    "AWS::Glue::Database": _catalogue,
    "AWS::Glue::Table": _catalogue,
    "AWS::Lambda::Alias": _lambda_part,
    "AWS::Lambda::EventInvokeConfig": _lambda_part,
    "AWS::Lambda::Permission": _lambda_part,
    "AWS::Lambda::Version": _lambda_part,
    "AWS::QuickSight::RefreshSchedule": lambda stack, resource: [
        f"{QUICKSIGHT}:dataset/{_property(stack, resource, 'DataSetId')}/refresh-schedule/"
        f"{_property(stack, resource, 'Schedule')['ScheduleId']}"
    ],
    "AWS::S3::BucketPolicy": _bucket,
    "AWS::SNS::Subscription": lambda stack, resource: [_property(stack, resource, "TopicArn")],
    "AWS::SNS::TopicPolicy": lambda stack, resource: as_list(_property(stack, resource, "Topics")),
    "AWS::SQS::QueuePolicy": _queues,
    "Custom::SmokeTest": lambda stack, resource: [_property(stack, resource, "ServiceToken")],
}


def listed() -> dict[str, Any]:
    """Return what a deployment needs, as `infra/deployment.json` tells the command.

    The names that the templates take; the command's own actions, which are those of the role that
    GitHub's workflows assume; and CloudFormation's actions, by unit.
    """
    bootstrap = load("bootstrap")
    (role,) = (item for item in bootstrap.resources() if item.name == "DeployRole")
    own = {
        action
        for statement in statements(role)
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }
    units = {}
    for unit in UNITS:
        kinds = {resource.type for resource in load(unit).resources()}
        units[unit] = sorted({action for kind in kinds for action in actions(kind)})
    parameters = bootstrap.body["Parameters"]
    names = {
        name: {
            "pattern": parameters[name]["AllowedPattern"],
            "description": parameters[name]["ConstraintDescription"],
        }
        for name in ("App", "Env")
    }
    return {"names": names, "command": sorted(own), "units": units}


if __name__ == "__main__":
    LISTED.write_text(f"{json.dumps(listed(), indent=1)}\n", encoding="utf-8")
