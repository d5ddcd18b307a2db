"""What goes and what stays when an environment is taken down."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lake.aws import Cloud
from lake.deploy import stacks
from lake.deploy.deployment import stack_name
from lake.deploy.units import UNITS
from lake.errors import DeployError

#: The units with the data and the catalogue, and with what deploys and deletes the others.
DATA_UNITS: Final = ("bootstrap", "foundation")
#: What CloudFormation leaves behind of each stack.
BUCKET: Final = "AWS::S3::Bucket"
KEY: Final = "AWS::KMS::Key"
OIDC_PROVIDER: Final = "AWS::IAM::OIDCProvider"
_QUEUE: Final = "AWS::SQS::Queue"


@dataclass(frozen=True)
class StackToDelete:
    """A stack that goes.

    Attributes
    ----------
    buckets, keys
        Names of its buckets and ids of its KMS keys, which are removed before the stack.
    queues
        URLs of its queues, whose messages go with it.
    """

    unit: str
    name: str
    id: str
    status: str
    buckets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()


@dataclass(frozen=True)
class DestroyPlan:
    """What goes, in order, and what stays.

    Attributes
    ----------
    log_groups
        Log groups that go, also those that stacks deleted earlier have left.
    messages
        Messages that wait in queues that go.
    stays
        What remains afterwards, a line each.
    """

    stacks: tuple[StackToDelete, ...]
    log_groups: tuple[str, ...]
    messages: int
    stays: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes."""
        return not self.stacks and not self.log_groups


def plan_destruction(cloud: Cloud, *, data: bool) -> DestroyPlan:
    """Compute what goes and what stays; changes nothing.

    Parameters
    ----------
    data
        Whether the data and the catalogue go, too.

    Raises
    ------
    DeployError
        A stack is being changed.
    """
    existing = [found for unit in reversed(UNITS) if (found := _look(cloud, unit.name))]
    going = tuple(stack for stack in existing if data or stack.unit not in DATA_UNITS)
    for stack in going:
        if stack.status.endswith("_IN_PROGRESS") and not _can_be_deleted_now(stack.status):
            raise DeployError(
                f"Stack {stack.name} is {stack.status}.", "Wait until that has ended, then repeat."
            )
    logs = tuple(_log_groups(cloud))
    staying = tuple(stack for stack in existing if stack not in going)
    return DestroyPlan(
        going,
        logs if data else (),
        sum(_messages(cloud, url) for stack in going for url in stack.queues),
        (
            *_kept(staying),
            *(() if data else _kept_logs(logs)),
            *_left_behind(cloud, existing, data),
        ),
    )


def _can_be_deleted_now(status: str) -> bool:
    # A stack under review was planned and never made; one that is deleted already is waited for.
    return status in ("DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS")


def _look(cloud: Cloud, unit: str) -> StackToDelete | None:
    name = stack_name(cloud, unit)
    described = stacks.describe(cloud, name)
    if described is None:
        return None
    found: dict[str, list[str]] = {}
    for resource in stacks.resources(cloud, name):
        if resource.get("PhysicalResourceId"):
            found.setdefault(resource["ResourceType"], []).append(resource["PhysicalResourceId"])
    return StackToDelete(
        unit,
        name,
        described["StackId"],
        described["StackStatus"],
        buckets=tuple(found.get(BUCKET, ())),
        keys=tuple(found.get(KEY, ())),
        queues=tuple(found.get(_QUEUE, ())),
    )


def _messages(cloud: Cloud, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs = cloud.client("sqs")
    try:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    except sqs.exceptions.QueueDoesNotExist:
        # Its stack was deleted by half.
        return 0
    return sum(int(found[name]) for name in names)


def _log_groups(cloud: Cloud) -> Iterator[str]:
    """Yield the log groups of the units' stacks, also of those that are deleted."""
    pages = cloud.client("logs").get_paginator("describe_log_groups")
    for unit in UNITS:
        stack = stack_name(cloud, unit.name)
        # The second form is that of the local AWS.
        for prefix in (f"{stack}-", f"/aws/cloudformation/{stack}/"):
            for page in pages.paginate(logGroupNamePrefix=prefix):
                for group in page["logGroups"]:
                    if _is_of(stack, group["logGroupName"]):
                        yield group["logGroupName"]


def _is_of(stack: str, name: str) -> bool:
    """Return whether CloudFormation gave a name: that of the stack, of the resource, letters.

    A prefix alone would do for those of an application whose name goes on after a hyphen, too.
    """
    name = name.removeprefix("/aws/cloudformation/").replace("/", "-0-")
    return re.fullmatch(rf"{re.escape(stack)}-[A-Za-z0-9]+-[A-Za-z0-9]+", name) is not None


def _kept(staying: tuple[StackToDelete, ...]) -> Iterator[str]:
    for stack in staying:
        holds = "the catalogue and " if stack.unit == "foundation" else ""
        yield f"stack {stack.name}, with {holds}{_named('bucket', stack.buckets)}"


def _kept_logs(logs: tuple[str, ...]) -> Iterator[str]:
    if logs:
        yield f"{counted(len(logs), 'log group')}, with what was logged"


def _left_behind(cloud: Cloud, existing: list[StackToDelete], data: bool) -> Iterator[str]:
    """Yield what no stack of this environment holds, or what is not only its own."""
    held = {bucket for stack in existing for bucket in stack.buckets}
    names = [stack_name(cloud, unit) for unit in DATA_UNITS]
    for bucket in cloud.client("s3").list_buckets()["Buckets"]:
        name = bucket["Name"]
        if name not in held and any(_is_of(stack, name) for stack in names):
            yield f"bucket {name}, which a stack that was deleted earlier has left"
    if not data:
        return
    for stack in existing:
        for key in stack.keys:
            yield f"KMS key {key}, for 30 days: AWS deletes no key at once"
        types = {item["ResourceType"] for item in stacks.resources(cloud, stack.name)}
        if OIDC_PROVIDER in types:
            yield "GitHub's OIDC provider, which other installations of the account may use"


def counted(count: int, kind: str) -> str:
    """Return a number of things in words."""
    return f"{count} {kind}{'' if count == 1 else 's'}"


def _named(kind: str, names: tuple[str, ...]) -> str:
    return f"{kind}{'' if len(names) == 1 else 's'} {', '.join(names)}"
