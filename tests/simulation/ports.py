"""The ports of the three services, on the AWS in memory."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pyarrow as pa

from glue_etl import errors as etl_errors
from glue_etl.ports import FileInfo, Versioned
from ingest import errors as ingest_errors
from ingest.ports import NewObject
from ingest.ports import StoredObject as IngestObject
from process import errors as process_errors
from process.logic.outputs import Outputs, PageOutput
from process.ports import StoredObject as ProcessObject
from schemas.curated_tables import CuratedTable
from schemas.keys import RawKey, day_prefix, page_path
from schemas.rows.quarantine import QuarantineRecord
from schemas.tables import Table
from tests.simulation.cloud import Cloud

LAKE = "s3://lake/"
#: Of the processed works, those that a history keeps.
WORKS_COLUMNS = ("work_key", "title", "raw_key")
#: Kept, because a history asks for it with each row.
path_of_page = lru_cache(maxsize=4096)(page_path)


@dataclass
class IngestStore:
    """The bucket as ingest sees it."""

    cloud: Cloud

    def get(self, key: str) -> IngestObject | None:
        """Read an object."""

        def effect() -> IngestObject | None:
            found = self.cloud.objects.get(key)
            return IngestObject(found.body, found.metadata, found.etag) if found else None

        return self.cloud.call(f"s3 get {key}", effect, ingest_errors.StoreUnavailableError)

    def create(self, key: str, new: NewObject) -> bool:
        """Store an object unless the key is taken."""

        def effect() -> bool:
            if key in self.cloud.objects:
                return False
            self.cloud.put(key, new.body, dict(new.metadata))
            return True

        unavailable = ingest_errors.StoreUnavailableError
        return self.cloud.call(f"s3 create {key}", effect, unavailable, changes=True)

    def replace(self, key: str, body: bytes, etag: str | None) -> str:
        """Store over the version with that ETag."""

        def effect() -> str:
            found = self.cloud.objects.get(key)
            if (found.etag if found else None) != etag:
                raise ingest_errors.WriteConflictError(key)
            return self.cloud.put(key, body)

        unavailable = ingest_errors.StoreUnavailableError
        return self.cloud.call(f"s3 replace {key}", effect, unavailable, changes=True)

    def list_keys(self, prefix: str) -> Iterator[str]:
        """List keys."""
        unavailable = ingest_errors.StoreUnavailableError
        found = self.cloud.call(f"s3 list {prefix}", lambda: self.cloud.keys(prefix), unavailable)
        return iter(found)


@dataclass
class ProcessStore:
    """The bucket as process sees it."""

    cloud: Cloud

    def get(self, key: str, max_bytes: int | None = None) -> ProcessObject | None:
        """Read an object."""

        def effect() -> ProcessObject | None:
            found = self.cloud.objects.get(key)
            if found is None:
                return None
            return ProcessObject(found.body, found.metadata, len(found.body), found.etag)

        return self.cloud.call(f"s3 get {key}", effect, process_errors.StorageError)

    def get_many(self, keys: Sequence[str]) -> list[ProcessObject | None]:
        """Read objects."""
        return [self.get(key) for key in keys]

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write an object."""
        effect = lambda: self.cloud.put(key, body)  # noqa: E731
        self.cloud.call(f"s3 put {key}", effect, process_errors.StorageError, changes=True)

    def put_new(self, key: str, body: bytes, content_type: str) -> bool:
        """Write an object unless there is one."""
        return self.replace(key, body, content_type, None)

    def replace(self, key: str, body: bytes, content_type: str, etag: str | None) -> bool:
        """Write an object over a version; a repeated call knows its own write."""
        written: list[bool] = []

        def effect() -> bool:
            found = self.cloud.objects.get(key)
            if (found.etag if found else None) != etag:
                return bool(written)
            self.cloud.put(key, body)
            written.append(True)
            return True

        storage = process_errors.StorageError
        return self.cloud.call(f"s3 put-if {key}", effect, storage, changes=True)

    def list_etags(self, prefix: str, after: str = "", last: str | None = None) -> dict[str, str]:
        """List ETags."""

        def effect() -> dict[str, str]:
            return {
                key: self.cloud.objects[key].etag
                for key in self.cloud.keys(prefix)
                if (not after or key > prefix + after) and (last is None or key <= prefix + last)
            }

        return self.cloud.call(f"s3 list {prefix}", effect, process_errors.StorageError)


