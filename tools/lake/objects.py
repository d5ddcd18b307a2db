"""What a bucket holds: the objects below a prefix, whether one is there, and what is in it."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lake.aws import Cloud
from lake.errors import UnreadableObjectError
from schemas.keys import is_folder_marker

#: What to do about an object that is damaged or gone.
RESTORE = "Restore its former version: the bucket is versioned."


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


def read_parsed[T](
    cloud: Cloud, bucket: str, key: str, parse: Callable[[bytes], T], hint: str = RESTORE
) -> T | None:
    """Return what an object holds; None where there is no such object.

    Parameters
    ----------
    parse
        Reads its bytes.
    hint
        What to do when it is damaged.

    Raises
    ------
    UnreadableObjectError
        It is damaged.
    """
    body = read_object(cloud, bucket, key)
    if body is None:
        return None
    try:
        return parse(body)
    except (EOFError, OSError, TypeError, ValueError, zlib.error) as error:
        raise UnreadableObjectError(
            f"s3://{bucket}/{key} cannot be read: {_reason(error)}.", hint
        ) from error


def _reason(error: Exception) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return (str(error).splitlines() or [type(error).__name__])[0]
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    # A name in it may be of the object.
    return " ".join(f"{place + ': ' if place else ''}{first['msg']}".split())


def _listed(cloud: Cloud, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    pages = cloud.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not is_folder_marker(item["Key"]):
                yield item
