"""Writes a day's rows anew: those of its pages' files, and those that are compacted already.

Files of pages are taken in the order of their names, in which compacted rows lie, too; both are
merged as they stream by. What is written is compared with what was read, and with the ledgers.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final, Protocol

from glue_etl.builds.lease import Lease
from glue_etl.compaction.days import AT_ONCE, Day, Roots
from glue_etl.errors import DayDamagedError, DayUnfitError, LedgerUnreadableError
from glue_etl.ledgers import parse_ledger
from glue_etl.ports import FileInfo, Files
from schemas.keys import RUNS_PREFIX, below, parse_page_path, processed_ledger_key
from schemas.ledger.compacted import PAGED, CompactedPage, CompactedTable
from schemas.ledger.run import ProcessedLedger
from schemas.tables import WORKS

#: Files of pages that are in memory.
_PAGES_AT_ONCE: Final = 64


class Rows(Protocol):
    """How rows are kept in files; ``Any`` is some rows of a page."""

    def read(self, table: str, body: bytes) -> Iterator[tuple[str, Any]]:
        """Return a file's rows by page (its path), in order; a page may come in pieces."""

    def write(self, table: str, rows: Iterable[Any]) -> Iterator[bytes]:
        """Return files with the rows, in their order."""

    def count(self, table: str, body: bytes) -> Counter[str]:
        """Return the number of rows of each page of a file."""


@dataclass(frozen=True, slots=True)
class Rewriter:
    """Writes days; see ``Compactor`` for the attributes."""

    files: Files
    roots: Roots
    runs: str
    lease: Lease
    rows: Rows

    def rewrite(
        self, day: Day, generation: str
    ) -> tuple[dict[str, CompactedTable], dict[str, CompactedPage]]:
        """Write all rows of a day into the folders of a generation.

        Returns
        -------
        tuple
            What was written, by table, and the pages whose rows it is, by path.

        Raises
        ------
        DayUnfitError
            When the rows are not those that the ledgers say, or change meanwhile.
        DayDamagedError
            When compacted files are not as they were written.
        """
        counts: Counter[str] = Counter()
        tables = {table: self._write(day, table, generation, counts) for table in PAGED}
        self._check_kept(day, counts)
        self._check_sums(day, counts)
        etags = {path: page.etag for path, page in day.compacted.items()}
        etags |= {path: file.etag or "" for path, file in day.stored.items()}
        pages = {
            path: CompactedPage(etag=etag, rows=counts[path])
            for path, etag in sorted(etags.items())
        }
        return tables, pages

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
        with ThreadPoolExecutor(AT_ONCE) as pool:
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

    def _check_kept(self, day: Day, counts: Mapping[str, int]) -> None:
        for path, page in day.compacted.items():
            if path not in day.fresh_paths and counts[path] != page.rows:
                raise DayDamagedError(
                    f"{path} has {counts[path]} compacted rows, not {page.rows}: restore the former"
                    f" versions of the compacted files of {day.day}",
                    day=day.day,
                )

    def _check_sums(self, day: Day, counts: Mapping[str, int]) -> None:
        """Make sure that the rows of works are those that the ledgers of the runs add up."""
        sums: dict[str, Counter[str]] = {run: Counter() for run in day.fingerprints}
        for path, rows in counts.items():
            page = parse_page_path(path)
            if page and path.startswith(f"{WORKS.name}/"):
                sums[page.run_id][page.subject] += rows
        for run, found in sums.items():
            told = self._told(run)
            for subject in sorted(found | told):
                if found[subject] != told[subject]:
                    raise DayUnfitError(
                        f"run {run} has {found[subject]} rows of {subject}, and its ledger says"
                        f" {told[subject]}: './lake check {run}' says more"
                    )

    def _told(self, run: str) -> Counter[str]:
        """Return the rows of works by subject as a run's ledger has them."""
        uri = f"{self.runs}{below(RUNS_PREFIX, processed_ledger_key(run))}"
        body = self.files.read(uri)
        if body is None:
            raise DayUnfitError(f"run {run} has no processed.json any more: restore its version")
        try:
            ledger = parse_ledger(ProcessedLedger, uri, body)
        except LedgerUnreadableError as error:
            raise DayUnfitError(str(error)) from error
        return Counter({name: one.rows for name, one in ledger.subjects.items()})
