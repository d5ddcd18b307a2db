"""Which runs the next build takes, and the files of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import Literal, Self

from glue_etl.compaction.days import Day, Roots, TableInput, input_of, read_days
from glue_etl.errors import NoRunsError, RunExcludedError, RunNotProcessedError
from glue_etl.ledgers import parse_ledger
from glue_etl.ports import FileInfo, Files
from schemas.fingerprints import NO_FILES, combined, run_fingerprints
from schemas.keys import (
    DUMP_WORKS,
    PROCESSED_PREFIX,
    RUNS_PREFIX,
    below,
    dump_rows_prefix,
    parse_run_folder,
    processed_ledger_key,
)
from schemas.ledger.curated_build import BUILD_FORMAT, BuildRecord, ExcludedRun
from schemas.ledger.run import DumpLedger


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next build is made of.

    Attributes
    ----------
    mode
        ``incremental``: the previous build and the new runs; ``full``: all runs.
    previous
        The build that readers have, if any.
    runs
        All runs of the next build, each with the fingerprint of its files.
    new_runs
        Those of them that the previous build does not have, or has otherwise.
    dumps
        The runs that are dumps, each of which may multiply what there is; in an increment, of those
        that the previous build has, the newest alone.
    shrinks
        Whether a run of the previous build was excluded since, so that fewer rows are no sign of a
        fault.
    """

    mode: Literal["full", "incremental"]
    previous: str | None
    runs: Mapping[str, str]
    new_runs: tuple[str, ...]
    dumps: frozenset[str] = frozenset()
    shrinks: bool = False

    @property
    def grows(self) -> bool:
        """Whether a dump is among the new runs, so that growth is no sign of a fault."""
        return not self.dumps.isdisjoint(self.new_runs)

    @property
    def has_known_runs(self) -> bool:
        """Whether the next build also has runs that the previous one has as they are."""
        return len(self.new_runs) < len(self.runs)

    @property
    def newest_dump(self) -> str | None:
        """The newest of the dumps."""
        return max(self.dumps & self.runs.keys(), default=None)

    def with_new(self, runs: Iterable[str]) -> Self:
        """Return the plan with some of its new runs only."""
        chosen = set(runs)
        others = set(self.new_runs) - chosen
        return replace(
            self,
            runs={run: found for run, found in self.runs.items() if run not in others},
            new_runs=tuple(run for run in self.new_runs if run in chosen),
        )

    @property
    def read_runs(self) -> tuple[str, ...]:
        """The runs whose files are read."""
        return self.new_runs if self.mode == "incremental" else tuple(sorted(self.runs))

    def id(self, *decided_by: object) -> str:
        """Return what every attempt at the plan shares: a restarted job finds what was written.

        Parameters
        ----------
        decided_by
            What else decides what is written, and whether it passes: a trial with other bounds is
            no attempt at the same.
        """
        facts = [BUILD_FORMAT, self.mode, self.previous, *sorted(self.runs.items()), *decided_by]
        digest = sha256(repr(facts).encode()).hexdigest()
        return f"{max(self.runs)}-{digest[:10]}"


@dataclass(frozen=True, slots=True)
class ProcessedRuns:
    """What the processed tables hold: the fingerprint of each run's files, and which are dumps."""

    fingerprints: Mapping[str, str]
    dumps: frozenset[str]

    def fingerprint(self, run_id: str) -> str:
        """Return a run's fingerprint, also when it has no file."""
        return self.fingerprints.get(run_id, NO_FILES)


