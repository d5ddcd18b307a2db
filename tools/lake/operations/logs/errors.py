"""The last error of a function, from its log."""

import json
from collections.abc import Iterable
from typing import Any

from lake.aws import Cloud
from lake.errors import LakeError

STREAMS_READ = 5
EVENTS_READ = 200
LONGEST = 600


def last_error(cloud: Cloud, service: str) -> str:
    """Return the newest error in the log of a service's function; empty when there is none.

    It explains a failure, so it never raises another.
    """
    try:
        return find_error(_newest_messages(cloud, cloud.parameter(f"{service}/log-group")))
    except LakeError:
        return ""


def find_error(newest_first: Iterable[str]) -> str:
    """Return the first message that reports an error.

    Powertools writes JSON with a level; what fails before or outside of it, such as an import,
    a timeout or a killed process, is logged by the runtime as text.
    """
    for message in newest_first:
        text = message.strip()
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if isinstance(record, dict):
            if record.get("level") in ("ERROR", "CRITICAL"):
                return _message(record)
        elif any(mark in text for mark in ("[ERROR]", "Traceback", "Error:", "Task timed out")):
            return text[-LONGEST:]
    return ""


def _message(record: dict[str, Any]) -> str:
    # The last line of a traceback names the error.
    raised = str(record.get("exception", "")).strip().rpartition("\n")[2]
    message = str(record.get("message", ""))
    if raised and not raised.endswith(message):
        message = f"{message} ({raised})"
    return message[:LONGEST]


def _newest_messages(cloud: Cloud, group: str) -> list[str]:
    from botocore.exceptions import ClientError

    logs = cloud.client("logs")
    events: list[dict[str, Any]] = []
    try:
        streams = logs.describe_log_streams(
            logGroupName=group, orderBy="LastEventTime", descending=True, limit=STREAMS_READ
        )["logStreams"]
        for stream in streams:
            name = stream["logStreamName"]
            found = logs.get_log_events(
                logGroupName=group, logStreamName=name, limit=EVENTS_READ, startFromHead=False
            )
            events += found["events"]
    except ClientError:
        return []
    events.sort(key=lambda event: event["timestamp"], reverse=True)
    return [event["message"] for event in events]
