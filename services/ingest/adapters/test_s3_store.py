"""The S3 adapter against an S3 in memory, and the fake that stands for it elsewhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    FlexibleChecksumError,
    IncompleteReadError,
    ReadTimeoutError,
)
from botocore.response import StreamingBody
from moto import mock_aws
from urllib3.exceptions import ProtocolError

from ingest.adapters.s3_store import S3Store, s3_client
from ingest.adapters.subject_list import read_subject_list
from ingest.errors import ConfigurationError, StoreUnavailableError, WriteConflictError
from ingest.ports import NewObject, ObjectStore
from ingest.testing.fakes import MemoryStore


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        boto3.client("s3").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield


@pytest.fixture(params=["s3", "memory"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    return S3Store(s3_client(2), "lake") if request.param == "s3" else MemoryStore()


def test_absent_object_is_none(store: ObjectStore) -> None:
    assert store.get("absent") is None


def test_created_object_reads_back(store: ObjectStore) -> None:
    assert store.create("a", NewObject(b"\x1f\x8b", "application/json", "gzip", {"k-y": "v"}))
    found = store.get("a")
    assert found is not None
    assert (found.body, dict(found.metadata)) == (b"\x1f\x8b", {"k-y": "v"})


def test_created_object_is_never_overwritten(store: ObjectStore) -> None:
    store.create("a", NewObject(b"first"))
    assert not store.create("a", NewObject(b"second"))
    found = store.get("a")
    assert found is not None
    assert found.body == b"first"


def test_replace_needs_the_version_that_was_read(store: ObjectStore) -> None:
    first = store.replace("a", b"1", None)
    second = store.replace("a", b"2", first)
    with pytest.raises(WriteConflictError):
        store.replace("a", b"3", first)
    assert store.replace("a", b"4", second)


def test_first_version_is_written_once(store: ObjectStore) -> None:
    store.replace("a", b"1", None)
    with pytest.raises(WriteConflictError):
        store.replace("a", b"2", None)


def test_version_that_is_gone_is_a_conflict(store: ObjectStore) -> None:
    with pytest.raises(WriteConflictError):
        store.replace("a", b"1", '"d41d8cd98f00b204e9800998ecf8427e"')


def test_keys_are_listed_by_prefix_beyond_one_page(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    for number in range(25):
        store.create(f"p/{number:04}", NewObject(b""))
    store.create("q", NewObject(b""))
    assert len(list(store.list_keys("p/"))) == 25


class Failing:
    """A client whose calls fail with some codes in turn, and then succeed."""

    def __init__(self, *codes: str) -> None:
        self.codes = list(codes)
        self.calls = 0

    def put_object(self, **_: object) -> dict[str, str]:
        self.calls += 1
        if self.codes:
            raise ClientError({"Error": {"Code": self.codes.pop(0)}}, "PutObject")
        return {"ETag": '"x"'}


UNDER_WAY = ("ConditionalRequestConflict", "OperationAborted", "409")


@pytest.mark.parametrize("code", UNDER_WAY)
def test_concurrent_write_is_repeated_after_a_pause_until_it_is_decided(code: str) -> None:
    pauses: list[float] = []
    assert S3Store(Failing(code), "lake", pauses.append).create("a", NewObject(b""))
    assert not S3Store(Failing(code, "PreconditionFailed"), "lake", pauses.append).create(
        "a", NewObject(b"")
    )
    assert S3Store(Failing(code, code), "lake", pauses.append).replace("a", b"", '"x"') == '"x"'
    assert pauses == [0.2, 0.2, 0.2, 0.5]


@pytest.mark.parametrize("code", UNDER_WAY)
def test_write_that_stays_under_way_is_no_sign_of_a_lost_lease(code: str) -> None:
    client = Failing(*[code] * 4)
    with pytest.raises(StoreUnavailableError):
        S3Store(client, "lake", lambda _: None).replace("a", b"", '"x"')
    assert client.calls == 4


class Breaking:
    """A client whose bodies break off as often as it is told."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.left = error, times
        self.closed = 0

    def get_object(self, **_: object) -> dict[str, object]:
        return {"Body": self, "Metadata": {}, "ETag": '"x"'}

    def read(self) -> bytes:
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return b"whole"

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    "error",
    [
        IncompleteReadError(actual_bytes=3, expected_bytes=5),
        FlexibleChecksumError(error_msg="sha256"),
        ReadTimeoutError(endpoint_url="https://s3"),
        ProtocolError("cut"),
        ConnectionResetError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_body_that_breaks_off_is_read_again_and_then_reported(error: Exception) -> None:
    client = Breaking(error, 2)
    found = S3Store(client, "lake", lambda _: None).get("a")
    assert found is not None
    assert (found.body, client.closed) == (b"whole", 3)
    with pytest.raises(StoreUnavailableError, match="reading a"):
        S3Store(Breaking(error, 9), "lake", lambda _: None).get("a")


@pytest.mark.parametrize("served", [b"", b"who"])
def test_body_shorter_than_its_length_is_not_taken_for_the_object(served: bytes) -> None:
    def get_object(**_: object) -> dict[str, object]:
        return {"Body": StreamingBody(io.BytesIO(served), 5), "Metadata": {}, "ETag": '"x"'}

    client = SimpleNamespace(get_object=get_object)
    with pytest.raises(StoreUnavailableError):
        S3Store(client, "lake", lambda _: None).get("a")


def test_denied_access_is_not_taken_for_a_conflict() -> None:
    with pytest.raises(ClientError):
        S3Store(Failing("AccessDenied"), "lake").create("a", NewObject(b""))
    with pytest.raises(ClientError):
        S3Store(Failing("AccessDenied"), "lake").replace("a", b"", None)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("SlowDown", 503),
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
        ("503", 503),
        ("RequestTimeout", 400),
    ],
)
def test_busy_bucket_is_one_that_does_not_answer(code: str, status: int) -> None:
    # GIVEN an S3 that still refuses when botocore has repeated the request
    def busy(**_: object) -> object:
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "Any")

    pages = SimpleNamespace(paginate=lambda **_: (busy() for _ in range(1)))
    client = SimpleNamespace(get_object=busy, put_object=busy, get_paginator=lambda _: pages)
    store = S3Store(client, "lake", lambda _: None)
    # WHEN it is read, written or listed THEN the next heartbeat may go on
    for call in (
        lambda: store.get("a"),
        lambda: store.create("a", NewObject(b"")),
        lambda: store.replace("a", b"", None),
        lambda: list(store.list_keys("a")),
    ):
        with pytest.raises(StoreUnavailableError):
            call()


def test_subject_list_is_read_from_a_parameter_and_from_the_bucket() -> None:
    boto3.client("ssm").put_parameter(Name="/lake/subjects", Value='["love"]', Type="String")
    store = S3Store(s3_client(1), "lake")
    store.create("config/subjects.json", NewObject(b'["history"]'))
    assert read_subject_list("ssm:/lake/subjects", store) == '["love"]'
    assert read_subject_list("s3:config/subjects.json", store) == '["history"]'


@pytest.mark.parametrize("reference", ["ssm:/absent", "s3:absent"])
def test_absent_subject_list_is_named(reference: str) -> None:
    with pytest.raises(ConfigurationError, match="absent"):
        read_subject_list(reference, S3Store(s3_client(1), "lake"))


def test_subject_list_that_is_not_utf_8_is_refused_and_a_byte_order_mark_is_passed_over() -> None:
    store = S3Store(s3_client(1), "lake")
    store.create("config/latin.json", NewObject('["café"]'.encode("latin-1")))
    store.create("config/marked.json", NewObject('["café"]'.encode("utf-8-sig")))
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        read_subject_list("s3:config/latin.json", store)
    assert read_subject_list("s3:config/marked.json", store) == '["café"]'
