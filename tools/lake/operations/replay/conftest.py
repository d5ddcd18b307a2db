"""A lake in memory whose process is a function: what is sent to its queue is taken at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.operations.replay import sending
from lake.testing.lakes import BUCKET, lake_in_memory
from schemas.keys import RawKey, parse_manifest_key, processed_ledger_key
from schemas.ledger.run import PageReceipt, ProcessedLedger

_KEY = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
QUEUES = ("process/queue-url", "process/dlq-url", "ingest/dlq-url", "glue_etl/dlq-url")


@dataclass
class ReplayLake:
    """A bucket, the queues, and a process with a rule that says how many records it rejects.

    Attributes
    ----------
    rejects
        How many of a page's ten records the deployed process rejects; all: the page whole.
    processed
        Keys of the events that process took, in order.
    """

    cloud: Cloud
    urls: dict[str, str]
    rejects: int = 2
    processed: list[str] = field(default_factory=list)
    poison: Callable[[str], bool] = lambda _key: False

    def put(self, key: str, body: str = "x") -> None:
        self.cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())

    def add_page(self, page: RawKey) -> None:
        """Store a page and have it processed."""
        self.put(page.key)
        self._process(page.key)

    def send(self, queue: str, body: str) -> None:
        self.cloud.client("sqs").send_message(QueueUrl=self.urls[queue], MessageBody=body)

    def depth(self, queue: str) -> int:
        found = self.cloud.client("sqs").get_queue_attributes(
            QueueUrl=self.urls[queue], AttributeNames=["All"]
        )["Attributes"]
        return sum(int(found[name]) for name in sending._COUNTS)

    def run_process(self) -> None:
        """Take all that waits for process."""
        sqs, url = self.cloud.client("sqs"), self.urls["process/queue-url"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                key = json.loads(message["Body"])["detail"]["object"]["key"]
                self.processed.append(key)
                if self.poison(key):
                    self.send("process/dlq-url", message["Body"])
                else:
                    self._process(key)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _process(self, key: str) -> None:
        if key.endswith("manifest.json"):
            self._sum_up(parse_manifest_key(key))
            return
        page = RawKey.parse(key)
        whole = self.rejects == 10
        receipt = PageReceipt(
            run_id=page.run_id,
            raw_key=key,
            raw_sha256="",
            records=1 if whole else 10,
            rows=0 if whole else 10 - self.rejects,
            quarantined=1 if whole else self.rejects,
            page_status="quarantined" if whole else "processed",
            contract_version="1",
        )
        self.put(page.receipt_key, receipt.model_dump_json())

    def _sum_up(self, run: str) -> None:
        s3, prefix = self.cloud.client("s3"), f"runs/run_id={run}/pages/"
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        bodies = [s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in found]
        receipts = [PageReceipt.model_validate_json(body) for body in bodies]
        ledger = ProcessedLedger(
            run_id=run,
            contract_version="1",
            manifest_status="complete",
            pages=len(receipts),
            records=sum(one.records for one in receipts),
            rows=sum(one.rows for one in receipts),
            quarantined=sum(one.quarantined for one in receipts),
            subjects={},
        )
        self.put(processed_ledger_key(run), ledger.model_dump_json())


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplayLake]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        cloud = lake_in_memory()
        sqs = cloud._clients["sqs"] = boto3.client("sqs", "us-east-1", **_KEY)
        cloud._clients["logs"] = boto3.client("logs", "us-east-1", **_KEY)
        urls = {}
        for name in QUEUES:
            urls[name] = sqs.create_queue(QueueName=name.replace("/", "-"))["QueueUrl"]
            parameter = f"/openlake/local/{name}"
            cloud.client("ssm").put_parameter(Name=parameter, Value=urls[name], Type="String")
        made = ReplayLake(cloud, urls)
        monkeypatch.setattr(sending, "QUIET_SECONDS_LOCAL", 0.0)
        monkeypatch.setattr("lake.operations.replay.dead_letters.WAIT_SECONDS", 0)
        counts = sending.queue_counts

        def counted(cloud: Any) -> tuple[int, int]:
            made.run_process()
            return counts(cloud)

        monkeypatch.setattr(sending, "queue_counts", counted)
        yield made
