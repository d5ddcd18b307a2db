"""Dead letters: listed, moved back to the queue of process, or discarded once they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from lake.aws import Cloud
from lake.operations.replay.sending import BATCH, send_bodies
from lake.runs.crawl import dead_letters
from schemas.events import S3ObjectCreated

# While they are looked at, nobody else gets them.
HOLD_SECONDS = 60
WAIT_SECONDS = 2
LONGEST = 160

Say = Callable[[str], None]


@dataclass(frozen=True)
class DeadLetter:
    """A message of a dead-letter queue.

    Attributes
    ----------
    handle
        What deletes it.
    key
        Key of the object that it is about; None where it is about none.
    text
        What it is about, in a line.
    """

    handle: str
    body: str
    key: str | None
    text: str


def listed(cloud: Cloud, service: str) -> list[DeadLetter]:
    """Return the dead letters of a service; all of them stay where they are."""
    found = [letter for some in _received(cloud, service) for letter in some]
    sqs, url = cloud.client("sqs"), _url(cloud, service)
    for letter in found:
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=letter.handle, VisibilityTimeout=0
        )
    return found


def moved(cloud: Cloud, say: Say) -> list[DeadLetter]:
    """Move the dead letters of process back to its queue; each is deleted once it is sent.

    Raises
    ------
    ReplayError
        SQS did not take some: what was not sent is still there.
    """
    found: list[DeadLetter] = []
    for some in _received(cloud, "process"):
        send_bodies(cloud, [letter.body for letter in some])
        _delete(cloud, "process", some)
        found += some
        say(f"{len(found)} moved")
    return found


def discarded(cloud: Cloud, service: str) -> list[DeadLetter]:
    """Delete the dead letters of a service whose work is done by others; return them."""
    found: list[DeadLetter] = []
    for some in _received(cloud, service):
        _delete(cloud, service, some)
        found += some
    return found


def _received(cloud: Cloud, service: str) -> Iterator[list[DeadLetter]]:
    # A message that fails at once comes back while others are moved: it is not for this call.
    left = dead_letters(cloud, service)
    sqs, url = cloud.client("sqs"), _url(cloud, service)
    while left > 0:
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(BATCH, left),
            VisibilityTimeout=HOLD_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
        ).get("Messages", [])
        if not messages:
            return
        left -= len(messages)
        yield [_letter(message["ReceiptHandle"], message["Body"]) for message in messages]


def _delete(cloud: Cloud, service: str, letters: Sequence[DeadLetter]) -> None:
    entries = [{"Id": str(n), "ReceiptHandle": one.handle} for n, one in enumerate(letters)]
    cloud.client("sqs").delete_message_batch(QueueUrl=_url(cloud, service), Entries=entries)


def _url(cloud: Cloud, service: str) -> str:
    return cloud.parameter(f"{service}/dlq-url")


def _letter(handle: str, body: str) -> DeadLetter:
    try:
        key = S3ObjectCreated.model_validate_json(body).key
        return DeadLetter(handle, body, key, key)
    except ValidationError:
        return DeadLetter(handle, body, None, _notice(body)[:LONGEST])


def _notice(body: str) -> str:
    """Return what a failed invocation, or a failed job, says of itself."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        return " ".join(body.split())
    if not isinstance(found, dict):
        return " ".join(body.split())
    answer, detail = found.get("responsePayload"), found.get("detail")
    if isinstance(answer, dict) and "errorMessage" in answer:
        return str(answer["errorMessage"])
    if isinstance(detail, dict):
        named = (detail.get(name) for name in ("jobName", "jobRunId", "state", "message"))
        return " ".join(str(part) for part in named if part) or body
    return body
