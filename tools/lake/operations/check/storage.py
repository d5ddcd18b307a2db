"""Reading the bucket for a check: bodies, listings in key order, and row positions."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lake.aws import Cloud
from schemas.keys import is_folder_marker

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Bucket:
    """The data bucket of an environment, read only."""

    cloud: Cloud
    name: str

    def read(self, key: str) -> bytes | None:
        """Return an object's bytes; None where there is no such object."""
        s3 = self.cloud.client("s3")
        try:
            body: bytes = s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        return body

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix, in order; one page of the listing is held at a time."""
        return (key for key, _ in self.etags(prefix))

    def etags(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield the keys below a prefix, in order, each with its object's ETag.

        Markers of folders are left out: Spark and consoles leave them, and they hold nothing.
        """
        pages = self.cloud.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.name, Prefix=prefix):
            for item in page.get("Contents", []):
                if not is_folder_marker(item["Key"]):
                    yield item["Key"], item["ETag"].strip('"')

    def exists(self, key: str) -> bool:
        """Whether there is an object of that key."""
        return next(self.keys(key), None) == key

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the names of the folders right below a prefix."""
        pages = self.cloud.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.name, Prefix=prefix, Delimiter="/"):
            for item in page.get("CommonPrefixes", []):
                yield item["Prefix"][len(prefix) :].rstrip("/")

    def uri(self, key: str) -> str:
        """Return an object's URI."""
        return f"s3://{self.name}/{key}"


def row_positions(body: bytes) -> list[int]:
    """Return the positions that the rows of a Parquet file have in their page."""
    import pyarrow.parquet as pq

    found: list[int] = pq.read_table(io.BytesIO(body), columns=["position"])["position"].to_pylist()
    return found


def row_count(body: bytes) -> int:
    """Return the number of rows of a Parquet file, from its footer."""
    import pyarrow.parquet as pq

    if not body:
        return 0
    return int(pq.ParquetFile(io.BytesIO(body)).metadata.num_rows)


def json_lines(body: bytes) -> list[dict[str, Any]]:
    """Return the objects of gzipped JSON lines."""
    text = gzip.decompress(body).decode() if body else ""
    return [json.loads(line) for line in text.splitlines() if line]


def listed_records(wire: bytes, limit: int) -> int | None:
    """Return how many records a raw page lists; None where its body is not a readable page.

    Written apart from the reader that process has, so that one cannot hide the other's mistake.

    Parameters
    ----------
    wire
        The stored bytes.
    limit
        Decompressed size (bytes) above which a body is not read.
    """
    try:
        plain = _gunzipped(wire, limit)
        if plain is None:
            return None
        page = json.loads(plain.decode("utf-8", "surrogateescape"), parse_int=str, parse_float=str)
    except (zlib.error, EOFError, OSError, ValueError, RecursionError):
        return None
    works = page.get("works") if isinstance(page, dict) else None
    if not isinstance(works, list) or page.get("work_count") is None:
        return None
    return len(works)


def _gunzipped(wire: bytes, limit: int) -> bytes | None:
    plain = bytearray()
    with gzip.GzipFile(fileobj=io.BytesIO(wire)) as stream:
        while chunk := stream.read(_CHUNK):
            plain += chunk
            if len(plain) > limit:
                return None
    return bytes(plain)
