"""Dead letters: listed, moved back to the queue of process, or discarded once they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from pydantic import ValidationError

from lake.aws import Cloud
from lake.errors import ReplayError
from lake.operations.replay.sending import BATCH, send_bodies
from lake.steps import Say
from schemas.events import S3ObjectCreated

# While they are looked at, nobody else gets them.
HOLD_SECONDS = 60
WAIT_SECONDS = 2
LONGEST = 160


@dataclass(frozen=True)
class DeadLetter:
    """A message of a dead-letter queue.

    Attributes
    ----------
    message
        Its id, which it keeps however often it is received.
    handle
        What deletes it.
    text
        What it is about, in a line: the key of an object, where it is about one.
    """

    message: str
    handle: str
    body: str
    text: str


def listed(cloud: Cloud, service: str) -> list[DeadLetter]:
    """Return the dead letters of a service; all of them stay where they are."""
    found: dict[str, DeadLetter] = {}
    try:
        for some in _received(cloud, service):
            fresh = {letter.message: letter for letter in some if letter.message not in found}
            # The newest handle is the one that lets go of a message.
            found |= {letter.message: letter for letter in some}
            if not fresh:
                # Of so many that the first are free again: the round is complete.
                break
    finally:
        _release(cloud, service, list(found.values()))
    return list(found.values())


def moved(
    cloud: Cloud, say: Say, look: Callable[[Sequence[DeadLetter]], None] = lambda _letters: None
) -> list[DeadLetter]:
    """Move the dead letters of process back to its queue; each is deleted once it is sent.

    Parameters
    ----------
    look
        Called with some dead letters before they are sent.

    Raises
    ------
    ReplayError
        SQS did not take some, or did not delete what was sent: these are still there.
    """
    found: list[DeadLetter] = []
    sent: set[str] = set()
    again: list[DeadLetter] = []
    try:
        for some in _received(cloud, "process"):
            # One that fails at once comes back while others are moved: it is not for this call.
            again += [letter for letter in some if letter.body in sent]
            fresh = [letter for letter in some if letter.body not in sent]
            if fresh:
                look(fresh)
                send_bodies(cloud, [letter.body for letter in fresh])
                _delete(cloud, "process", fresh)
                found += fresh
                sent.update(letter.body for letter in fresh)
                say(f"{len(found)} moved")
    finally:
        _release(cloud, "process", again)
    return found


def discarded(cloud: Cloud, service: str) -> list[DeadLetter]:
    """Delete the dead letters of a service whose work is done by others; return them.

    Raises
    ------
    ReplayError
        SQS did not delete some.
    """
    found: list[DeadLetter] = []
    for some in _received(cloud, service):
        _delete(cloud, service, some)
        found += some
    return found


def _received(cloud: Cloud, service: str) -> Iterator[list[DeadLetter]]:
    """Yield dead letters until none is left that nobody holds: SQS's counts are estimates."""
    sqs, url = cloud.client("sqs"), _url(cloud, service)
    while messages := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=BATCH,
        VisibilityTimeout=HOLD_SECONDS,
        WaitTimeSeconds=WAIT_SECONDS,
    ).get("Messages"):
        yield [_letter(message) for message in messages]


def _delete(cloud: Cloud, service: str, letters: Sequence[DeadLetter]) -> None:
    entries = [{"Id": str(n), "ReceiptHandle": one.handle} for n, one in enumerate(letters)]
    answer = cloud.client("sqs").delete_message_batch(
        QueueUrl=_url(cloud, service), Entries=entries
    )
    failed = answer.get("Failed", [])
    if failed:
        raise ReplayError(
            f"SQS did not delete {len(failed)} of {len(letters)} dead letters:"
            f" {failed[0].get('Message', failed[0]['Code'])}.",
            "Run the same command again: a page that is sent twice is processed twice, to the same"
            " bytes.",
        )


def _release(cloud: Cloud, service: str, letters: Sequence[DeadLetter]) -> None:
    """Let others receive messages at once; what is refused is free already, or soon is."""
    sqs, url = cloud.client("sqs"), _url(cloud, service)
    for some in batched(letters, BATCH, strict=False):
        entries = [
            {"Id": str(n), "ReceiptHandle": one.handle, "VisibilityTimeout": 0}
            for n, one in enumerate(some)
        ]
        sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _url(cloud: Cloud, service: str) -> str:
    return cloud.parameter(f"{service}/dlq-url")


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    name, handle, body = (message[part] for part in ("MessageId", "ReceiptHandle", "Body"))
    try:
        key = S3ObjectCreated.model_validate_json(body).key
        return DeadLetter(name, handle, body, key)
    except ValidationError:
        return DeadLetter(name, handle, body, _notice(body)[:LONGEST])


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
