"""The data bucket, by boto3."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from botocore.exceptions import ClientError

from process.adapters.failures import translated_s3
from process.ports import StoredObject
from schemas.aws_errors import ABSENT, CHANGED, error_code
from schemas.keys import is_folder_marker

_WRITER: Final = "writer"
#: Objects that are read at once.
READERS: Final = 16


@dataclass(frozen=True, slots=True)
class S3Store:
    """A bucket; see :class:`process.ports.Store`."""

    client: Any
    bucket: str

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        """Read an object; see the port."""
        with translated_s3(key):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if error_code(error.response) in ABSENT:
                    return None
                raise
            size = int(answer["ContentLength"])
            # Its own `with` hands out the raw stream, past the checks of length and checksum.
            with closing(answer["Body"]) as stream:
                body = b"" if max_bytes is not None and size > max_bytes else stream.read()
            return StoredObject(body, answer["Metadata"], size, _etag(answer))

    def get_many(self, keys: Sequence[str]) -> list[StoredObject | None]:
        """Read objects, several at once; see the port."""
        with ThreadPoolExecutor(READERS) as readers:
            return list(readers.map(self.get, keys))

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write an object; see the port."""
        with translated_s3(key):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def put_new(self, key: str, body: bytes, content_type: str) -> bool:
        """Write an object unless there is one; see the port."""
        return self.replace(key, body, content_type, None)

    def replace(self, key: str, body: bytes, content_type: str, etag: str | None) -> bool:
        """Write an object over a version; see the port."""
        writer = uuid4().hex
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        with translated_s3(key):
            try:
                self.client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=body,
                    ContentType=content_type,
                    Metadata={_WRITER: writer},
                    **condition,
                )
            except ClientError as error:
                # Where another write is under way (409), this one is tried again.
                if error_code(error.response) in CHANGED:
                    # The answer to an earlier attempt of this very call may have been lost.
                    head = self.client.head_object(Bucket=self.bucket, Key=key)
                    return bool(head["Metadata"].get(_WRITER) == writer)
                raise
            return True

    def list_etags(self, prefix: str, after: str = "", last: str | None = None) -> dict[str, str]:
        """List ETags; see the port."""
        found: dict[str, str] = {}
        start = {"StartAfter": prefix + after} if after else {}
        with translated_s3(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix, **start
            )
            for item in (item for page in pages for item in page.get("Contents", ())):
                if last is not None and item["Key"] > prefix + last:
                    break
                if not is_folder_marker(item["Key"]):
                    found[item["Key"]] = _etag(item)
        return found


def _etag(answer: dict[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')
