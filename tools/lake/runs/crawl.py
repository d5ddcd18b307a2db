"""One run from the first heartbeat to the last processed page."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime

from lake.aws import Cloud
from lake.errors import RunFailedError, RunStalledError
from lake.operations.logs.errors import last_error
from lake.runs import heartbeat
from lake.runs.heartbeat import Subject
from lake.runs.ledger import PageCounts, count_pages, read_run
from schemas.keys import new_run_id
from schemas.ledger.run import ProcessedLedger, RunManifest

POLL_SECONDS = 0.25
BUSY_SECONDS = 2.0
# Without a new page for this long, waiting does not help. A crawl may wait for a slow source.
CRAWL_STALL_SECONDS = 180.0
PROCESS_STALL_SECONDS = 60.0

OnPages = Callable[[PageCounts, bool], None]


class StallWatch:
    """Notices that something has stopped moving.

    Parameters
    ----------
    limit
        Seconds without a change after which it has stalled.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._last: object = None
        self._moved = time.monotonic()

    def stalled(self, state: object) -> bool:
        """Return whether the state has been the same for too long."""
        now = time.monotonic()
        if state != self._last:
            self._last, self._moved = state, now
        return now - self._moved > self.limit


def run_now(
    cloud: Cloud, bucket: str, on_pages: OnPages, subjects: Sequence[Subject] = ()
) -> RunManifest:
    """Start a run by the schedule's own target and keep firing it until the run has ended.

    Parameters
    ----------
    cloud, bucket
        Where the lake is.
    on_pages
        Called repeatedly with the counts of pages while the run lasts.
    subjects
        What to crawl; empty for what is configured there.

    Raises
    ------
    RunFailedError
        Ingest failed, stored no page for too long, or ended a run without a manifest.
    """
    target = heartbeat.schedule_target(cloud)
    started = datetime.now(UTC).replace(microsecond=0)
    run_id = new_run_id(started)
    event = heartbeat.event(target, started, start=True, subjects=subjects)
    watch = StallWatch(CRAWL_STALL_SECONDS)
    # An earlier run that was interrupted is finished first.
    crawled, busy = run_id, 0
    while True:
        pending = _in_background(lambda: heartbeat.fire(cloud, target, event))
        while not pending.done():
            counts = count_pages(cloud, bucket, run_id)
            on_pages(counts, False)
            earlier = count_pages(cloud, bucket, crawled) if crawled != run_id else counts
            if watch.stalled((counts.stored, earlier.stored, busy)):
                raise _stalled(cloud, "ingest", f"stored no page for {watch.limit:.0f} s")
            time.sleep(POLL_SECONDS)
        answer = pending.result()
        if answer.finished and answer.run_id == run_id:
            break
        crawled = answer.run_id or run_id
        # The lease that keeps this one out ends, even if who held it was killed.
        busy += answer.action == "busy"
        # Somebody else crawls, or the source asked for a pause.
        if answer.action in ("busy", "idle"):
            time.sleep(BUSY_SECONDS)
    manifest = read_run(cloud, bucket, run_id).manifest
    if manifest is None:
        raise RunFailedError(
            f"Run {run_id} ended without a manifest.",
            f"'{cloud.command(f'logs ingest --run {run_id}')}' says why.",
        )
    return manifest


def wait_until_processed(
    cloud: Cloud, bucket: str, manifest: RunManifest, on_pages: OnPages, *, dead: int = 0
) -> ProcessedLedger:
    """Wait until process has written its ledger of a run.

    Parameters
    ----------
    dead
        Messages in the dead-letter queue before the run: those of other runs do not end the wait.

    Raises
    ------
    RunFailedError
        Pages went to the dead-letter queue, or processing has stalled.
    """
    watch = StallWatch(PROCESS_STALL_SECONDS)
    while True:
        ledger = read_run(cloud, bucket, manifest.run_id).processed
        counts = count_pages(cloud, bucket, manifest.run_id)
        on_pages(counts, True)
        if ledger is not None:
            return ledger
        now_dead = dead_letters(cloud, "process")
        if now_dead > dead:
            message = f"The dead-letter queue of process has {now_dead - dead} more than before."
            raise RunFailedError(message, _quote(cloud, "process"))
        # Somebody may move the others back meanwhile.
        dead = now_dead
        if watch.stalled(counts):
            done = f"stopped at {counts.processed} of {counts.stored} pages"
            raise _stalled(cloud, "process", done)
        time.sleep(POLL_SECONDS)


def _in_background[T](call: Callable[[], T]) -> Future[T]:
    # Not an executor: that would make Ctrl-C wait for the answer, which can take minutes.
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _stalled(cloud: Cloud, service: str, what: str) -> RunStalledError:
    return RunStalledError(f"{service} {what}.", _quote(cloud, service))


def _quote(cloud: Cloud, service: str) -> str:
    error = last_error(cloud, service)
    return f"Its last error: {error}" if error else "Its log has no error."


def dead_letters(cloud: Cloud, service: str) -> int:
    """Return how many messages wait in a service's dead-letter queue."""
    url = cloud.parameter(f"{service}/dlq-url")
    wanted = "ApproximateNumberOfMessages"
    found = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[wanted])
    return int(found["Attributes"][wanted])
