"""Tries each version that is published, before its stack moves the alias to it.

A custom resource of CloudFormation: what fails here fails the update, which undoes itself. Its code
is inlined in bootstrap.yaml, because there is no artifact bucket before that stack.
"""

import json
import urllib.request
from typing import Any

import boto3
from botocore.config import Config

SMOKE_TEST = {"smoke_test": True}
PASSED = {"smoke_test": "passed"}
ANSWER_SECONDS = 100
# CloudFormation takes 4096 bytes for the whole answer.
REASON_LENGTH = 1000


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer a request of CloudFormation, whatever happens: it would wait for as long as it may."""
    reason = ""
    try:
        if is_to_be_tried(event):
            reason = failure_of(event["ResourceProperties"]["FunctionVersion"])
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    respond(event, reason)


def is_to_be_tried(event: dict[str, Any]) -> bool:
    """Return whether a version gets traffic next that never had it.

    When an update is undone, the version before comes back, which has passed: nothing that happens
    now may keep it from its return.
    """
    before = event.get("OldResourceProperties", {}).get("FunctionVersion")
    version = event["ResourceProperties"]["FunctionVersion"]
    newer = before is None or number(version) > number(before)
    return newer and event["RequestType"] != "Delete"


def number(version: str) -> int:
    """Return the number at the end of a version's ARN."""
    return int(version.rsplit(":", 1)[1])


def failure_of(version: str) -> str:
    """Invoke a version with a smoke test; return what is wrong with it, or nothing."""
    once = Config(read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 1})
    answer = boto3.client("lambda", config=once).invoke(
        FunctionName=version, Payload=json.dumps(SMOKE_TEST)
    )
    payload = json.load(answer["Payload"])
    if "FunctionError" in answer:
        return f"{payload.get('errorType')}: {payload.get('errorMessage')}"
    return "" if payload == PASSED else f"it answered {payload}"


def respond(event: dict[str, Any], reason: str) -> None:
    """Report the outcome to CloudFormation, at the address that the request names."""
    version = event["ResourceProperties"]["FunctionVersion"]
    failed = f"{version} fails its smoke test and gets no traffic. {reason[:REASON_LENGTH]}"
    body = {
        "Status": "FAILED" if reason else "SUCCESS",
        "Reason": failed if reason else "",
        "PhysicalResourceId": event["LogicalResourceId"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    print(json.dumps(body))
    # The signature of the address, which is CloudFormation's own, covers an empty type.
    request = urllib.request.Request(  # noqa: S310
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310
