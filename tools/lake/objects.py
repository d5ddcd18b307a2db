"""What a bucket holds: the objects below a prefix, whether one is there, and what is in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lake.aws import Cloud
from schemas.keys import is_folder_marker


@dataclass(frozen=True, order=True)
class StoredObject:
    """An object as the bucket lists it; `size` in bytes."""

    key: str
    etag: str
    size: int


def list_objects(cloud: Cloud, bucket: str, prefix: str) -> Iterator[StoredObject]:
    """Yield the objects below a prefix in order, without markers of folders.

    Spark and consoles leave those, and they hold nothing. A page of the listing is held at a time.
    """
    for item in _listed(cloud, bucket, prefix):
        yield StoredObject(item["Key"], item["ETag"], int(item["Size"]))


def object_keys(cloud: Cloud, bucket: str, prefix: str) -> Iterator[str]:
    """Yield the keys below a prefix in order, without markers of folders."""
    for item in _listed(cloud, bucket, prefix):
        yield item["Key"]


def list_folders(cloud: Cloud, bucket: str, prefix: str) -> Iterator[str]:
    """Yield the names of the folders right below a prefix that ends with a slash."""
    pages = cloud.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
        for item in page.get("CommonPrefixes", []):
            yield item["Prefix"].removeprefix(prefix).rstrip("/")


def exists(cloud: Cloud, bucket: str, key: str) -> bool:
    """Return whether an object exists."""
    from botocore.exceptions import ClientError

    try:
        cloud.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def read_object(cloud: Cloud, bucket: str, key: str) -> bytes | None:
    """Return an object's bytes; None where there is no such object."""
    s3 = cloud.client("s3")
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    return body


def _listed(cloud: Cloud, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    pages = cloud.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not is_folder_marker(item["Key"]):
                yield item
