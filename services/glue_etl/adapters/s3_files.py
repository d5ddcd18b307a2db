"""Objects of S3, by ``s3://`` URIs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from glue_etl.adapters.failures import ADVICE, translated_s3
from glue_etl.errors import StorageDeniedError, StorageError
from glue_etl.ports import FileInfo, Versioned
from schemas.aws_errors import ABSENT, CHANGED, UNDER_WAY, error_code, is_denied
from schemas.keys import is_folder_marker

_SCHEME: Final = "s3://"
#: A condition did not hold, for the object changed or is gone, or another write was under way.
_REFUSED: Final = CHANGED | UNDER_WAY | ABSENT
#: What one DeleteObjects call takes.
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class S3Files:
    """See :class:`glue_etl.ports.Files`; ``client`` is boto3's for S3."""

    client: Any

    def read(self, uri: str) -> bytes | None:
        """Read an object; see the port."""
        found = self.read_versioned(uri)
        return found.body if found else None

    def read_versioned(self, uri: str) -> Versioned | None:
        """Read an object and its ETag; see the port."""
        bucket, key = _split(uri)
        with translated_s3(uri):
            try:
                answer = self.client.get_object(Bucket=bucket, Key=key)
                return Versioned(answer["Body"].read(), answer["ETag"])
            except ClientError as error:
                if error_code(error.response) in ABSENT:
                    return None
                raise

    def write(self, uri: str, body: bytes) -> None:
        """Write an object; see the port."""
        with translated_s3(uri):
            self._put(uri, body)

    def write_if(self, uri: str, body: bytes, version: str | None) -> str | None:
        """Write an object on a condition that S3 itself checks; see the port.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        condition = {"IfMatch": version} if version else {"IfNoneMatch": "*"}
        with translated_s3(uri):
            try:
                return self._put(uri, body, **condition)
            except ClientError as error:
                if error_code(error.response) not in _REFUSED:
                    raise
        # An answer that was lost on its way makes the client repeat a write that had succeeded.
        found = self.read_versioned(uri)
        return found.version if found and found.body == body else None

    def etag(self, file: FileInfo) -> str:
        """Return the ETag that the listing told; see the port."""
        return file.etag or ""

    def find(self, prefix: str) -> list[FileInfo]:
        """List objects, without the markers of folders that Spark leaves; see the port."""
        bucket, key = _split(prefix)
        return [
            FileInfo(f"{_SCHEME}{bucket}/{item['Key']}", int(item["Size"]), item["ETag"].strip('"'))
            for item in self._objects(bucket, key)
            if not is_folder_marker(item["Key"])
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
        """Delete an object or those of a folder, its markers included; see the port."""
        bucket, key = _split(uri)
        keys = [item["Key"] for item in self._objects(bucket, key)] if key.endswith("/") else [key]
        self._delete(bucket, [{"Key": key} for key in keys], frozenset())

    def delete_unchanged(self, files: Sequence[FileInfo]) -> None:
        """Delete objects on a condition that S3 itself checks; see the port.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
        """
        places = [(_split(file.uri), file.etag or "") for file in files]
        for bucket in {bucket for (bucket, _), _ in places}:
            objects = [
                {"Key": key, "ETag": etag} for (there, key), etag in places if there == bucket
            ]
            self._delete(bucket, objects, _REFUSED)

    def _delete(self, bucket: str, objects: list[dict[str, str]], expected: Set[str]) -> None:
        for start in range(0, len(objects), _BATCH):
            batch = objects[start : start + _BATCH]
            with translated_s3(batch[0]["Key"]):
                answer = self.client.delete_objects(
                    Bucket=bucket, Delete={"Objects": batch, "Quiet": True}
                )
            failed = [one for one in answer.get("Errors", ()) if one.get("Code") not in expected]
            for one in failed:
                # A denied right comes first: of the others, another attempt may be enough.
                if is_denied({"Error": one}):
                    raise StorageDeniedError(
                        f"S3 denied DeleteObjects on {_SCHEME}{bucket}/{one.get('Key')}; {ADVICE}"
                        f" ({one})"
                    )
            if failed:
                raise StorageError(f"{failed[0].get('Key')}: {failed[0]}")

    def _put(self, uri: str, body: bytes, **condition: str) -> str:
        bucket, key = _split(uri)
        kind = "application/json" if key.endswith(".json") else "application/octet-stream"
        answer = self.client.put_object(
            Bucket=bucket, Key=key, Body=body, ContentType=kind, **condition
        )
        return str(answer["ETag"])

    def _objects(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self._pages(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", ())

    def _pages(self, **request: str) -> Iterator[dict[str, Any]]:
        with translated_s3(request["Prefix"]):
            yield from self.client.get_paginator("list_objects_v2").paginate(**request)


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix(_SCHEME).partition("/")
    return bucket, key
