from __future__ import annotations

import base64
import socket
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from process.adapters.s3_store import S3Store
from process.adapters.sessions import MemoisingSession
from process.errors import StorageDeniedError, StorageError, TransientError
from process.testing.pages import BUCKET


@pytest.fixture
def store(_aws: None) -> S3Store:
    client = MemoisingSession().client("s3")
    location = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
    return S3Store(client, BUCKET)


def test_an_object_is_read_with_its_metadata(store: S3Store) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="a", Body=b"abc", Metadata={"run-id": "x"})

    found = store.get("a")

    assert found is not None
    assert (found.body, found.metadata, found.size) == (b"abc", {"run-id": "x"}, 3)


def test_an_object_above_the_limit_is_not_read(store: S3Store) -> None:
    store.put("a", b"abc", "text/plain")

    found = store.get("a", max_bytes=2)

    assert found is not None
    assert (found.body, found.size) == (b"", 3)


def test_markers_of_folders_are_not_listed(store: S3Store) -> None:
    for key in ("runs/r/", "runs/r/a", "runs/r/b_$folder$"):
        store.put(key, b"", "text/plain")

    assert list(store.list_etags("runs/r/")) == ["runs/r/a"]


def test_a_missing_object_is_none(store: S3Store) -> None:
    assert store.get("a") is None


def test_a_new_object_is_written_once(store: S3Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        wrote = list(pool.map(lambda n: store.put_new("a", b"%d" % n, "text/plain"), range(8)))

    assert wrote.count(True) == 1
    assert store.get("a") is not None


def test_an_object_is_replaced_in_the_version_that_was_read(store: S3Store) -> None:
    store.put("a", b"1", "text/plain")
    first = store.get("a")
    assert first is not None

    assert store.replace("a", b"2", "text/plain", first.etag)
    assert not store.replace("a", b"3", "text/plain", first.etag)

    found = store.get("a")
    assert found is not None
    assert (found.body, store.list_etags("a")) == (b"2", {"a": found.etag})


def test_objects_are_read_in_the_order_of_their_keys(store: S3Store) -> None:
    for number in range(20):
        store.put(str(number), b"%d" % number, "text/plain")

    found = store.get_many(["7", "nothing", "19"])

    assert [one and one.body for one in found] == [b"7", None, b"19"]


def test_keys_are_listed_beyond_one_answer(store: S3Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.put(f"p/{n}", b"", "text/plain"), range(1005)))
    store.put("q/0", b"", "text/plain")

    assert len(store.list_etags("p/")) == 1005


def test_a_listing_begins_behind_one_name_and_ends_with_another(store: S3Store) -> None:
    for name in "abcd":
        store.put(f"p/{name}", b"", "text/plain")

    assert list(store.list_etags("p/", "a", "c")) == ["p/b", "p/c"]
    assert list(store.list_etags("p/", "c")) == ["p/d"]


@pytest.mark.usefixtures("_aws")
def test_a_failing_bucket_is_transient() -> None:
    store = S3Store(MemoisingSession().client("s3"), "nowhere")

    with pytest.raises(StorageError, match="a"):
        store.put("a", b"", "text/plain")


class Refusing:
    """An S3 that refuses every call."""

    def __init__(self, code: str) -> None:
        self.code = code

    def get_object(self, **_: Any) -> Any:
        raise self.refusal("GetObject")

    def put_object(self, **_: Any) -> Any:
        raise self.refusal("PutObject")

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        raise self.refusal("ListObjectsV2")

    def refusal(self, operation: str) -> ClientError:
        return ClientError({"Error": {"Code": self.code, "Message": "no"}}, operation)


def calls(store: S3Store) -> list[tuple[str, Callable[[], object]]]:
    return [
        ("GetObject", lambda: store.get("a")),
        ("GetObject", lambda: store.get_many(["a"])),
        ("PutObject", lambda: store.put("a", b"", "text/plain")),
        ("PutObject", lambda: store.put_new("a", b"", "text/plain")),
        ("PutObject", lambda: store.replace("a", b"", "text/plain", "etag")),
        ("ListObjectsV2", lambda: store.list_etags("a")),
    ]