@dataclass
class ProcessTables:
    """The processed tables; a file holds its rows' keys and titles as JSON."""

    cloud: Cloud

    def write(self, table: Table, key: str, rows: pa.Table) -> None:
        """Write rows."""
        if table.name == "works":
            rows = rows.select(list(WORKS_COLUMNS))
        body = json.dumps(rows.to_pylist(), default=str).encode()
        effect = lambda: self.cloud.put(key, body)  # noqa: E731
        self.cloud.call(f"s3 put {key}", effect, process_errors.StorageError, changes=True)

    def register(self, table: Table, ingest_date: str) -> None:
        """Register a day that is not there; a warm container knows most of them."""
        day = table.name, ingest_date
        if day not in self.cloud.partitions or self.cloud.chance.random() < 0.1:
            place = f"{LAKE}{day_prefix(table.location, ingest_date)}"
            effect = lambda: self.cloud.partitions.setdefault(day, place)  # noqa: E731
            what = f"glue register {table.name}"
            self.cloud.call(what, effect, process_errors.CatalogueError, changes=True)


class DefectiveOutputs(Outputs):
    """What a version of process writes that rejects the first work of each page."""

    def save(self, page: RawKey, digest: str, made: PageOutput) -> None:
        """Write a page's outputs."""
        if made.works is None:
            return super().save(page, digest, made)
        rejected = QuarantineRecord(
            reason_code="record.defect",
            reason_message="",
            payload="{}",
            contract_version="1",
            run_id=page.run_id,
            raw_key=page.key,
        )
        works = made.works.slice(1) if made.works.num_rows > 1 else None
        return super().save(
            page, digest, replace(made, works=works, rejected=[rejected, *made.rejected])
        )


@dataclass
class ProcessQueue:
    """The queue, as process sees it."""

    cloud: Cloud

    def deliver_again(self, receipt_handle: str, seconds: int) -> None:
        """Change a message's visibility; it may fail, and is never raised."""
        message = self.cloud.queue.get(receipt_handle)
        if message and (self.cloud.calm or self.cloud.chance.random() > 0.1):
            message.visible_at = self.cloud.engine.seconds + seconds


