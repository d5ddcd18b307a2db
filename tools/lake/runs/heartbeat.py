"""Fire the schedule's own target, as EventBridge Scheduler would."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lake.aws import Cloud
from lake.errors import DeployError, RunFailedError

# As in ingest's setting SUBJECTS: a name, or what narrows it.
Subject = str | Mapping[str, object]

# EventBridge Scheduler replaces this text in a schedule's input with the time.
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


@dataclass(frozen=True)
class Target:
    """What a schedule calls, with its input as configured."""

    function_arn: str
    input: str


@dataclass(frozen=True)
class Answer:
    """The answer of ingest to one heartbeat."""

    action: str
    run_id: str | None
    finished: bool
    status: str | None


def schedule_target(cloud: Cloud) -> Target:
    """Return the target of ingest's schedule.

    Raises
    ------
    DeployError
        The schedule is not deployed.
    """
    scheduler = cloud.client("scheduler")
    name = f"{cloud.app}-{cloud.env}-ingest"
    try:
        target = scheduler.get_schedule(Name=name, GroupName=name)["Target"]
    except scheduler.exceptions.ResourceNotFoundException:
        raise DeployError(
            f"The schedule {name} does not exist.",
            f"Deploy ingest first: {cloud.command('deploy ingest')}",
        ) from None
    return Target(target["Arn"], target["Input"])


def event(
    target: Target, at: datetime, *, start: bool, subjects: Sequence[Subject] = ()
) -> dict[str, Any]:
    """Return the event that the schedule would send at a time.

    Parameters
    ----------
    start
        Start a run even if none is due.
    subjects
        What that run crawls; empty for what is configured there.
    """
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    filled: dict[str, Any] = json.loads(target.input.replace(SCHEDULED_TIME, moment))
    if subjects:
        filled["subjects"] = list(subjects)
    return filled | {"start": True} if start else filled


def fire(cloud: Cloud, target: Target, heartbeat: dict[str, Any]) -> Answer:
    """Invoke the target and wait for its answer.

    Raises
    ------
    RunFailedError
        The function raised an error.
    """
    answer = cloud.client("lambda").invoke(
        FunctionName=target.function_arn, Payload=json.dumps(heartbeat).encode()
    )
    payload = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer or not isinstance(payload, dict):
        reason = payload.get("errorMessage", payload) if isinstance(payload, dict) else payload
        raise RunFailedError(
            f"ingest failed: {reason}",
            f"'{cloud.command('logs ingest --errors')}' has more.",
        )
    return Answer(
        action=payload["action"],
        run_id=payload.get("run_id"),
        finished=bool(payload.get("finished")),
        status=payload.get("status"),
    )
