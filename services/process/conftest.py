"""Fixtures: in-memory adapters, pages, events and captured samples."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from process.logic.lineage import Lineage
from process.logic.outputs import Outputs
from process.logic.stage import Limits
from process.ports import StoredObject
from schemas.keys import RawKey
from schemas.ledger.provenance import RawProvenance
from schemas.tables import Table
from schemas.testing.samples import captured_samples
from schemas.version import CONTRACT_VERSION

RUN = "20261123T060000Z"
FETCHED = datetime(2026, 11, 23, 6, 0, 9, tzinfo=UTC)
BUCKET = "lake-data"
# Powertools reads these when process.observability is imported, which no module above does.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "openlake")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "process")
LIMITS = Limits(object_bytes=2**20, page_bytes=4 * 2**20)


@dataclass
class MemoryStore:
    """A bucket in memory."""

    objects: dict[str, tuple[bytes, Mapping[str, str]]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        if key not in self.objects:
            return None
        body, metadata = self.objects[key]
        wanted = max_bytes is None or len(body) <= max_bytes
        return StoredObject(body if wanted else b"", metadata, len(body))

    def exists(self, key: str) -> bool:
        return key in self.objects

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.objects[key] = (body, {})
        self.writes.append(key)

    def put_new(self, key: str, body: bytes, content_type: str) -> bool:
        if key in self.objects:
            return False
        self.put(key, body, content_type)
        return True

    def keys(self, prefix: str) -> set[str]:
        return {key for key in self.objects if key.startswith(prefix)}

    def lines(self, key: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in gzip.decompress(self.objects[key][0]).splitlines()]

    def snapshot(self) -> dict[str, bytes]:
        return {key: body for key, (body, _) in self.objects.items()}


@dataclass
class MemoryCatalogue:
    """A catalogue in memory, its files in a store."""

    store: MemoryStore
    partitions: set[tuple[str, str]] = field(default_factory=set)
    tables: dict[str, pa.Table] = field(default_factory=dict)

    def write(self, table: Table, key: str, rows: pa.Table) -> None:
        buffer = io.BytesIO()
        pq.write_table(rows, buffer)
        self.store.put(key, buffer.getvalue(), "application/octet-stream")
        self.tables[key] = rows

    def register(self, table: Table, ingest_date: str) -> None:
        self.partitions.add((table.name, ingest_date))


@dataclass
class Lake:
    """A lake in memory."""

    store: MemoryStore
    catalogue: MemoryCatalogue

    @property
    def outputs(self) -> Outputs:
        return Outputs(self.store, self.catalogue)

    def put_raw(self, body: bytes, key: str = "", **provenance: object) -> str:
        page = RawKey.of(RUN, "love", 0)
        key = key or page.key
        metadata = make_metadata(body, page, **provenance)
        self.store.objects[key] = (body, metadata)
        return key


@pytest.fixture
def lake() -> Lake:
    store = MemoryStore()
    return Lake(store, MemoryCatalogue(store))


@pytest.fixture
def lineage() -> Lineage:
    return Lineage(RawKey.of(RUN, "love", 0), FETCHED)


def make_metadata(body: bytes, page: RawKey, **changes: object) -> dict[str, str]:
    values = {
        "url": "https://openlibrary.org/subjects/love.json",
        "fetched_at": FETCHED,
        "http_status": 200,
        "sha256": sha256(body).hexdigest(),
        "contract_version": CONTRACT_VERSION,
        "run_id": page.run_id,
        "subject": page.subject,
        "offset": page.offset,
        "limit": 1000,
    }
    return RawProvenance.model_validate(values | changes).to_metadata()


def make_work(**changes: object) -> dict[str, Any]:
    work = {
        "key": "/works/OL1W",
        "title": "Emma",
        "edition_count": 3,
        "cover_id": 7,
        "cover_edition_key": "OL1M",
        "subject": ["Love", "England"],
        "ia_collection": ["americana"],
        "lendinglibrary": False,
        "printdisabled": True,
        "lending_edition": "OL2M",
        "lending_identifier": "emma00aust",
        "authors": [{"key": "/authors/OL1A", "name": "Jane Austen"}],
        "first_publish_year": 1815,
        "ia": "emma00aust",
        "public_scan": True,
        "has_fulltext": True,
        "availability": {"status": "open", "openlibrary_work": "OL999W"},
    }
    return work | changes


def make_page(*works: object, **changes: object) -> dict[str, Any]:
    page = {
        "key": "/subjects/love",
        "name": "Love",
        "subject_type": "subject",
        "work_count": len(works),
        "works": list(works),
    }
    return page | changes


def packed(document: object) -> bytes:
    return gzip.compress(json.dumps(document).encode(), mtime=0)


def make_event(key: str, bucket: str = BUCKET) -> str:
    return json.dumps(
        {
            "version": "0",
            "id": "0",
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}},
        }
    )


def make_batch(*bodies: str) -> list[dict[str, str]]:
    return [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]


@pytest.fixture(scope="session")
def samples() -> Path:
    return captured_samples()


@pytest.fixture
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from moto import mock_aws

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield
