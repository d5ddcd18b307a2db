"""CloudFormation stacks, changed only through change sets."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lake.aws import Cloud
from lake.errors import StackFailedError

POLL_SECONDS_AWS = 2.0
POLL_SECONDS_LOCAL = 0.05
TIMEOUT_SECONDS = 3600.0
# Twice the period of the alarms.
MONITORING_MINUTES = 10
# Statuses of a stack whose creation failed: it can only be deleted.
NEVER_CREATED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
# The status of a stack that is between two releases.
NOT_UNDONE = "UPDATE_ROLLBACK_FAILED"
# What CloudFormation says of a change set that would change nothing.
NOTHING_TO_CHANGE = ("didn't contain changes", "No updates are to be performed", "no changes")
_AGAIN = "Run the same command again: it goes on where it stopped."
_WHEN_IT_HAS_ENDED = f"CloudFormation goes on with it: wait until that has ended. {_AGAIN}"


@dataclass(frozen=True)
class Change:
    """One resource that a change set adds, modifies or removes."""

    action: str
    resource: str
    type: str
    replacement: bool


@dataclass(frozen=True)
class ChangeSet:
    """A change set that was computed and not yet executed."""

    stack: str
    arn: str
    creates_stack: bool
    changes: list[Change] = field(default_factory=list)


def describe(cloud: Cloud, stack: str) -> dict[str, Any] | None:
    """Return CloudFormation's description of a stack; None where there is no such stack."""
    from botocore.exceptions import ClientError

    try:
        found = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    live: list[dict[str, Any]] = [s for s in found if s["StackStatus"] != "DELETE_COMPLETE"]
    return live[0] if live else None


def outputs(description: Mapping[str, Any]) -> dict[str, str]:
    """Return the outputs of a described stack by name."""
    return {o["OutputKey"]: o["OutputValue"] for o in description.get("Outputs", [])}


