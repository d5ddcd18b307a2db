"""The steps of compaction: write anew, put on record, send readers there, remove what is replaced.

All of it is done under the lease, and each step follows from what storage and catalogue hold, so
that the next job goes on wherever one died:

1. A settled day's rows are written into a folder of their own, which no reader knows.
2. The day's record, written on condition that nobody else wrote it, names that folder: builds read
   it from now on. Readers are still where they were, and nothing there has changed.
3. The day's partitions are switched to the folder that the record names.
4. When readers have been there for a grace, the files that process wrote are deleted, each on
   condition that it is still the one whose rows were taken; so are older folders.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final, Protocol

from glue_etl.builds.lease import Lease
from glue_etl.compaction.days import Day, Roots, read_days
from glue_etl.errors import DayDamagedError, DayUnfitError, LeaseLostError
from glue_etl.ports import FileInfo, Files, Partitions
from schemas.keys import (
    RUNS_PREFIX,
    below,
    compacted_day_key,
    compacted_pages_key,
    curated_ledger_key,
    parse_page_path,
    parse_run_folder,
    parse_run_id,
    processed_ledger_key,
)
from schemas.ledger.compacted import (
    PAGED,
    CompactedDay,
    CompactedPage,
    CompactedPages,
    CompactedTable,
)
from schemas.ledger.curated_build import CuratedLedger
from schemas.ledger.run import ProcessedLedger
from schemas.tables import WORKS

_AT_ONCE: Final = 16
_PAGES_AT_ONCE: Final = 64
_DELETED_AT_ONCE: Final = 1000
#: A request to delete may be under way for so long after its sender has lost the lease.
_LONGEST_REQUEST: Final = timedelta(hours=1)


class Rows(Protocol):
    """How rows are kept in files; ``Any`` is some rows of a page."""

    def read(self, table: str, body: bytes) -> Iterator[tuple[str, Any]]:
        """Return a file's rows by page (its path), in order; a page may come in pieces."""

    def write(self, table: str, rows: Iterable[Any]) -> Iterator[bytes]:
        """Return files with the rows, in their order."""

    def count(self, table: str, body: bytes) -> Counter[str]:
        """Return the number of rows of each page of a file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is compacted.

    Attributes
    ----------
    after_days
        Days after which a day is compacted.
    days
        Days that a job compacts at most.
    grace
        For how long queries may read what readers were sent away from.
    """

    after_days: int
    days: int
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a job compacted: days; days that it could not, with the reason; and files it removed."""

    days: list[str] = field(default_factory=list)
    unfit: dict[str, str] = field(default_factory=dict)
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Compactor:
    """The processed tables of a lake, and what compacts them.

    Attributes
    ----------
    runs
        URI of the run ledger.
    """

    files: Files
    roots: Roots
    runs: str
    partitions: Partitions
    lease: Lease
    rows: Rows
    limits: Limits

    def run(self) -> Compaction:
        """Compact what is due, and go on with what was begun; take the lease only for that."""
        days = list(read_days(self.files, self.roots).values())
        if any(map(self._is_unfinished, days)) or any(map(self._is_due, days)):
            return self.work()
        return Compaction()

    def work(self) -> Compaction:
        """Compact what is due, send readers to what is compacted, remove what it replaces.

        Raises
        ------
        DayDamagedError
            When compacted files are not as they were written; nothing that they replace is removed.
        EtlError
            As the parts say.
        """
        with self.lease.held("compact processed files"):
            done = self._compact_due()
            self._switch()
            return Compaction(done.days, done.unfit, self._remove())

    def _compact_due(self) -> Compaction:
        done = Compaction()
        for day in read_days(self.files, self.roots).values():
            if len(done.days) < self.limits.days and self._is_due(day):
                try:
                    self._compact(day)
                    done.days.append(day.day)
                except DayUnfitError as error:
                    done.unfit[day.day] = str(error)
                    self._delete_generation(day.day, str(self.lease.require()))
        return done

    def _is_due(self, day: Day) -> bool:
        newest = self._now().date() - timedelta(days=self.limits.after_days)
        if not day.fresh or day.day > str(newest):
            return False
        removing = day.record.removing_at if day.record else None
        if removing and removing > self._now() - max(self.limits.grace, _LONGEST_REQUEST):
            # A file that is written anew could be taken for the one to be deleted.
            return False
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return all(pool.map(lambda run: self._is_settled(day, run), self._runs_of(day)))

    def _runs_of(self, day: Day) -> list[str]:
        folders = map(parse_run_folder, self.files.folders(self.runs))
        begun = {run for run in folders if run and str(parse_run_id(run).date()) == day.day}
        return sorted(begun | day.fingerprints.keys())

    def _is_settled(self, day: Day, run: str) -> bool:
        """Return whether process is done with a run, and the curated tables have it as it is."""
        if self.files.read(self._ledger(processed_ledger_key(run))) is None:
            return False
        if run not in day.fingerprints:
            return True
        body = self.files.read(self._ledger(curated_ledger_key(run)))
        curated = CuratedLedger.model_validate_json(body) if body else None
        return curated is not None and curated.fingerprint == day.fingerprints[run]

    def _compact(self, day: Day) -> None:
        day.check_files()
        generation = str(self.lease.require())
        counts: Counter[str] = Counter()
        tables = {table: self._write(day, table, generation, counts) for table in PAGED}
        etags = {path: page.etag for path, page in day.compacted.items()}
        etags |= {path: file.etag or "" for path, file in day.stored.items()}
        self._check_sums(day, counts)
        pages = {
            path: CompactedPage(etag=etag, rows=counts[path])
            for path, etag in sorted(etags.items())
        }
        body = CompactedPages(pages).to_bytes()
        self.files.write(self.roots.at(compacted_pages_key(day.day, generation)), body)
        record = CompactedDay(
            day=day.day,
            generation=generation,
            tables=tables,
            runs=dict(day.fingerprints),
            compacted_at=self._now(),
            token=0,
        )
        self._put(day, record)

    def _write(self, day: Day, table: str, generation: str, counts: Counter[str]) -> CompactedTable:
        """Write a table's rows of a day in the order of their pages, and add up each page's."""
        folder = self.roots.folder(table, day.day, generation)
        taken: Counter[str] = Counter()
        written: Counter[str] = Counter()

        def counted() -> Iterator[Any]:
            parts = (self._kept(day, table), self._fresh(day, table))
            for path, rows in heapq.merge(*parts, key=lambda part: part[0]):
                taken[path] += len(rows)
                yield rows

        files: dict[str, int] = {}
        for number, body in enumerate(self.rows.write(table, counted())):
            name = f"part-{number:05d}.parquet"
            self.lease.require()
            self.files.write(f"{folder}{name}", body)
            files[name] = len(body)
            written += self.rows.count(table, body)
        expected = {path: page.rows for path, page in day.compacted.items() if page.rows}
        for path, rows in expected.items():
            if path not in day.fresh_paths and path.startswith(f"{table}/") and taken[path] != rows:
                raise DayDamagedError(f"{path} has {taken[path]} compacted rows, not {rows}")
        if written != +taken:
            raise DayUnfitError(f"{table} was not written as it was read: run the job again")
        counts += taken
        return CompactedTable(rows=taken.total(), files=files)

    def _kept(self, day: Day, table: str) -> Iterator[tuple[str, Any]]:
        """Return the compacted rows of pages that have not been written since."""
        if day.record is None or table not in day.record.tables:
            return
        folder = self.roots.folder(table, day.day, day.record.generation)
        for name in day.record.tables[table].files:
            body = self.files.read(f"{folder}{name}")
            if body is None:
                raise DayDamagedError(f"{folder}{name} is missing: restore its version")
            for path, rows in self.rows.read(table, body):
                if path not in day.fresh_paths:
                    yield path, rows

    def _fresh(self, day: Day, table: str) -> Iterator[tuple[str, Any]]:
        """Return the rows of the files that are not compacted as they are."""
        paths = [path for path in day.fresh if path.startswith(f"{table}/")]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for some in batched(paths, _PAGES_AT_ONCE, strict=False):
                bodies = pool.map(self._body, [day.stored[path] for path in some])
                for path, body in zip(some, bodies, strict=True):
                    for found, rows in self.rows.read(table, body):
                        if found != path:
                            raise DayUnfitError(f"{path} has rows of {found}: replay both pages")
                        yield path, rows

    def _body(self, file: FileInfo) -> bytes:
        found = self.files.read_versioned(file.uri)
        if found is None or found.version.strip('"') != file.etag:
            raise DayUnfitError(f"{file.uri} has changed since it was listed: run the job again")
        return found.body

    def _check_sums(self, day: Day, counts: Counter[str]) -> None:
        """Make sure that the rows of works are those that the ledgers of the runs add up."""
        sums: dict[str, Counter[str]] = {run: Counter() for run in day.fingerprints}
        for path, rows in counts.items():
            page = parse_page_path(path)
            if page and path.startswith(f"{WORKS.name}/"):
                sums[page.run_id][page.subject] += rows
        for run, found in sums.items():
            body = self.files.read(self._ledger(processed_ledger_key(run)))
            ledger = ProcessedLedger.model_validate_json(body or b"{}")
            told = Counter({name: one.rows for name, one in ledger.subjects.items()})
            for subject in sorted(found | told):
                if found[subject] != told[subject]:
                    raise DayUnfitError(
                        f"run {run} has {found[subject]} rows of {subject}, and its ledger says"
                        f" {told[subject]}: './lake check {run}' says more"
                    )

    def _switch(self) -> None:
        days = [day for day in read_days(self.files, self.roots).values() if day.record]
        locations = {name: self.partitions.locations(table) for name, table in PAGED.items()}
        for day in days:
            record = day.record
            assert record is not None  # noqa: S101  # the others were left out
            wanted = {name: self.roots.folder(name, day.day, record.generation) for name in PAGED}
            others = [name for name in PAGED if locations[name].get(day.day) != wanted[name]]
            if not others and record.switched_at:
                continue
            day.check_files()
            if record.switched_at:
                # First on record: whoever reads elsewhere now has the whole grace from here on.
                self._put(day, record.model_copy(update={"switched_at": None}))
            for name in others:
                if day.day in locations[name]:
                    token = self.lease.require()
                    self.partitions.switch(PAGED[name], day.day, wanted[name], token)
            if all(day.day in found for found in locations.values()):
                self._put(day, record.model_copy(update={"switched_at": self._now()}))

    def _remove(self) -> int:
        removed = 0
        for day in read_days(self.files, self.roots).values():
            if not self._is_over(day):
                continue
            stale, files = self._stale_generations(day), day.replaced
            if stale or files:
                day.check_files()
                assert day.record is not None  # noqa: S101  # nothing else is over
                self._put(day, day.record.model_copy(update={"removing_at": self._now()}))
            for some in batched(files, _DELETED_AT_ONCE, strict=False):
                self.lease.require()
                self.files.delete_unchanged(some)
            for generation in stale:
                self._delete_generation(day.day, generation)
            removed += len(files)
        return removed

    def _is_unfinished(self, day: Day) -> bool:
        if day.record is None:
            return False
        return day.record.switched_at is None or (
            self._is_over(day) and bool(day.replaced or self._stale_generations(day))
        )

    def _is_over(self, day: Day) -> bool:
        """Return whether nobody reads any more what the compacted files replace."""
        switched = day.record.switched_at if day.record else None
        return switched is not None and switched <= self._now() - self.limits.grace

    def _stale_generations(self, day: Day) -> list[str]:
        """Return the generations of files that no record names, and none will.

        The record was written under a later lease than theirs, so that whoever wrote them and
        overslept is refused when it would put them on record.
        """
        record = day.record
        found = {one for generations in day.generations.values() for one in generations}
        return sorted(
            one
            for one in found
            if record and one != record.generation
            if one.isdigit() and int(one) < record.token
        )

    def _delete_generation(self, day: str, generation: str) -> None:
        # The folders last: it is by them that what is left over is found.
        uris = [self.roots.at(compacted_pages_key(day, generation))]
        uris += [self.roots.folder(table, day, generation) for table in PAGED]
        for uri in uris:
            self.lease.require()
            self.files.delete(uri)

    def _put(self, day: Day, record: CompactedDay) -> None:
        """Write a day's record over the version that was read."""
        record = record.model_copy(update={"token": self.lease.require()})
        uri = self.roots.at(compacted_day_key(day.day))
        body = record.model_dump_json(indent=1).encode()
        version = self.files.write_if(uri, body, day.version)
        if version is None:
            raise LeaseLostError("a later job has compacted meanwhile; this one stops here")
        day.record, day.version = record, version

    def _ledger(self, key: str) -> str:
        return f"{self.runs}{below(RUNS_PREFIX, key)}"

    def _now(self) -> datetime:
        return self.lease.clock()