@pytest.mark.parametrize("code", ["AccessDenied", "AllAccessDisabled", "403"])
def test_a_right_that_is_missing_is_terminal_and_named(code: str) -> None:
    for operation, call in calls(S3Store(Refusing(code), BUCKET)):
        with pytest.raises(StorageDeniedError, match=f"S3 denied {operation} on a; give") as caught:
            call()
        assert caught.value.fields == {"key": "a", "operation": operation}


@pytest.mark.parametrize("code", ["SlowDown", "503", "ExpiredToken", "RequestTimeTooSkewed"])
def test_other_refusals_are_transient(code: str) -> None:
    for _, call in calls(S3Store(Refusing(code), BUCKET)):
        with pytest.raises(StorageError, match="S3 failed on a") as caught:
            call()
        assert isinstance(caught.value, TransientError)


def test_the_look_behind_a_lost_answer_may_be_denied(store: S3Store) -> None:
    """GIVEN a write that came second WHEN HEAD is refused, without a body THEN it says so."""
    store.put("a", b"x", "text/plain")
    put = store.client.put_object
    head = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")
    client = SimpleNamespace(put_object=put, head_object=Mock(side_effect=head))

    with pytest.raises(StorageDeniedError, match="S3 denied HeadObject on a"):
        S3Store(client, BUCKET).put_new("a", b"y", "text/plain")


@pytest.mark.usefixtures("_aws")
def test_a_session_makes_a_client_once() -> None:
    session = MemoisingSession()

    assert session.client("s3") is session.client(service_name="s3", use_ssl=True)


class Answers:
    """A server of S3 answers, each written byte by byte; they say what they like."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for answer in self.answers:
            connection, _ = self._socket.accept()
            with connection:
                self.requests.append(connection.recv(65536))
                connection.sendall(answer)
        self._socket.close()


def served(*answers: bytes) -> tuple[S3Store, Answers]:
    server = Answers(*answers)
    client = boto3.client(
        "s3",
        "us-east-1",
        endpoint_url=server.url,
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    return S3Store(client, BUCKET), server


def answer(body: bytes, length: int | None = None, *headers: str) -> bytes:
    lines = [
        "HTTP/1.1 200 OK",
        f"Content-Length: {len(body) if length is None else length}",
        "Connection: close",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def test_a_body_that_is_cut_is_transient() -> None:
    store, _ = served(answer(b"half", 8))

    with pytest.raises(StorageError, match="S3 failed on a"):
        store.get("a")


def test_a_body_that_contradicts_its_checksum_is_transient() -> None:
    wrong = base64.b64encode(zlib.crc32(b"other").to_bytes(4, "big")).decode()
    store, _ = served(answer(b"these", None, f"x-amz-checksum-crc32: {wrong}"))

    with pytest.raises(StorageError, match="checksum"):
        store.get("a")


def test_a_lost_answer_to_our_own_write_is_a_write(store: S3Store) -> None:
    """GIVEN a write whose answer was lost WHEN botocore repeats it THEN the 412 is our own."""
    sent: list[Any] = []

    def lose(request: Any, **_: Any) -> None:
        if request.headers.get("If-None-Match") and not sent:
            sent.append(request.headers["x-amz-meta-writer"])
            writer = sent[0].decode() if isinstance(sent[0], bytes) else sent[0]
            boto3.client("s3").put_object(
                Bucket=BUCKET, Key="a", Body=b"x", Metadata={"writer": writer}
            )

    store.client.meta.events.register("before-send.s3.PutObject", lose)

    assert store.put_new("a", b"x", "text/plain")
    assert sent


def test_a_write_of_somebody_else_is_told_from_ours(store: S3Store) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="a", Body=b"x", Metadata={"writer": "other"})

    assert not store.put_new("a", b"x", "text/plain")
