"""The days of the processed tables: the files that process wrote, and what is compacted of them.

A page's rows are those of its file where that is another one than was compacted, and else the
compacted ones. So a page that is replayed after it was compacted counts at once, and nobody has to
tell process what is compacted.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from glue_etl.errors import DayDamagedError
from glue_etl.ledgers import parse_ledger
from glue_etl.ports import FileInfo, Files
from schemas.keys import (
    COMPACTED_DAYS_PREFIX,
    COMPACTED_PREFIX,
    PROCESSED_PREFIX,
    below,
    compacted_day_key,
    compacted_pages_key,
    compacted_prefix,
    day_prefix,
    parse_compacted_day_name,
    parse_page_path,
    run_of_processed_file,
    split_day,
)
from schemas.ledger.compacted import (
    PAGED,
    CompactedDay,
    CompactedPage,
    CompactedPages,
    page_fingerprints,
)

#: Reads that are under way together.
AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class TableInput:
    """Where a processed table's rows of some runs lie, besides rows of others.

    Attributes
    ----------
    pages
        URIs of files that process wrote, or of folders of them.
    compacted
        URIs of folders of compacted files.
    superseded
        Raw keys of pages whose compacted rows do not count.
    bytes
        Size of all.
    """

    pages: tuple[str, ...] = ()
    compacted: tuple[str, ...] = ()
    superseded: tuple[str, ...] = ()
    bytes: int = 0

    def plus(self, other: TableInput) -> TableInput:
        """Return both."""
        return TableInput(
            self.pages + other.pages,
            self.compacted + other.compacted,
            self.superseded + other.superseded,
            self.bytes + other.bytes,
        )


@dataclass(eq=False)
class Day:
    """A day of the processed tables.

    Attributes
    ----------
    stored
        The files that process wrote and that are there, by path below the processed prefix.
    listed
        Files of whatever kind in the day's folders, by table.
    record
        What is compacted; ``None`` also when those files have expired.
    version
        Of the record's file; ``None`` when nothing is compacted.
    generations
        Folders of compacted files, whole or not, by table.
    """

    day: str
    read_pages: Callable[[CompactedDay], Mapping[str, CompactedPage]]
    stored: dict[str, FileInfo] = field(default_factory=dict)
    listed: Counter[str] = field(default_factory=Counter)
    record: CompactedDay | None = None
    version: str | None = None
    generations: dict[str, dict[str, dict[str, int]]] = field(
        default_factory=lambda: {table: {} for table in PAGED}
    )

    @cached_property
    def compacted(self) -> Mapping[str, CompactedPage]:
        """The pages of the compacted files, by path."""
        return self.read_pages(self.record) if self.record else {}

    @cached_property
    def fingerprints(self) -> Mapping[str, str]:
        """The fingerprint of each run's pages."""
        if self.record and not self.stored:
            return self.record.runs
        etags = {path: file.etag or "" for path, file in self.stored.items()}
        return page_fingerprints(etags, self.compacted)

    @cached_property
    def fresh(self) -> list[str]:
        """Paths of the stored files that are not compacted as they are, in order."""
        return [path for path in sorted(self.stored) if not self._is_compacted(path)]

    @cached_property
    def fresh_paths(self) -> frozenset[str]:
        """The same, to be looked up."""
        return frozenset(self.fresh)

    @property
    def replaced(self) -> list[FileInfo]:
        """The stored files whose rows are compacted."""
        return [file for path, file in self.stored.items() if self._is_compacted(path)]

    @property
    def damage(self) -> str:
        """What is wrong with the compacted files; empty when they are those of the record."""
        for name, table in self.record.tables.items() if self.record else ():
            found = self._files_of(name)
            if found != table.files:
                return f"{name} has the files {found}, not {dict(table.files)}"
        return ""

    def check_files(self) -> None:
        """Make sure that the compacted files are there.

        Raises
        ------
        DayDamagedError
            When they are not as they were written.
        """
        if self.damage and self.record:
            raise DayDamagedError(
                f"the compacted files of {self.day}, generation {self.record.generation}, are not"
                f" as they were written ({self.damage}): restore their versions",
                day=self.day,
            )

    def table_input(self, name: str, runs: frozenset[str], roots: Roots) -> TableInput:
        """Return where a table's rows of some runs lie."""
        paths = [path for path in self.fresh if path.startswith(f"{name}/") and _run(path) in runs]
        files = [self.stored[path] for path in paths]
        # Thousands of names take Spark as many seconds as it needs milliseconds for their folder.
        whole = len(paths) == self.listed[name]
        folder = roots.processed + below(
            PROCESSED_PREFIX, day_prefix(PAGED[name].location, self.day)
        )
        pages = (folder,) if paths and whole else tuple(file.uri for file in files)
        found = TableInput(pages, bytes=sum(file.size for file in files))
        table = self.record.tables.get(name) if self.record else None
        if not (self.record and table and table.files and runs & self.record.runs.keys()):
            return found
        self.check_files()
        again = (parse_page_path(path) for path in paths if path in self.compacted)
        return replace(
            found.plus(TableInput(bytes=sum(table.files.values()))),
            compacted=(roots.folder(name, self.day, self.record.generation),),
            superseded=tuple(page.key for page in again if page),
        )

    def drop_expired(self) -> None:
        """Take no notice of a record of whose files none is left."""
        record = self.record
        named = [name for name, table in record.tables.items() if table.files] if record else []
        if named and not any(self._files_of(name) for name in named):
            self.record = None

    def _files_of(self, table: str) -> dict[str, int]:
        return self.generations[table].get(self.record.generation, {}) if self.record else {}

    def _is_compacted(self, path: str) -> bool:
        page = self.compacted.get(path)
        return page is not None and page.etag == self.stored[path].etag