@dataclass(frozen=True)
class RunLedger:
    """The runs, as storage has them.

    Attributes
    ----------
    runs
        URI of the run ledger.
    roots
        Those of the processed tables.
    """

    files: Files
    runs: str
    roots: Roots

    def plan(
        self,
        current: BuildRecord | None,
        requested: Iterable[str] = (),
        *,
        full: bool = False,
        excluded: Mapping[str, ExcludedRun] = MappingProxyType({}),
    ) -> Plan | None:
        """Plan the next build; ``None`` when the current one has all there is.

        Everything is built anew when there is no build to go on from, when its form is an older
        one, when a run of it was replayed or excluded since, and when a new run is a dump or older
        than one: what no longer counts cannot be taken out of tables that keep the newest state,
        nor can what counts again be found there.

        Raises
        ------
        RunNotProcessedError
            When process has not finished a requested run.
        RunExcludedError
            When somebody excluded a requested run.
        NoRunsError
            When no run is processed at all.
        """
        known = dict(current.runs) if current else {}
        folders = set(self._run_ids())
        pending = self._still_processed(folders - known.keys())
        asked = set(requested)
        self._check_requested(asked, known.keys() | pending, excluded)
        out = self._kept_out({run: excluded[run] for run in excluded.keys() - asked}, known)
        old_form = current is not None and current.format != BUILD_FORMAT
        changed = set() if old_form else self._changed(known, folders)
        shrinks = bool(out & known.keys())
        fresh = pending - out
        if current and not (full or old_form or shrinks or changed):
            if not fresh:
                return None
            if current.can_take(fresh, self._processed.dumps):
                return self._increment(current, fresh)
        runs = self._fingerprints(fresh | self._still_processed(known.keys() - out))
        if not runs and out:
            raise NoRunsError(
                f"every processed run below {self.runs} is excluded ({', '.join(sorted(out))}): let"
                " one in (--include), or crawl again"
            )
        if not runs:
            raise NoRunsError(f"no run below {self.runs} is processed: run the crawl first")
        new = sorted(run for run in runs if run not in known or run in changed)
        previous = current.build if current else None
        dumps = self._processed.dumps & runs.keys()
        return Plan("full", previous, runs, tuple(new), dumps, shrinks)

    def _increment(self, current: BuildRecord, fresh: Set[str]) -> Plan:
        """Plan to add runs to what the build has; no run of it changes."""
        runs = current.runs | self._fingerprints(fresh)
        dumps = self._processed.dumps
        if current.dump:
            # Its files need not be there.
            dumps |= {current.dump}
        new = tuple(sorted(fresh))
        return Plan("incremental", current.build, runs, new, dumps & runs.keys())

    def input_of(self, runs: Iterable[str]) -> dict[str, TableInput]:
        """Return where the rows of some runs lie, by table.

        Raises
        ------
        DayDamagedError
            When compacted files that hold some are not as they were written.
        """
        wanted = tuple(runs)
        found = input_of(self._days.values(), wanted, self.roots)
        dumps = [file for run in wanted for file in self._rows_of_dump(run)]
        more = TableInput(tuple(file.uri for file in dumps), bytes=sum(file.size for file in dumps))
        return found | {"works": found["works"].plus(more)}

    def fingerprint(self, run_id: str) -> str:
        """Sum up a run's files: their names and ETags."""
        return self._processed.fingerprint(run_id)

    def unreadable_works(self, dump: str) -> frozenset[str]:
        """Return the works that a dump has and does not tell of."""
        uri = self._ledger_uri(dump)
        body = self.files.read(uri)
        return frozenset(parse_ledger(DumpLedger, uri, body).unreadable_works if body else ())

    @cached_property
    def _days(self) -> dict[str, Day]:
        return read_days(self.files, self.roots)

    @cached_property
    def _processed(self) -> ProcessedRuns:
        root = self.roots.processed
        files = self.files.find(f"{root}{DUMP_WORKS}/")
        dumps = run_fingerprints(
            (file.uri.removeprefix(root), self.files.etag(file)) for file in files
        )
        found = dict(dumps)
        for day in self._days.values():
            for run, pages in day.fingerprints.items():
                found[run] = combined([pages, found[run]]) if run in found else pages
        return ProcessedRuns(found, frozenset(dumps))

    def _fingerprints(self, runs: Set[str]) -> dict[str, str]:
        return {run: self._processed.fingerprint(run) for run in runs}

    def _kept_out(self, notes: Mapping[str, ExcludedRun], known: Mapping[str, str]) -> set[str]:
        return {
            run
            for run, note in notes.items()
            if note.keeps_out(self.fingerprint(run), known.get(run))
        }

    def _changed(self, known: Mapping[str, str], folders: set[str]) -> set[str]:
        # A run without any file has not been replayed: its files have expired.
        found = self._processed.fingerprints
        return {run for run in folders & known.keys() & found.keys() if found[run] != known[run]}

    def _check_requested(
        self, asked: set[str], there: set[str], excluded: Mapping[str, ExcludedRun]
    ) -> None:
        missing = sorted(asked - there)
        if missing:
            raise RunNotProcessedError(
                f"process has not finished {', '.join(missing)}: there is no processed.json",
                runs=missing,
            )
        for run in sorted(asked & excluded.keys()):
            if excluded[run].fingerprint is None:
                raise RunExcludedError(
                    f"run {run} is excluded ({excluded[run].reason}): lift that first"
                    f" (--include {run})",
                    runs=[run],
                )

    def _still_processed(self, runs: Iterable[str]) -> set[str]:
        # In order, so that a simulated history is the same each time.
        return {run for run in sorted(runs) if self._is_processed(run)}

    def _run_ids(self) -> list[str]:
        return [run for run in map(parse_run_folder, self.files.folders(self.runs)) if run]

    def _is_processed(self, run_id: str) -> bool:
        return bool(self.files.find(self._ledger_uri(run_id)))

    def _ledger_uri(self, run_id: str) -> str:
        return self.runs + below(RUNS_PREFIX, processed_ledger_key(run_id))

    def _rows_of_dump(self, run_id: str) -> list[FileInfo]:
        folder = self.roots.processed + below(PROCESSED_PREFIX, dump_rows_prefix(run_id))
        return [file for file in self.files.find(folder) if file.uri.endswith(".parquet")]