@dataclass
class EtlFiles:
    """The bucket as the job sees it."""

    cloud: Cloud

    def read(self, uri: str) -> bytes | None:
        """Read a file."""
        found = self.read_versioned(uri)
        return found.body if found else None

    def write(self, uri: str, body: bytes) -> None:
        """Write a file."""
        effect = lambda: self.cloud.put(_key(uri), body)  # noqa: E731
        self.cloud.call(f"s3 put {_key(uri)}", effect, etl_errors.StorageError, changes=True)

    def read_versioned(self, uri: str) -> Versioned | None:
        """Read a file with its version."""

        def effect() -> Versioned | None:
            found = self.cloud.objects.get(_key(uri))
            return Versioned(found.body, found.etag) if found else None

        return self.cloud.call(f"s3 get {_key(uri)}", effect, etl_errors.StorageError)

    def write_if(self, uri: str, body: bytes, version: str | None) -> str | None:
        """Write a file on condition; a repeated call knows its own write."""

        def effect() -> str | None:
            found = self.cloud.objects.get(_key(uri))
            if (found.etag if found else None) != version:
                return found.etag if found and found.body == body else None
            return self.cloud.put(_key(uri), body)

        storage = etl_errors.StorageError
        return self.cloud.call(f"s3 put-if {_key(uri)}", effect, storage, changes=True)

    def etag(self, file: FileInfo) -> str:
        """Return the ETag that the listing told."""
        return file.etag or ""

    def find(self, prefix: str) -> list[FileInfo]:
        """List files."""

        def effect() -> list[FileInfo]:
            found = ((key, self.cloud.objects[key]) for key in self.cloud.keys(_key(prefix)))
            return [FileInfo(f"{LAKE}{key}", len(one.body), one.etag) for key, one in found]

        return self.cloud.call(f"s3 list {_key(prefix)}", effect, etl_errors.StorageError)

    def folders(self, folder: str) -> list[str]:
        """List folders."""
        prefix = _key(folder)
        rest = [file.uri.removeprefix(folder) for file in self.find(f"{LAKE}{prefix}")]
        return sorted({path.partition("/")[0] for path in rest if "/" in path})

    def delete_unchanged(self, files: Sequence[FileInfo]) -> None:
        """Delete files that are as they were, one after the other."""
        for file in files:

            def effect(file: FileInfo = file) -> None:
                found = self.cloud.objects.get(_key(file.uri))
                if found and found.etag == file.etag:
                    self.cloud.delete(_key(file.uri))

            what = f"s3 delete-if {_key(file.uri)}"
            self.cloud.call(what, effect, etl_errors.StorageError, changes=True)

    def delete(self, uri: str) -> None:
        """Delete a file, or the files of a folder one after the other."""
        key = _key(uri)
        for found in self.cloud.keys(key) if uri.endswith("/") else [key]:
            effect = lambda found=found: self.cloud.delete(found)  # noqa: E731
            self.cloud.call(f"s3 delete {found}", effect, etl_errors.StorageError, changes=True)


@dataclass
class EtlCatalogue:
    """The catalogue as the job sees it."""

    cloud: Cloud

    def switch(self, table: CuratedTable, location: str, token: int) -> None:
        """Send readers of a table elsewhere, unless a later lease did."""

        def effect() -> None:
            if self.cloud.locations.get(table.name, ("", 0))[1] > token:
                raise etl_errors.LeaseLostError(table.name)
            self.cloud.locations[table.name] = (location, token)

        what = f"glue switch {table.name}"
        self.cloud.call(what, effect, etl_errors.CatalogueError, changes=True)

    def locations(self) -> Mapping[str, str]:
        """Return where readers are sent."""
        effect = lambda: {name: one[0] for name, one in self.cloud.locations.items()}  # noqa: E731
        return self.cloud.call("glue tables", effect, etl_errors.CatalogueError)


@dataclass
class EtlPartitions:
    """The days of the processed tables as the job sees them."""

    cloud: Cloud

    def locations(self, table: Table) -> Mapping[str, str]:
        """Return where readers are sent."""

        def effect() -> dict[str, str]:
            found = self.cloud.partitions.items()
            return {day: uri for (name, day), uri in found if name == table.name}

        return self.cloud.call("glue partitions", effect, etl_errors.CatalogueError)

    def switch(self, table: Table, day: str, location: str, token: int) -> None:
        """Send readers of a day elsewhere."""

        def effect() -> None:
            self.cloud.partitions[table.name, day] = location

        what = f"glue switch {table.name} {day}"
        self.cloud.call(what, effect, etl_errors.CatalogueError, changes=True)


@dataclass
class JsonRows:
    """Rows as the processed tables have them here; see ``glue_etl.compaction``."""

    def read(self, table: str, body: bytes) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Return rows by page."""
        for raw_key, rows in itertools.groupby(json.loads(body), lambda row: row["raw_key"]):
            yield path_of_page(table, raw_key), list(rows)

    def write(self, table: str, rows: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
        """Return two files with the rows."""
        found = [row for some in rows for row in some]
        for half in (found[: len(found) // 2], found[len(found) // 2 :]):
            if half:
                yield json.dumps(half).encode()

    def count(self, table: str, body: bytes) -> Counter[str]:
        """Return the number of rows by page."""
        return Counter(path_of_page(table, row["raw_key"]) for row in json.loads(body))


def _key(uri: str) -> str:
    return uri.removeprefix(LAKE)
