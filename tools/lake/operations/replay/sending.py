"""Send events of objects to process, as EventBridge does, and wait until its queue is empty."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import batched

from lake.aws import Cloud
from lake.errors import ReplayError, RunFailedError, RunStalledError
from lake.operations.logs.errors import last_error
from lake.runs.crawl import StallWatch, dead_letters
from lake.steps import Say
from schemas.events import S3Bucket, S3Detail, S3Object, S3ObjectCreated

# What one request to SQS takes.
BATCH = 10
POLL_SECONDS = 0.5
# SQS counts messages approximately: on AWS the counts agree a minute after the last one was sent.
QUIET_SECONDS = 60.0
QUIET_SECONDS_LOCAL = 1.0
STALL_SECONDS = 180.0
_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def event_of(bucket: str, key: str) -> str:
    """Return the event of an object that was created, as process reads it."""
    detail = S3Detail(bucket=S3Bucket(name=bucket), object=S3Object(key=key))
    return S3ObjectCreated(detail=detail).model_dump_json(by_alias=True, exclude_none=True)


def send_events(cloud: Cloud, bucket: str, keys: Sequence[str], say: Say) -> None:
    """Send the events of objects to the queue of process.

    Raises
    ------
    ReplayError
        SQS did not take them.
    """
    sent = 0
    for some in batched(keys, BATCH, strict=False):
        send_bodies(cloud, [event_of(bucket, key) for key in some])
        sent += len(some)
        say(f"{sent} of {len(keys)} sent")


def send_bodies(cloud: Cloud, bodies: Sequence[str]) -> None:
    """Send up to ten messages to the queue of process.

    Raises
    ------
    ReplayError
        SQS did not take all of them.
    """
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    url = cloud.parameter("process/queue-url")
    answer = cloud.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    failed = answer.get("Failed", [])
    if failed:
        raise ReplayError(
            f"SQS did not take {len(failed)} of {len(bodies)} messages:"
            f" {failed[0].get('Message', failed[0]['Code'])}.",
            "Run the same command again: a page that is sent twice is processed twice, to the same"
            " bytes.",
        )


def wait_until_processed(
    cloud: Cloud, say: Say, *, dead: int, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until nothing waits for process, or is being processed.

    Parameters
    ----------
    dead
        Messages in the dead-letter queue before anything was sent.

    Raises
    ------
    RunFailedError
        More messages than that are in the dead-letter queue.
    RunStalledError
        Nothing has moved for too long.
    """
    watch = StallWatch(STALL_SECONDS)
    quiet_since: float | None = None
    needed = QUIET_SECONDS_LOCAL if cloud.is_local else QUIET_SECONDS
    while quiet_since is None or time.monotonic() - quiet_since < needed:
        waiting, in_flight = queue_counts(cloud)
        say(f"{waiting} wait, {in_flight} in work")
        if waiting or in_flight:
            quiet_since = None
        elif quiet_since is None:
            quiet_since = time.monotonic()
        now_dead = dead_letters(cloud, "process")
        if now_dead > dead:
            raise RunFailedError(
                f"The dead-letter queue of process has {now_dead - dead} more than before.",
                _hint(cloud),
            )
        if quiet_since is None and watch.stalled((waiting, in_flight)):
            raise RunStalledError(
                f"Nothing has moved in the queue of process for {STALL_SECONDS:.0f} s:"
                f" {waiting} wait, {in_flight} in work.",
                _hint(cloud),
            )
        sleep(POLL_SECONDS)


def queue_counts(cloud: Cloud) -> tuple[int, int]:
    """Return how many messages wait for process, and how many it works on."""
    url = cloud.parameter("process/queue-url")
    found = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))
    waiting, in_flight = (int(found["Attributes"][name]) for name in _COUNTS)
    return waiting, in_flight


def _hint(cloud: Cloud) -> str:
    error = last_error(cloud, "process")
    said = f"Its last error: {error} " if error else ""
    return f"{said}'{cloud.command('logs process')}' has more."
