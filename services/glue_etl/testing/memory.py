"""A lake in memory whose storage, catalogue and clock a test holds in its hands. Needs no Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from glue_etl.builds.lease import Lease
from glue_etl.builds.publication import Publisher, Retention
from glue_etl.ports import FileInfo, Versioned
from glue_etl.testing.builds import RUN, build_of, record_of, write_build
from schemas.curated_tables import CuratedTable

HOUR: Final = timedelta(hours=1)
LEASE_URI: Final = "s3://lake/curated_data/_lease.json"


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class Clock:
    """A clock that a test moves."""

    time: datetime = datetime(2026, 11, 23, 7, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)


@dataclass
class MemoryFiles:
    """Files in memory; dies instead of the change number ``dies_at``."""

    files: dict[str, bytes] = field(default_factory=dict)
    changes: int = 0
    dies_at: int | None = None

    def read(self, uri: str) -> bytes | None:
        return self.files.get(uri)

    def write(self, uri: str, body: bytes) -> None:
        self.change()
        self.files[uri] = body

    def read_versioned(self, uri: str) -> Versioned | None:
        body = self.files.get(uri)
        return None if body is None else Versioned(body, sha256(body).hexdigest())

    def write_if(self, uri: str, body: bytes, version: str | None) -> str | None:
        found = self.read_versioned(uri)
        if (found.version if found else None) != version:
            return None
        self.write(uri, body)
        return sha256(body).hexdigest()

    def etag(self, file: FileInfo) -> str:
        return sha256(self.files[file.uri]).hexdigest()

    def find(self, prefix: str) -> list[FileInfo]:
        return sorted(
            FileInfo(uri, len(body)) for uri, body in self.files.items() if uri.startswith(prefix)
        )

    def folders(self, folder: str) -> list[str]:
        below = [uri.removeprefix(folder) for uri in self.files if uri.startswith(folder)]
        return sorted({path.partition("/")[0] for path in below if "/" in path})

    def delete(self, uri: str) -> None:
        # As on S3, where a folder does not go at once.
        for found in list(self.files):
            if found == uri or (uri.endswith("/") and found.startswith(uri)):
                self.change()
                del self.files[found]

    def delete_unchanged(self, files: Sequence[FileInfo]) -> None:
        for file in files:
            if file.uri in self.files and self.etag(file) == file.etag:
                self.delete(file.uri)

    def change(self) -> None:
        if self.changes == self.dies_at:
            raise KilledError
        self.changes += 1


@dataclass
class MemoryCatalogue:
    """A catalogue in memory; a switch counts as a change."""

    files: MemoryFiles
    found: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    def switch(self, table: CuratedTable, location: str, token: int) -> None:
        self.calls += 1
        self.files.change()
        self.found[table.name] = location

    def locations(self) -> Mapping[str, str]:
        self.calls += 1
        return dict(self.found)


CURATED_URI, RUNS_URI = "s3://lake/curated_data/", "s3://lake/runs/"


@dataclass
class World:
    """A lake in memory, its catalogue and its clock."""

    files: MemoryFiles = field(default_factory=MemoryFiles)
    clock: Clock = field(default_factory=Clock)
    keep: int = 2

    def __post_init__(self) -> None:
        self.catalogue = MemoryCatalogue(self.files)

    @property
    def publisher(self) -> Publisher:
        """A publisher of a process of its own."""
        retention = Retention(self.keep, HOUR)
        lease = Lease(self.files, LEASE_URI, self.clock, self.clock.sleep)
        uris = (CURATED_URI, RUNS_URI)
        return Publisher(self.files, self.catalogue, *uris, retention, lease, self.clock)

    def build(self, publisher: Publisher, build: str, run: str = RUN) -> None:
        """Write a build and its record, as a job does."""
        write_build(self.files, CURATED_URI, build)
        publisher.record_build(record_of(self.files, CURATED_URI, build, run=run))

    def job(self, build: str, run: str = RUN) -> None:
        """Do what a job does with a build, from its first write to its last."""
        publisher = self.publisher
        with publisher.lease.held(f"job {build}"):
            publisher.repair()
            if publisher.record(build) is None:
                self.build(publisher, build, run)
            publisher.publish(build)

    def record(self, build: str, broken: Sequence[str]) -> None:
        """Put a build on record that breaks some rules."""
        publisher = self.publisher
        with publisher.lease.held("build"):
            publisher.record_build(record_of(self.files, CURATED_URI, build, broken))

    def publish(self, build: str) -> None:
        """Go to a build, as an operator does."""
        publisher = self.publisher
        with publisher.lease.held(f"publish {build}"):
            publisher.publish(build)

    def seen(self) -> dict[str, str]:
        """Return what readers of each table find where the catalogue sends them."""
        found = {}
        for table, location in self.catalogue.found.items():
            body = self.files.read(f"{location}part-0.parquet")
            assert body is not None, f"a hole in {table}"
            found[table] = build_of(body)
        return found

    def stored(self) -> set[str]:
        return {uri.split("build=")[1].split("/")[0] for uri in self.files.files if "build=" in uri}
