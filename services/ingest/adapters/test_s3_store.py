"""The S3 adapter against an S3 in memory, and the fake that stands for it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ingest.adapters.s3_store import S3Store, s3_client
from ingest.adapters.subject_list import read_subject_list
from ingest.errors import ConfigurationError, WriteConflictError
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
    """A client whose writes fail with some codes in turn, and then succeed."""

    def __init__(self, *codes: str) -> None:
        self.codes = list(codes)

    def put_object(self, **_: object) -> dict[str, str]:
        if self.codes:
            raise ClientError({"Error": {"Code": self.codes.pop(0)}}, "PutObject")
        return {"ETag": '"x"'}


def test_concurrent_creation_is_repeated_until_it_is_decided() -> None:
    assert S3Store(Failing("ConditionalRequestConflict"), "lake").create("a", NewObject(b""))
    two = Failing("ConditionalRequestConflict", "PreconditionFailed")
    assert not S3Store(two, "lake").create("a", NewObject(b""))


def test_denied_access_is_not_taken_for_a_conflict() -> None:
    with pytest.raises(ClientError):
        S3Store(Failing("AccessDenied"), "lake").create("a", NewObject(b""))
    with pytest.raises(ClientError):
        S3Store(Failing("AccessDenied"), "lake").replace("a", b"", None)


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
