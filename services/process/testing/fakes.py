"""In-memory adapters, and a lake made of them."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from process.logic.outputs import Outputs
from process.logic.retry import Retry
from process.logic.stage import Limits
from process.ports import StoredObject
from process.testing.pages import RUN, make_metadata
from schemas.keys import RawKey
from schemas.tables import Table

#: Repeats what fails, and waits for nothing.
IMPATIENT = Retry(sleep=lambda _seconds: None)
LIMITS = Limits(object_bytes=2**20, page_bytes=4 * 2**20)


def etag_of(body: bytes) -> str:
    return md5(body, usedforsecurity=False).hexdigest()


@dataclass
class MemoryStore:
    """A bucket in memory."""

    objects: dict[str, tuple[bytes, Mapping[str, str]]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock, repr=False)

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        if key not in self.objects:
            return None
        body, metadata = self.objects[key]
        wanted = max_bytes is None or len(body) <= max_bytes
        return StoredObject(body if wanted else b"", metadata, len(body), etag_of(body))

    def get_many(self, keys: Sequence[str]) -> list[StoredObject | None]:
        return [self.get(key) for key in keys]

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.objects[key] = (body, {})
        self.writes.append(key)

    def put_new(self, key: str, body: bytes, content_type: str) -> bool:
        return self.replace(key, body, content_type, None)

    def replace(self, key: str, body: bytes, content_type: str, etag: str | None) -> bool:
        with self.lock:
            if (etag_of(self.objects[key][0]) if key in self.objects else None) != etag:
                return False
            self.put(key, body, content_type)
            return True

    def list_etags(self, prefix: str, after: str = "", last: str | None = None) -> dict[str, str]:
        end = None if last is None else prefix + last
        return {
            key: etag_of(self.objects[key][0])
            for key in sorted(self.objects)
            if key.startswith(prefix)
            and (not after or key > prefix + after)
            and (end is None or key <= end)
        }

    def lines(self, key: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in gzip.decompress(self.objects[key][0]).splitlines()]

    def snapshot(self) -> dict[str, bytes]:
        return {key: body for key, (body, _) in self.objects.items()}


@dataclass
class MemoryTableStore:
    """Tables and partitions in memory, their files in a store."""

    store: MemoryStore
    partitions: set[tuple[str, str]] = field(default_factory=set)
    written: dict[str, pa.Table] = field(default_factory=dict)

    def write(self, table: Table, key: str, rows: pa.Table) -> None:
        buffer = io.BytesIO()
        pq.write_table(rows, buffer)
        self.store.put(key, buffer.getvalue(), "application/octet-stream")
        self.written[key] = rows

    def register(self, table: Table, ingest_date: str) -> None:
        self.partitions.add((table.name, ingest_date))


@dataclass
class Lake:
    """A lake in memory."""

    store: MemoryStore
    tables: MemoryTableStore

    @property
    def outputs(self) -> Outputs:
        return Outputs(self.store, self.tables)

    def put_raw(self, body: bytes, key: str = "", **provenance: object) -> str:
        page = RawKey.of(RUN, "love", 0)
        key = key or page.key
        metadata = make_metadata(body, page, **provenance)
        self.store.objects[key] = (body, metadata)
        return key


@dataclass
class MemoryQueue:
    """Notes which messages are to come again, and when (seconds)."""

    again: dict[str, int] = field(default_factory=dict)

    def deliver_again(self, receipt_handle: str, seconds: int) -> None:
        self.again[receipt_handle] = seconds