def parameters(description: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of a described stack by name."""
    return {p["ParameterKey"]: p["ParameterValue"] for p in description.get("Parameters", [])}


def parameter_names(cloud: Cloud, template: str) -> set[str]:
    """Return the names of a template's parameters."""
    summary = cloud.client("cloudformation").get_template_summary(TemplateBody=template)
    return {parameter["ParameterKey"] for parameter in summary["Parameters"]}


def template(cloud: Cloud, stack: str) -> str:
    """Return the template of a stack as it was sent; that of a change that was undone is gone."""
    client = cloud.client("cloudformation")
    found = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    # A template of JSON arrives parsed.
    return found if isinstance(found, str) else json.dumps(found)


def is_settled(description: Mapping[str, Any]) -> bool:
    """Return whether a described stack is as a deployment, or the undoing of one, left it."""
    status = description["StackStatus"]
    return status.endswith("_COMPLETE") and status not in (*NEVER_CREATED, "DELETE_COMPLETE")


def resources(cloud: Cloud, stack: str) -> list[dict[str, Any]]:
    """Return the resources of a stack, without those that are deleted."""
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources")
    return [
        resource
        for page in pages.paginate(StackName=stack)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def discard(cloud: Cloud, change_set: ChangeSet) -> None:
    """Delete a change set, and the empty stack that was created for it."""
    client = cloud.client("cloudformation")
    client.delete_change_set(ChangeSetName=change_set.arn, StackName=change_set.stack)
    if change_set.creates_stack:
        client.delete_stack(StackName=change_set.stack)


@contextmanager
def discarded_on_failure(cloud: Cloud, change_set: ChangeSet | None) -> Iterator[None]:
    """Discard a change set if the block, which comes before its execution, fails or is ended."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except BaseException:
        if change_set is not None:
            # What failed is what counts; a change set that is left keeps nobody from deploying.
            with suppress(BotoCoreError, ClientError):
                discard(cloud, change_set)
        raise


def prepare(
    cloud: Cloud,
    stack: str,
    template: str,
    parameters: Mapping[str, str],
    tags: Mapping[str, str],
    rollback_alarms: Sequence[str] = (),
    role_arn: str | None = None,
) -> ChangeSet | None:
    """Compute the change set that brings a stack to a template and parameters.

    Parameters
    ----------
    rollback_alarms
        ARNs of alarms that undo the change when they go off while it is made or soon after.
    role_arn
        Role with which CloudFormation makes the change; the caller's rights where it is None.

    Returns
    -------
    The change set, or None where nothing would change.

    Raises
    ------
    StackFailedError
        The template or a parameter was refused, or the stack can take no change.
    """
    from botocore.exceptions import ClientError

    client = cloud.client("cloudformation")
    current = describe(cloud, stack)
    creates = current is None or current["StackStatus"] == "REVIEW_IN_PROGRESS"
    if current is not None and current["StackStatus"] in (*NEVER_CREATED, NOT_UNDONE):
        raise StackFailedError(
            f"Stack {stack} is {current['StackStatus']} and cannot be changed.",
            f"Look at its events. {_remedy(stack, current['StackStatus'])}",
        )
    try:
        created = client.create_change_set(
            StackName=stack,
            ChangeSetName=datetime.now(UTC).strftime("lake-%Y%m%dT%H%M%S%f"),
            ChangeSetType="CREATE" if creates else "UPDATE",
            TemplateBody=template,
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": k, "Value": v} for k, v in tags.items()],
            **_rollback_on(rollback_alarms),
            **({"RoleARN": role_arn} if role_arn else {}),
        )
    except ClientError as error:
        # A template or parameters that are plainly wrong do not get as far as a change set.
        reason = error.response["Error"]["Message"]
        raise StackFailedError(f"The change to stack {stack} was refused: {reason}") from error
    change_set = ChangeSet(stack, created["Id"], creates)
    with discarded_on_failure(cloud, change_set):
        described = _wait_for_change_set(cloud, change_set.arn, stack)
    if described is None:
        discard(cloud, change_set)
        return None
    return replace(change_set, changes=_changes(described))


def execute(
    cloud: Cloud, change_set: ChangeSet, on_event: Callable[[str], None] = lambda _line: None
) -> dict[str, str]:
    """Execute a change set, wait, and return the stack's outputs.

    Parameters
    ----------
    cloud
        Where the stack is.
    change_set
        As `prepare` returned it.
    on_event
        Called with one line for each event of a resource, in order.

    Raises
    ------
    StackFailedError
        The stack could not be brought to the new state; the message names the first cause.
    """
    # By id and not by time: this machine's clock need not be that of AWS.
    seen: set[str] = set()
    _new_events(cloud, change_set.stack, seen)
    cloud.client("cloudformation").execute_change_set(
        ChangeSetName=change_set.arn, StackName=change_set.stack
    )
    failures: list[str] = []
    for description in _until_settled(cloud, change_set.stack):
        for event in _new_events(cloud, change_set.stack, seen):
            line = f"{event['LogicalResourceId']} {event['ResourceStatus']}"
            on_event(line)
            if event["ResourceStatus"].endswith("_FAILED"):
                failures.append(f"{line}: {event.get('ResourceStatusReason', 'no reason given')}")
        status = description["StackStatus"]
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        cause = failures[0] if failures else description.get("StackStatusReason", "no reason given")
        raise StackFailedError(
            f"Stack {change_set.stack} ended as {status}. First failure: {cause}",
            _remedy(change_set.stack, status),
        )
    return outputs(description)


def _remedy(stack: str, status: str) -> str:
    """Return what to do with a stack that ended as something else than complete."""
    if status in NEVER_CREATED:
        return (
            "It was never created, and blocks its name. Correct the cause, delete it with 'aws"
            f" cloudformation delete-stack --stack-name {stack}', and deploy again."
        )
    if status == NOT_UNDONE:
        return (
            "The change could not be undone, and is in place in part. Correct the cause, let 'aws"
            f" cloudformation continue-update-rollback --stack-name {stack}' undo the rest, and"
            " deploy again."
        )
    return "Nothing of this change is left in place. Correct the cause and deploy again."


def delete(
    cloud: Cloud, stack: str, stack_id: str, on_event: Callable[[str], None] = lambda _line: None
) -> None:
    """Delete a stack and wait; one that is being deleted already is waited for.

    Parameters
    ----------
    stack_id
        Names the stack also once it is deleted.
    on_event
        Called with one line for each event of a resource, in order.

    Raises
    ------
    StackFailedError
        A resource could not be deleted; the message names the first.
    """
    seen: set[str] = set()
    _new_events(cloud, stack_id, seen)
    cloud.client("cloudformation").delete_stack(StackName=stack)
    failures: list[str] = []
    status = ""
    for found in _until_deleted(cloud, stack_id):
        status = found
        for event in _new_events(cloud, stack_id, seen):
            line = f"{event['LogicalResourceId']} {event['ResourceStatus']}"
            on_event(line)
            if event["ResourceStatus"] == "DELETE_FAILED":
                failures.append(f"{line}: {event.get('ResourceStatusReason', 'no reason given')}")
    if status != "DELETE_COMPLETE":
        cause = failures[0] if failures else "no reason given"
        raise StackFailedError(
            f"Stack {stack} ended as {status}. First failure: {cause}",
            "Correct the cause and repeat: it goes on from there.",
        )


def _until_deleted(cloud: Cloud, stack_id: str) -> Iterator[str]:
    """Yield the stack's status until it is deleted or that failed; the last one is final."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    client = cloud.client("cloudformation")
    while True:
        found = client.describe_stacks(StackName=stack_id)["Stacks"]
        status = str(found[0]["StackStatus"]) if found else "DELETE_COMPLETE"
        yield status
        if not status.endswith("_IN_PROGRESS"):
            return
        if time.monotonic() > deadline:
            raise StackFailedError(f"Stack {stack_id} is still {status}.", _WHEN_IT_HAS_ENDED)
        time.sleep(_poll_seconds(cloud))


def _rollback_on(alarms: Sequence[str]) -> dict[str, Any]:
    if not alarms:
        return {}
    triggers = [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in alarms]
    configuration = {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": MONITORING_MINUTES}
    return {"RollbackConfiguration": configuration}


def _poll_seconds(cloud: Cloud) -> float:
    return POLL_SECONDS_LOCAL if cloud.is_local else POLL_SECONDS_AWS


def _wait_for_change_set(cloud: Cloud, arn: str, stack: str) -> dict[str, Any] | None:
    client = cloud.client("cloudformation")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.describe_change_set(ChangeSetName=arn, StackName=stack)
        if found["Status"] == "CREATE_COMPLETE":
            # The local AWS accepts an empty change set, AWS calls it failed.
            return found if found.get("Changes") else None
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "no reason given")
            if any(text in reason for text in NOTHING_TO_CHANGE):
                return None
            raise StackFailedError(f"The change to stack {stack} was refused: {reason}")
        time.sleep(_poll_seconds(cloud))
    raise StackFailedError(f"The change set of stack {stack} was not computed in time.", _AGAIN)


def _changes(described: Mapping[str, Any]) -> list[Change]:
    changes = (item["ResourceChange"] for item in described.get("Changes", []))
    return [
        Change(
            action=change["Action"],
            resource=change["LogicalResourceId"],
            type=change["ResourceType"],
            replacement=change.get("Replacement") in ("True", "Conditional"),
        )
        for change in changes
    ]


def _until_settled(cloud: Cloud, stack: str) -> Iterator[dict[str, Any]]:
    """Yield the stack's description until nothing is in progress; the last one is final."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        description = describe(cloud, stack)
        if description is None:
            raise StackFailedError(f"Stack {stack} disappeared while it was deployed.", _AGAIN)
        settled = not description["StackStatus"].endswith("_IN_PROGRESS")
        yield description
        if settled:
            return
        if time.monotonic() > deadline:
            raise StackFailedError(
                f"Stack {stack} is still {description['StackStatus']}.", _WHEN_IT_HAS_ENDED
            )
        time.sleep(_poll_seconds(cloud))


def _new_events(cloud: Cloud, stack: str, seen: set[str]) -> list[dict[str, Any]]:
    pages = cloud.client("cloudformation").get_paginator("describe_stack_events")
    fresh: list[dict[str, Any]] = []
    for page in pages.paginate(StackName=stack):
        for event in page["StackEvents"]:
            if event["EventId"] not in seen:
                seen.add(event["EventId"])
                fresh.append(event)
    return fresh[::-1]
