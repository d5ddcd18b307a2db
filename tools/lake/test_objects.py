"""Reads of a bucket in memory."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from lake.aws import Cloud
from lake.objects import exists, list_folders, list_objects, object_keys, read_object
from lake.testing.lakes import BUCKET, lake_in_memory, put


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        made = lake_in_memory()
        for key in ("p/works/x", "p/dump_works/y", "p/file", "q/z", "p/works/", "p/works_$folder$"):
            put(made, key, "body")
        yield made


def test_markers_of_folders_are_not_listed(cloud: Cloud) -> None:
    expected = ["p/dump_works/y", "p/file", "p/works/x"]

    assert list(object_keys(cloud, BUCKET, "p/")) == expected
    assert [(item.key, item.size) for item in list_objects(cloud, BUCKET, "p/")] == [
        (key, 4) for key in expected
    ]


def test_folders_are_listed_by_name(cloud: Cloud) -> None:
    assert list(list_folders(cloud, BUCKET, "p/")) == ["dump_works", "works"]


def test_an_object_that_is_not_there_is_neither_read_nor_an_error(cloud: Cloud) -> None:
    assert (exists(cloud, BUCKET, "q/z"), read_object(cloud, BUCKET, "q/z")) == (True, b"body")
    # Its key is the beginning of another's.
    assert (exists(cloud, BUCKET, "q/"), read_object(cloud, BUCKET, "q/")) == (False, None)


def test_a_bucket_that_is_not_there_is_an_error(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        read_object(cloud, "other", "q/z")
