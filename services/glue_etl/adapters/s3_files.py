"""Objects of S3, by ``s3://`` URIs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from glue_etl.errors import StorageError
from glue_etl.ports import FileInfo

_SCHEME: Final = "s3://"
_ABSENT: Final = {"NoSuchKey", "404", "NotFound"}
#: What one DeleteObjects call takes.
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class S3Files:
    """See :class:`glue_etl.ports.Files`; ``client`` is boto3's for S3."""

    client: Any

    def read(self, uri: str) -> bytes | None:
        """Read an object; see the port."""
        bucket, key = _split(uri)
        with _translated(uri):
            try:
                body: bytes = self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                if str(error.response.get("Error", {}).get("Code", "")) in _ABSENT:
                    return None
                raise
            return body

    def write(self, uri: str, body: bytes) -> None:
        """Write an object; see the port."""
        bucket, key = _split(uri)
        with _translated(uri):
            self.client.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType="application/json"
            )

    def find(self, prefix: str) -> list[FileInfo]:
        """List objects; see the port."""
        bucket, key = _split(prefix)
        return [
            FileInfo(f"{_SCHEME}{bucket}/{item['Key']}", int(item["Size"]))
            for page in self._pages(Bucket=bucket, Prefix=key)
            for item in page.get("Contents", ())
        ]

    def folders(self, folder: str) -> list[str]:
        """List common prefixes; see the port."""
        bucket, key = _split(folder)
        return [
            item["Prefix"].removeprefix(key).rstrip("/")
            for page in self._pages(Bucket=bucket, Prefix=key, Delimiter="/")
            for item in page.get("CommonPrefixes", ())
        ]

    def delete(self, uri: str) -> None:
        """Delete an object or those of a folder; see the port."""
        bucket, key = _split(uri)
        keys = [_split(file.uri)[1] for file in self.find(uri)] if key.endswith("/") else [key]
        for start in range(0, len(keys), _BATCH):
            batch = [{"Key": key} for key in keys[start : start + _BATCH]]
            with _translated(uri):
                answer = self.client.delete_objects(
                    Bucket=bucket, Delete={"Objects": batch, "Quiet": True}
                )
            if answer.get("Errors"):
                raise StorageError(f"{uri}: {answer['Errors'][0]}", uri=uri)

    def _pages(self, **request: str) -> Iterator[dict[str, Any]]:
        with _translated(request["Prefix"]):
            yield from self.client.get_paginator("list_objects_v2").paginate(**request)


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix(_SCHEME).partition("/")
    return bucket, key


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StorageError(f"S3 failed on {uri}: {error}", uri=uri) from error
