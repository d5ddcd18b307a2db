"""The data bucket on S3: reads, lists, and writes that are conditional without exception."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from ingest.errors import StoreUnavailableError, WriteConflictError
from ingest.ports import NewObject, StoredObject
from schemas.aws_errors import ABSENT, CHANGED, UNDER_WAY, error_code

#: Seconds; a write that is lost is repeated by the client, which conditional writes make harmless.
_CONNECT_TIMEOUT: Final = 3
_READ_TIMEOUT: Final = 10
#: S3 did not get to the request, or gave up on it, as with 5xx.
_BUSY: Final = frozenset({"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable"})
#: Seconds before the second and the later tries.
_PAUSES: Final = (0.2, 0.5, 1.0)


def s3_client(connections: int) -> Any:
    """Return an S3 client for so many threads (an ``S3Client``; botocore ships no types).

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
    sleep
        Waits so many seconds.
    """

    def __init__(
        self, client: Any, bucket: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._sleep = sleep

    def get(self, key: str) -> StoredObject | None:
        """Read an object; ``None`` when there is none.

        Raises
        ------
        StoreUnavailableError
            When S3 does not answer, or the body breaks off, some times in a row.
        """
        for pause in (*_PAUSES, None):
            try:
                return self._read(key)
            except StoreUnavailableError:
                if pause is None:
                    raise
                self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _read(self, key: str) -> StoredObject | None:
        with _unavailable(f"reading {key}"):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error_code(error.response) in ABSENT:
                    return None
                raise
            # Its own read checks length and checksum; as a context it hands out the raw stream.
            body = found["Body"]
            try:
                return StoredObject(body.read(), found["Metadata"], found["ETag"])
            finally:
                body.close()

    def create(self, key: str, new: NewObject) -> bool:
        """Store an object under a key that has none (``If-None-Match: *``), else ``False``.

        Raises
        ------
        StoreUnavailableError
            When S3 does not answer, or has another write of the key under way all the time.
        """
        extra = {"ContentEncoding": new.content_encoding} if new.content_encoding else {}
        try:
            self._put(
                key,
                Body=new.body,
                ContentType=new.content_type,
                Metadata=dict(new.metadata),
                IfNoneMatch="*",
                **extra,
            )
        except WriteConflictError:
            return False
        return True

    def replace(self, key: str, body: bytes, etag: str | None) -> str:
        """Store JSON over the version with that ETag (``None``: where there is no object).

        Raises
        ------
        WriteConflictError
            When the object has another version by now, or none.
        StoreUnavailableError
            When S3 does not answer, or has another write of the key under way all the time.
        """
        condition = {"IfMatch": etag} if etag is not None else {"IfNoneMatch": "*"}
        answer = self._put(key, Body=body, ContentType="application/json", **condition)
        return str(answer["ETag"])

    def _put(self, key: str, **arguments: Any) -> Any:
        """Put conditionally; a write that met another one may yet succeed, so it is repeated."""
        for pause in (*_PAUSES, None):
            try:
                with _unavailable(f"writing {key}"):
                    return self._client.put_object(Bucket=self._bucket, Key=key, **arguments)
            except ClientError as error:
                code = error_code(error.response)
                if code in CHANGED or (code in ABSENT and "IfMatch" in arguments):
                    raise WriteConflictError(f"{key} was written by somebody else") from error
                if code not in UNDER_WAY:
                    raise
                if pause is None:
                    raise StoreUnavailableError(
                        f"{key}: other writes of it are under way all the time ({code})"
                    ) from error
                self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Return every key that begins with a prefix, in order."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        with _unavailable(f"listing {prefix}"):
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"]


@contextmanager
def _unavailable(doing: str) -> Iterator[None]:
    # botocore repeats requests, but not the reading of a body that breaks off; and some errors of
    # urllib3 come through as they are.
    try:
        yield
    except ClientError as error:
        if not _is_busy(error):
            raise
        raise StoreUnavailableError(f"{doing}: {error}") from error
    except (BotoCoreError, urllib3.exceptions.HTTPError, OSError) as error:
        raise StoreUnavailableError(f"{doing}: {type(error).__name__}: {error}") from error


def _is_busy(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or error_code(error.response) in _BUSY
