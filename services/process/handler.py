"""The Lambda function: an SQS batch of S3 events in, the ids of failed messages out."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from functools import cache
from typing import Any

from process import settings as environment
from process.adapters.s3_store import S3Store
from process.adapters.sessions import MemoisingSession
from process.adapters.sqs_queue import SqsQueue
from process.adapters.table_store import GlueTableStore
from process.logic.batch import Batch
from process.logic.outputs import Outputs
from process.logic.retry import Retry
from process.logic.stage import Limits
from process.observability import logger, metrics
from schemas.events import SMOKE_TEST, SMOKE_TEST_PASSED


@dataclass(frozen=True, slots=True)
class Service:
    """What a container keeps between invocations."""

    outputs: Outputs
    limits: Limits
    bucket: str
    queue: SqsQueue


@cache
def service() -> Service:
    """Build the service from its environment, once per container."""
    settings = environment.load()
    session = MemoisingSession()
    store = S3Store(session.client("s3"), settings.data_bucket)
    catalogue = GlueTableStore(session, settings.data_bucket, settings.glue_database)
    session.client("glue")
    logger.append_keys(app=settings.app, env=settings.env)
    metrics.set_default_dimensions(env=settings.env)
    return Service(
        Outputs(store, catalogue),
        Limits(settings.max_object_bytes, settings.max_page_bytes),
        settings.data_bucket,
        SqsQueue(session.client("sqs"), settings.queue_url),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process a batch.

    Parameters
    ----------
    event
        SQS batch; each body is an S3 ``Object Created`` event as EventBridge delivers it. Or a
        smoke test, which touches nothing: its answer shows that the package can be imported and
        that the settings are right.
    context
        Lambda's context.

    Returns
    -------
    dict
        ``batchItemFailures``, as ``ReportBatchItemFailures`` wants it: the queue delivers only
        these again.
    """
    if event == SMOKE_TEST:
        service()
        return SMOKE_TEST_PASSED
    answer: dict[str, Any] = _process(event, context)
    return answer


@logger.inject_lambda_context(clear_state=False)
@metrics.log_metrics(capture_cold_start_metric=False, raise_on_empty_metrics=False)
def _process(event: dict[str, Any], context: Any) -> dict[str, Any]:
    made = service()
    retry = Retry(lambda: context.get_remaining_time_in_millis() / 1000)
    batch = Batch(made.outputs, made.limits, made.bucket, made.queue, retry)
    failed = batch.process(event.get("Records", ()))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


if environment.in_lambda():
    # Clients made while the container starts cost the first message nothing.
    service()
    # All modules stay as long as the container: no collection has to look through them again.
    gc.freeze()
