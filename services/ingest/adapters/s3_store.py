"""The data bucket on S3: reads, lists, and writes that are conditional without exception."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

from ingest.errors import WriteConflictError
from ingest.ports import NewObject, StoredObject

#: Seconds; a write that is lost is repeated by the client, which conditional writes make harmless.
_CONNECT_TIMEOUT: Final = 3
_READ_TIMEOUT: Final = 10
_ABSENT: Final = frozenset({"NoSuchKey", "404", "NotFound"})
# 409: S3 met another conditional write of the same object under way.
_CONFLICT: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


def s3_client(connections: int) -> Any:
    """Make an S3 client for so many threads (an ``S3Client``; botocore ships no types).

    botocore makes the same client as boto3 and starts in nine tenths of its time.
    """
    return get_session().create_client(
        "s3",
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT,
            read_timeout=_READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": 4},
            max_pool_connections=connections,
        ),
    )


class S3Store:
    """One bucket as an :class:`ingest.ports.ObjectStore`.

    Parameters
    ----------
    client
        An S3 client.
    bucket
        The bucket's name.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> StoredObject | None:
        """Read an object; ``None`` when there is none."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise
        return StoredObject(found["Body"].read(), found["Metadata"], found["ETag"])

    def create(self, key: str, new: NewObject) -> bool:
        """Store an object under a key that has none (``If-None-Match: *``), else ``False``.

        A 409 says that another write of the key is under way and may yet fail, so it is repeated.
        """
        extra = {"ContentEncoding": new.content_encoding} if new.content_encoding else {}
        for last in (False, False, True):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=new.body,
                    ContentType=new.content_type,
                    Metadata=dict(new.metadata),
                    IfNoneMatch="*",
                    **extra,
                )
            except ClientError as error:
                code = _code(error)
                if code not in _CONFLICT or (
                    last and code in {"ConditionalRequestConflict", "409"}
                ):
                    raise
                if code in {"PreconditionFailed", "412"}:
                    return False
            else:
                return True
        return False

    def replace(self, key: str, body: bytes, etag: str | None) -> str:
        """Store JSON over the version with that ETag (``None``: where there is no object).

        Raises
        ------
        WriteConflictError
            When the object has another version by now, or none.
        """
        condition = {"IfMatch": etag} if etag is not None else {"IfNoneMatch": "*"}
        try:
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if _code(error) in _CONFLICT | _ABSENT:
                raise WriteConflictError(f"{key} was written by somebody else") from error
            raise
        return str(answer["ETag"])

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Return every key that begins with a prefix, in order."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in pages:
            for found in page.get("Contents", ()):
                yield found["Key"]


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
