"""A batch of messages: each is processed by itself, and none can stop the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import ValidationError

from process.errors import (
    ForeignBucketError,
    InvalidEventError,
    InvalidManifestError,
    TransientError,
    UnexpectedObjectError,
)
from process.logic.completion import complete_run
from process.logic.outputs import Outputs
from process.logic.retry import Retry
from process.logic.stage import Limits, PageResult, process_page
from process.observability import count, log_failure, logger
from process.ports import MessageQueue
from schemas.events import S3ObjectCreated
from schemas.keys import RAW_PREFIX, RUNS_PREFIX, InvalidKeyError, parse_manifest_key


@dataclass(slots=True)
class Batch:
    """A batch being processed: messages that failed, and messages that wait for a run's end."""

    outputs: Outputs
    limits: Limits
    bucket: str
    queue: MessageQueue
    retry: Retry = field(default_factory=Retry)
    failed: set[str] = field(default_factory=set)
    transient: set[str] = field(default_factory=set)
    waiting: dict[str, set[str]] = field(default_factory=dict)
    manifests: set[str] = field(default_factory=set)

    def process(self, messages: Iterable[Mapping[str, Any]]) -> list[str]:
        """Process SQS messages; return the ids of those to deliver again, in order."""
        handles: dict[str, str] = {}
        for message in messages:
            message_id = str(message["messageId"])
            handles[message_id] = str(message.get("receiptHandle", ""))
            try:
                self.retry.run(partial(self._process_message, message_id, message.get("body")))
            except Exception as error:
                self._fail(message_id, error)
        for run_id, waiting in sorted(self.waiting.items()):
            self._complete(run_id, waiting)
        for message_id in sorted(self.transient):
            self.queue.deliver_again(handles[message_id], self.retry.soon())
        return [message_id for message_id in handles if message_id in self.failed]

    def _process_message(self, message_id: str, body: object) -> None:
        event = _parsed(body)
        if event.bucket != self.bucket:
            raise ForeignBucketError(
                f"the event is about bucket {event.bucket}, not {self.bucket}: check the rule"
            )
        if event.key.startswith(RAW_PREFIX):
            result = process_page(self.outputs, event.key, self.limits)
            _report(event.key, result)
            run_id = result.run_id
        elif event.key.startswith(RUNS_PREFIX):
            run_id = _run_of(event.key)
            self.manifests.add(message_id)
        else:
            raise UnexpectedObjectError(f"{event.key} is neither a raw page nor a manifest")
        if run_id is not None:
            self.waiting.setdefault(run_id, set()).add(message_id)

    def _complete(self, run_id: str, waiting: set[str]) -> None:
        try:
            if self.retry.run(partial(complete_run, self.outputs.store, run_id)):
                count("RunsProcessed")
                logger.info("run processed", extra={"run_id": run_id})
        except InvalidManifestError as error:
            # The pages are done. Only the manifest's own message is delivered again.
            for message_id in sorted(waiting & self.manifests):
                self._fail(message_id, error, run_id=run_id)
        except Exception as error:
            for message_id in sorted(waiting):
                self._fail(message_id, error, run_id=run_id)

    def _fail(self, message_id: str, error: Exception, **fields: object) -> None:
        self.failed.add(message_id)
        if isinstance(error, TransientError):
            self.transient.add(message_id)
        log_failure(error, message_id=message_id, **fields)


def _parsed(body: object) -> S3ObjectCreated:
    try:
        return S3ObjectCreated.model_validate_json(body if isinstance(body, str) else "")
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "body"
        raise InvalidEventError(f"not an S3 event: {where}: {problem['msg']}") from None


def _run_of(key: str) -> str:
    try:
        return parse_manifest_key(key)
    except InvalidKeyError as error:
        raise UnexpectedObjectError(str(error)) from None


def _report(key: str, result: PageResult) -> None:
    count("PagesProcessed")
    count("RecordsRead", result.records)
    count("RowsWritten", result.rows)
    count("RecordsQuarantined", result.quarantined)
    if result.unknown_fields:
        count("UnknownFields", result.unknown_fields)
    if result.reason_code:
        count("PagesQuarantined")
    level = logger.warning if result.reason_code else logger.info
    level(
        "page quarantined" if result.reason_code else "page processed",
        extra={
            "raw_key": key,
            "run_id": result.run_id,
            "records": result.records,
            "rows": result.rows,
            "quarantined": result.quarantined,
            "unknown_fields": result.unknown_fields,
            "code": result.reason_code,
        },
    )
