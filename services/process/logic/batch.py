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
from process.logic.completion import Arrivals, complete_run
from process.logic.outputs import Outputs
from process.logic.retry import Retry
from process.logic.stage import Limits, PageResult, process_page
from process.observability import count, log_failure, logger
from process.ports import MessageQueue
from schemas.events import S3ObjectCreated
from schemas.keys import (
    MANIFEST_NAME,
    RAW_PREFIX,
    RUNS_PREFIX,
    InvalidKeyError,
    RawKey,
    parse_manifest_key,
    parse_part_pages_key,
)


@dataclass(slots=True)
class Batch:
    """A batch being processed: messages that failed, and what came of each run."""

    outputs: Outputs
    limits: Limits
    bucket: str
    queue: MessageQueue
    retry: Retry = field(default_factory=Retry)
    failed: set[str] = field(default_factory=set)
    transient: set[str] = field(default_factory=set)
    arrivals: dict[str, Arrivals] = field(default_factory=dict)

    def process(self, messages: Iterable[Mapping[str, Any]]) -> list[str]:
        """Process SQS messages; return the ids of those to deliver again, in order."""
        batch = {str(message["messageId"]): message for message in messages}
        for message_id, message in batch.items():
            try:
                self.retry.run(partial(self._process_message, message_id, message.get("body")))
            except Exception as error:
                self._fail(message_id, error)
        for run_id, arrived in sorted(self.arrivals.items()):
            self._complete(run_id, arrived)
        for message_id in sorted(self.transient):
            message = batch[message_id]
            seconds = self.retry.again(_receives(message))
            self.queue.deliver_again(str(message.get("receiptHandle", "")), seconds)
        return [message_id for message_id in batch if message_id in self.failed]

    def _process_message(self, message_id: str, body: object) -> None:
        event = _parsed(body)
        if event.bucket != self.bucket:
            raise ForeignBucketError(
                f"the event is about bucket {event.bucket}, not {self.bucket}: check the rule"
            )
        if event.key.startswith(RAW_PREFIX):
            result = process_page(self.outputs, event.key, self.limits)
            _report(event.key, result)
            if result.run_id is not None:
                arrived = self._arrivals(result.run_id, message_id)
                arrived.receipts.add(RawKey.parse(event.key).receipt_name)
        elif event.key.startswith(RUNS_PREFIX):
            self._note_ledger(event.key, message_id)
        else:
            raise UnexpectedObjectError(f"{event.key} is neither a raw page nor a run's ledger")

    def _note_ledger(self, key: str, message_id: str) -> None:
        try:
            if key.endswith(MANIFEST_NAME):
                self._arrivals(parse_manifest_key(key), message_id).manifests.add(message_id)
            else:
                run_id, number = parse_part_pages_key(key)
                self._arrivals(run_id, message_id).parts.setdefault(number, set()).add(message_id)
        except InvalidKeyError as error:
            raise UnexpectedObjectError(str(error)) from None

    def _arrivals(self, run_id: str, message_id: str) -> Arrivals:
        arrived = self.arrivals.setdefault(run_id, Arrivals())
        arrived.messages.add(message_id)
        return arrived

    def _complete(self, run_id: str, arrived: Arrivals) -> None:
        try:
            made = self.retry.run(partial(complete_run, self.outputs.store, run_id, arrived))
        except InvalidManifestError as error:
            # The pages are done. Only the manifest's own message is delivered again.
            for message_id in sorted(arrived.manifests):
                self._fail(message_id, error, run_id=run_id)
        except Exception as error:
            for message_id in sorted(arrived.messages):
                self._fail(message_id, error, run_id=run_id)
        else:
            _report_run(run_id, made.revision)
            stray = UnexpectedObjectError(f"run {run_id} has no such part: remove it")
            for message_id in sorted(made.strays):
                self._fail(message_id, stray, run_id=run_id)

    def _fail(self, message_id: str, error: Exception, **fields: object) -> None:
        self.failed.add(message_id)
        if isinstance(error, TransientError):
            self.transient.add(message_id)
        log_failure(error, message_id=message_id, **fields)


def _receives(message: Mapping[str, Any]) -> int:
    return int(message.get("attributes", {}).get("ApproximateReceiveCount", 1))


def _parsed(body: object) -> S3ObjectCreated:
    try:
        return S3ObjectCreated.model_validate_json(body if isinstance(body, str) else "")
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "body"
        raise InvalidEventError(f"not an S3 event: {where}: {problem['msg']}") from None


def _report_run(run_id: str, revision: int | None) -> None:
    if revision is None:
        return
    if revision == 1:
        count("RunsProcessed")
    logger.info("run processed", extra={"run_id": run_id, "revision": revision})


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
