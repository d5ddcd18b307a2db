"""What a deployment needs of an account on AWS; nothing is changed."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lake.aws import Cloud
from lake.errors import NotDeployedError
from lake.operations.doctor.findings import Finding
from lake.project import Project

# What process may run at once by default, and one of ingest, with room for a second heartbeat.
LAMBDA_NEEDED = 6
# IAM evaluates so many actions in one request without a second page.
ACTIONS_AT_ONCE = 50
ACTIONS_SHOWN = 10

Look = Callable[[], Finding]


def look_at_account(cloud: Cloud, project: Project) -> list[Finding]:
    """Return what a deployment needs of the account that the credentials are for."""
    names = _names(cloud, project)
    try:
        identity: Mapping[str, Any] = cloud.client("sts").get_caller_identity()
        region = cloud.region
    except (BotoCoreError, ClientError) as error:
        remedy = "Set AWS_PROFILE or 'aws configure', and a region (AWS_REGION)."
        return [names, Finding("credentials", "problem", str(error), remedy)]
    found = Finding("credentials", "fine", f"{identity['Arn']} in {region}")
    looks: dict[str, Look] = {
        "Lambda quota": lambda: _lambda_quota(cloud),
        "Lake Formation": lambda: _lake_formation(cloud),
        "QuickSight": lambda: _quicksight(cloud, identity["Account"]),
        "rights": lambda: _rights(cloud, project, identity["Arn"]),
    }
    return [names, found, *(_looked_at(name, look) for name, look in looks.items())]


def _looked_at(name: str, look: Look) -> Finding:
    """Return what a look finds; a look that is not allowed is no problem of the account."""
    try:
        return look()
    except (BotoCoreError, ClientError) as error:
        return Finding(name, "unknown", str(error), "Ask somebody who may look at it.")


def _names(cloud: Cloud, project: Project) -> Finding:
    """Compare application and environment with the patterns of the templates' parameters."""
    for name, value in {"App": cloud.app, "Env": cloud.env}.items():
        allowed = _listed(project)["names"][name]
        if not re.fullmatch(allowed["pattern"], value):
            remedy = f"It must be {allowed['description']}"
            return Finding("names", "problem", f"{name} is {value!r}", remedy)
    return Finding("names", "fine", f"{cloud.app}-{cloud.env} fits roles and buckets")


def _listed(project: Project) -> dict[str, Any]:
    """Return what the templates say of a deployment."""
    text = (project.root / "infra/deployment.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _lambda_quota(cloud: Cloud) -> Finding:
    limit = cloud.client("lambda").get_account_settings()["AccountLimit"]
    free = int(limit["UnreservedConcurrentExecutions"])
    text = f"{free} concurrent executions"
    if free >= LAMBDA_NEEDED:
        return Finding("Lambda quota", "fine", text)
    return Finding(
        "Lambda quota",
        "problem",
        f"{text}, {LAMBDA_NEEDED} are needed",
        "Ask for more (Service Quotas, Lambda, Concurrent executions), or deploy with"
        " '--set process.MaximumConcurrency=2'.",
    )


def _lake_formation(cloud: Cloud) -> Finding:
    """Look whether tables are open to whom IAM lets in, as the lake's roles need."""
    settings = cloud.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    for kind in ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions"):
        granted = settings.get(kind, [])
        principals = {item["Principal"]["DataLakePrincipalIdentifier"] for item in granted}
        if "IAM_ALLOWED_PRINCIPALS" not in principals:
            return Finding(
                "Lake Formation",
                "problem",
                "IAM alone does not open new databases and tables",
                "See docs/operations.md#lake-formation.",
            )
    return Finding("Lake Formation", "fine", "IAM alone opens databases and tables")


def _quicksight(cloud: Cloud, account: str) -> Finding:
    client = cloud.client("quicksight")
    remedy = "Leave the unit quicksight out, or subscribe first."
    try:
        info = client.describe_account_subscription(AwsAccountId=account)["AccountInfo"]
    except client.exceptions.ResourceNotFoundException:
        return Finding("QuickSight", "advice", "this account has none", remedy)
    status = str(info["AccountSubscriptionStatus"])
    is_subscribed = status == "ACCOUNT_CREATED"
    return Finding("QuickSight", "fine" if is_subscribed else "advice", status.lower(), remedy)


def _rights(cloud: Cloud, project: Project, identity: str) -> Finding:
    """Ask IAM which actions of a deployment are denied to the principal."""
    if identity.endswith(":root"):
        return Finding("rights", "advice", "root may do all", "Use a role of less rights.")
    needed = sorted(_needed(cloud, project))
    source = _policy_source(cloud, identity)
    decisions = _decisions(cloud, source, needed)
    denied = [action for action, decision in decisions if decision != "allowed"]
    if not denied:
        return Finding("rights", "fine", f"all {len(needed)} actions of a deployment")
    shown = ", ".join(denied[:ACTIONS_SHOWN])
    more = f" and {len(denied) - ACTIONS_SHOWN} more" if len(denied) > ACTIONS_SHOWN else ""
    return Finding(
        "rights",
        "advice",
        f"{len(denied)} of {len(needed)} actions are not allowed on every resource: {shown}{more}",
        "If its policies do not name the lake's resources either, deploy as an administrator,"
        " or from GitHub.",
    )


def _needed(cloud: Cloud, project: Project) -> set[str]:
    """Return what the principal does by itself; CloudFormation has a role of its own, or not."""
    listed = _listed(project)
    needed = set(listed["command"])
    try:
        cloud.parameter("bootstrap/cloudformation-role-arn")
    except NotDeployedError:
        needed |= {action for unit in listed["units"].values() for action in unit}
    return needed


def _policy_source(cloud: Cloud, identity: str) -> str:
    """Return the ARN whose policies count: of a session, its role's."""
    found = re.fullmatch(r"arn:[^:]+:sts::\d+:assumed-role/([^/]+)/.*", identity)
    if not found:
        return identity
    return str(cloud.client("iam").get_role(RoleName=found[1])["Role"]["Arn"])


def _decisions(cloud: Cloud, source: str, actions: list[str]) -> Iterator[tuple[str, str]]:
    iam = cloud.client("iam")
    for start in range(0, len(actions), ACTIONS_AT_ONCE):
        names = actions[start : start + ACTIONS_AT_ONCE]
        pages = iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=source, ActionNames=names
        )
        for page in pages:
            for result in page["EvaluationResults"]:
                yield result["EvalActionName"], result["EvalDecision"]