@dataclass(frozen=True, slots=True)
class Roots:
    """URIs of the processed tables and of the compacted ones."""

    processed: str
    compacted: str

    def folder(self, table: str, day: str, generation: str) -> str:
        """Return the URI of a day's compacted files."""
        return self.at(compacted_prefix(table, day, generation))

    def at(self, key: str) -> str:
        """Return the URI of a key of the compacted tables."""
        return self.compacted + below(COMPACTED_PREFIX, key)


def read_days(files: Files, roots: Roots) -> dict[str, Day]:
    """Return the days of the processed tables, in order, as storage has them now.

    Every table is listed once, because a listing for each day or run would take minutes.
    """
    days: dict[str, Day] = {}

    def day_of(name: str) -> Day:
        return days.setdefault(name, Day(name, lambda record: _read_pages(files, roots, record)))

    for day, record, version in _read_records(files, roots):
        found = day_of(day)
        found.record, found.version = record, version
    for table in PAGED:
        for file in files.find(f"{roots.compacted}{table}/"):
            day, rest = split_day(file.uri.removeprefix(f"{roots.compacted}{table}/"))
            generation, _, name = rest.partition("/")
            day_of(day).generations[table].setdefault(generation, {})[name] = file.size
        for file in files.find(f"{roots.processed}{table}/"):
            path = file.uri.removeprefix(roots.processed)
            day, name = split_day(path.removeprefix(f"{table}/"))
            if not name.startswith(("_", ".")):
                day_of(day).listed[table] += 1
            if _run(path):
                day_of(day).stored[path] = replace(file, etag=files.etag(file))
    for found in days.values():
        found.drop_expired()
    return dict(sorted(days.items()))


def input_of(days: Iterable[Day], runs: Iterable[str], roots: Roots) -> dict[str, TableInput]:
    """Return where the rows of some runs lie, by table."""
    wanted = frozenset(runs)
    found = dict.fromkeys(PAGED, TableInput())
    for day in days:
        for table in PAGED:
            found[table] = found[table].plus(day.table_input(table, wanted, roots))
    return found


def _run(path: str) -> str | None:
    return run_of_processed_file(path.partition("/")[2])


def _read_records(files: Files, roots: Roots) -> list[tuple[str, CompactedDay, str]]:
    names = (file.uri.rpartition("/")[2] for file in files.find(roots.at(COMPACTED_DAYS_PREFIX)))
    days = [day for day in map(parse_compacted_day_name, names) if day]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        uris = [roots.at(compacted_day_key(day)) for day in days]
        found = pool.map(files.read_versioned, uris)
        return [
            (day, parse_ledger(CompactedDay, uri, one.body), one.version)
            for day, uri, one in zip(days, uris, found, strict=True)
            if one
        ]


def _read_pages(files: Files, roots: Roots, record: CompactedDay) -> Mapping[str, CompactedPage]:
    body = files.read(roots.at(compacted_pages_key(record.day, record.generation)))
    if body is None:
        raise DayDamagedError(
            f"the list of the pages of {record.day}, generation {record.generation}, is missing:"
            " restore its version",
            day=record.day,
        )
    try:
        return CompactedPages.of_bytes(body)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DayDamagedError(
            f"the list of the pages of {record.day}, generation {record.generation}, cannot be read"
            f" ({error}): restore its version",
            day=record.day,
        ) from error
