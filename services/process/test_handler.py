from __future__ import annotations

import gzip
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from process import handler as module
from process.openlibrary.rows import SCHEMA
from process.testing.pages import (
    BUCKET,
    RUN,
    make_batch,
    make_event,
    make_metadata,
    make_page,
    make_work,
    packed,
)
from schemas.events import SMOKE_TEST, SMOKE_TEST_PASSED
from schemas.keys import RawKey

PAGE = RawKey.of(RUN, "love", 0)
CONTEXT = SimpleNamespace(
    function_name="process",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:process",
    aws_request_id="1",
    get_remaining_time_in_millis=lambda: 300_000,
)


@pytest.fixture
def s3(_aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("DATA_BUCKET", BUCKET)
    monkeypatch.setenv("GLUE_DATABASE", "lake")
    monkeypatch.setenv("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/queue")
    client = boto3.client("s3")
    location = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
    boto3.client("glue").create_database(DatabaseInput={"Name": "lake"})
    module.service.cache_clear()
    yield client
    module.service.cache_clear()


def put(s3: Any, body: bytes, page: RawKey = PAGE) -> None:
    s3.put_object(Bucket=BUCKET, Key=page.key, Body=body, Metadata=make_metadata(body, page))


def everything(s3: Any) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {
        item["Key"]: s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in listed
    }


def call(*keys: str) -> dict[str, Any]:
    answer: dict[str, Any] = module.handler(
        {"Records": make_batch(*map(make_event, keys))}, CONTEXT
    )
    return answer


def test_a_thousand_captured_works_become_rows_exactly_once(s3: Any, samples: Path) -> None:
    body = gzip.compress((samples / "subjects_love_limit1000_2023-01.json").read_bytes(), mtime=0)
    put(s3, body)

    assert call(PAGE.key) == {"batchItemFailures": []}

    written = s3.get_object(Bucket=BUCKET, Key=PAGE.processed_key("works"))["Body"].read()
    table = pq.read_table(io.BytesIO(written))
    assert Counter(table["position"].to_pylist()) == Counter(range(1000))


def test_the_stored_schema_is_the_contract_s(s3: Any) -> None:
    put(s3, packed(make_page(make_work())))
    call(PAGE.key)

    written = s3.get_object(Bucket=BUCKET, Key=PAGE.processed_key("works"))["Body"].read()

    assert pq.read_schema(io.BytesIO(written)).remove_metadata() == SCHEMA


def test_a_second_delivery_changes_no_byte(s3: Any) -> None:
    put(s3, packed(make_page(make_work(), {"key": 1})))
    call(PAGE.key)
    first = everything(s3)

    call(PAGE.key, PAGE.key)

    assert everything(s3) == first


def test_a_gone_object_fails_alone(s3: Any) -> None:
    put(s3, packed(make_page(make_work())))

    answer = call(RawKey.of(RUN, "gone", 0).key, PAGE.key)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert PAGE.receipt_key in everything(s3)


def test_tables_and_partitions_are_in_the_catalogue(s3: Any) -> None:
    put(s3, packed(make_page(make_work(), None, authors=[{"name": "A", "count": 1}])))
    call(PAGE.key)

    glue = boto3.client("glue")
    names = ("crawled_works", "quarantine", "subject_snapshots", "subject_facets")
    days = [
        glue.get_partitions(DatabaseName="lake", TableName=name)["Partitions"][0]["Values"]
        for name in names
    ]
    assert days == [["2026-11-23"]] * 4


def test_a_smoke_test_touches_nothing(s3: Any) -> None:
    assert module.handler(SMOKE_TEST, CONTEXT) == SMOKE_TEST_PASSED

    assert everything(s3) == {}
    assert boto3.client("glue").get_tables(DatabaseName="lake")["TableList"] == []


def test_a_smoke_test_tells_a_wrong_setting(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLUE_DATABASE")

    with pytest.raises(ValidationError, match="GLUE_DATABASE"):
        module.handler(SMOKE_TEST, CONTEXT)
