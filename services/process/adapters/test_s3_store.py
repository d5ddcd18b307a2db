from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from process.adapters.s3_store import S3Store
from process.adapters.sessions import MemoisingSession
from process.errors import StorageError
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


def test_a_missing_object_is_none(store: S3Store) -> None:
    assert store.get("a") is None
    assert not store.exists("a")


def test_a_new_object_is_written_once(store: S3Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        wrote = list(pool.map(lambda n: store.put_new("a", b"%d" % n, "text/plain"), range(8)))

    assert wrote.count(True) == 1
    assert store.exists("a")


def test_keys_are_listed_beyond_one_answer(store: S3Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.put(f"p/{n}", b"", "text/plain"), range(1005)))
    store.put("q/0", b"", "text/plain")

    assert len(store.keys("p/")) == 1005


@pytest.mark.usefixtures("_aws")
def test_a_failing_bucket_is_transient() -> None:
    store = S3Store(MemoisingSession().client("s3"), "nowhere")

    with pytest.raises(StorageError, match="a"):
        store.put("a", b"", "text/plain")


@pytest.mark.usefixtures("_aws")
def test_a_session_makes_a_client_once() -> None:
    session = MemoisingSession()

    assert session.client("s3") is session.client(service_name="s3", use_ssl=True)
