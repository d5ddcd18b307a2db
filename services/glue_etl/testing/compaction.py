"""A lake in memory of pages, with what readers of the catalogue and a build see of them."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.builds.lease import Lease
from glue_etl.compaction.compactor import Compaction, Compactor, Limits
from glue_etl.compaction.days import Roots, input_of, read_days
from glue_etl.compaction.parquet import ParquetRows
from glue_etl.testing.lake import Lake
from glue_etl.testing.memory import HOUR, LEASE_URI, RUNS_URI, Clock, MemoryFiles
from schemas.derive.arrow import arrow_schema
from schemas.fingerprints import run_fingerprints
from schemas.keys import RawKey, curated_ledger_key, page_path, processed_ledger_key
from schemas.ledger.compacted import PAGED
from schemas.ledger.curated_build import CuratedLedger
from schemas.tables import Table
from schemas.testing.ledgers import processed_ledger

LAKE: Final = "s3://lake/"
ROOTS: Final = Roots(f"{LAKE}processed_data/", f"{LAKE}compacted_data/")

#: Rows by page: each as its raw key and its title.
Seen = Counter[tuple[str, str]]


@dataclass
class MemoryPartitions:
    """A catalogue of partitions in memory; a switch counts as a change."""

    files: MemoryFiles
    found: dict[str, dict[str, str]] = field(default_factory=lambda: {name: {} for name in PAGED})

    def locations(self, table: Table) -> Mapping[str, str]:
        return dict(self.found[table.name])

    def switch(self, table: Table, day: str, location: str, token: int) -> None:
        self.files.change()
        self.found[table.name][day] = location


@dataclass
class FixedPartitions:
    """A catalogue that has some days of each table."""

    days: Sequence[str]

    def __post_init__(self) -> None:
        self.found = {name: dict.fromkeys(self.days, "pages") for name in PAGED}

    def locations(self, table: Table) -> Mapping[str, str]:
        return dict(self.found[table.name])

    def switch(self, table: Table, day: str, location: str, token: int) -> None:
        self.found[table.name][day] = location


def compact_all(lake: Lake) -> None:
    """Compact all days of a lake in a folder, as if it were long ago, and remove the page files.

    Its runs must be in the curated tables as they are.
    """
    files, roots = LocalFiles(), Roots(lake.processed, lake.compacted)
    partitions = FixedPartitions(list(read_days(files, roots)))
    limits = Limits(0, 10**6, timedelta())
    for hours in (1, 3):
        time = datetime.now(UTC) + timedelta(days=30, hours=hours)
        lease = Lease(files, f"{lake.curated}_lease.json", partial(_fixed, time))
        Compactor(files, roots, lake.runs, partitions, lease, ParquetRows(), limits).run()


def curate_all(lake: Lake) -> None:
    """Note of all runs of a lake in a folder that the curated tables have them as they are."""
    files = LocalFiles()
    for day in read_days(files, Roots(lake.processed, lake.compacted)).values():
        for run, found in day.fingerprints.items():
            files.write(f"file://{lake.root}/{curated_ledger_key(run)}", _curated(run, found))


@dataclass
class PagedLake:
    """Pages as process writes them, and a compactor.

    Attributes
    ----------
    pages
        Titles by page: what each says now.
    versions
        All that each page has ever said.
    etags
        Of the newest file of each page, by path.
    """

    files: MemoryFiles = field(default_factory=MemoryFiles)
    clock: Clock = field(default_factory=lambda: Clock(datetime.fromisoformat("2026-11-30T07Z")))
    pages: dict[RawKey, tuple[str, ...]] = field(default_factory=dict)
    versions: dict[RawKey, set[tuple[str, ...]]] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=lambda: Limits(3, 10, HOUR))

    def __post_init__(self) -> None:
        self.partitions = MemoryPartitions(self.files)

    def put(self, page: RawKey, titles: Sequence[str]) -> None:
        """Write a page's files and its run's ledger, as process does."""
        self.pages[page] = tuple(titles)
        self.versions.setdefault(page, set()).add(tuple(titles))
        for name, table in PAGED.items():
            path = page_path(name, page.key)
            body = page_file(table, page, titles)
            self.files.files[ROOTS.processed + path] = body
            day = f"ingest_date={page.ingest_date}/"
            location = f"{LAKE}{table.location}{day}"
            self.partitions.found[name].setdefault(str(page.ingest_date), location)
            version = self.files.read_versioned(ROOTS.processed + path)
            self.etags[path] = version.version if version else ""
        self.finish(page.run_id)

    def finish(self, run: str) -> None:
        """Write the ledger of a run."""
        subjects: Counter[str] = Counter()
        for page, titles in self.pages.items():
            if page.run_id == run:
                subjects[page.subject] += len(titles)
        body = processed_ledger(run, subjects.total(), subjects=subjects).model_dump_json()
        self.files.files[LAKE + processed_ledger_key(run)] = body.encode()

    def curate(self) -> None:
        """Note of all runs that the curated tables have them as they are."""
        for run, found in run_fingerprints(self.etags.items()).items():
            self.files.files[LAKE + curated_ledger_key(run)] = _curated(run, found)

    def compactor(self) -> Compactor:
        """Return a compactor of a process of its own."""
        lease = Lease(self.files, LEASE_URI, self.clock, self.clock.sleep)
        rows = ParquetRows(group_rows=3, file_bytes=1500)
        return Compactor(self.files, ROOTS, RUNS_URI, self.partitions, lease, rows, self.limits)

    def compact(self) -> Compaction:
        """Do what a job does."""
        return self.compactor().run()

    def settle(self) -> None:
        """Compact all there is, and let the graces pass."""
        for _ in range(4):
            self.clock.time += timedelta(days=4)
            self.compact()

    def seen(self, table: str) -> Seen:
        """Return the rows that a reader of the catalogue finds."""
        locations = self.partitions.found[table].values()
        return self._rows(uri for place in locations for uri in self._below(place))

    def built_from(self, table: str) -> Seen:
        """Return the rows that a build of all runs reads."""
        days = read_days(self.files, ROOTS).values()
        runs = {page.run_id for page in self.pages}
        found = input_of(days, runs, ROOTS)[table]
        rows = self._rows(uri for place in found.pages for uri in self._below(place))
        compacted = self._rows(uri for place in found.compacted for uri in self._below(place))
        old = set(found.superseded)
        return rows + Counter({row: n for row, n in compacted.items() if row[0] not in old})

    def said(self) -> Seen:
        """Return the rows that the pages have."""
        return Counter((page.key, title) for page, titles in self.pages.items() for title in titles)

    def page_files(self) -> list[str]:
        """Return the URIs of the files that process wrote and that are there."""
        return self._below(ROOTS.processed)

    def _below(self, place: str) -> list[str]:
        return [uri for uri in self.files.files if uri.startswith(place)]

    def _rows(self, uris: object) -> Seen:
        found: Seen = Counter()
        for uri in uris:  # type: ignore[attr-defined]
            rows = pq.read_table(io.BytesIO(self.files.files[uri]))
            name = "title" if "title" in rows.column_names else "name"
            found.update(zip(rows["raw_key"].to_pylist(), rows[name].to_pylist(), strict=True))
        return found


def page_file(table: Table, page: RawKey, titles: Sequence[str]) -> bytes:
    """Return a page's file in a table; each title is a row."""
    rows = [
        {"raw_key": page.key, "run_id": page.run_id, "title": title, "name": title, "position": at}
        for at, title in enumerate(titles)
    ]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(table.columns)), sink)
    return sink.getvalue()


def _curated(run: str, fingerprint: str) -> bytes:
    time = datetime(2026, 11, 23, tzinfo=UTC)
    ledger = CuratedLedger(
        run_id=run,
        fingerprint=fingerprint,
        build="b",
        published_at=time,
        contract_version="1",
        tables={},
    )
    return ledger.model_dump_json().encode()


def _fixed(time: datetime) -> datetime:
    return time
