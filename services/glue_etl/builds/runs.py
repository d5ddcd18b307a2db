"""Which runs the next build takes, and the files of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from glue_etl.errors import NoRunsError, RunNotProcessedError
from glue_etl.ports import FileInfo, Files
from schemas.keys import (
    PROCESSED_PREFIX,
    RUNS_PREFIX,
    below,
    dump_rows_prefix,
    parse_run_folder,
    processed_ledger_key,
    processed_run_prefix,
)
from schemas.ledger.curated_build import BUILD_FORMAT, BuildRecord

_PROCESSED: Final = ("works", "subject_snapshots", "subject_facets")


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
    """

    mode: Literal["full", "incremental"]
    previous: str | None
    runs: Mapping[str, str]
    new_runs: tuple[str, ...]

    @property
    def read_runs(self) -> tuple[str, ...]:
        """The runs whose files are read."""
        return self.new_runs if self.mode == "incremental" else tuple(sorted(self.runs))

    @property
    def build(self) -> str:
        """An id for the build, a function of the plan: a restarted job finds what it wrote."""
        facts = [BUILD_FORMAT, self.mode, self.previous, *sorted(self.runs.items())]
        digest = sha256(repr(facts).encode()).hexdigest()
        return f"{max(self.runs)}-{digest[:10]}"


@dataclass(frozen=True, slots=True)
class RunLedger:
    """The runs, as storage has them.

    Attributes
    ----------
    runs, processed
        URIs of the run ledger and of the processed tables.
    """

    files: Files
    runs: str
    processed: str

    def plan(
        self, current: BuildRecord | None, requested: Iterable[str] = (), *, full: bool = False
    ) -> Plan | None:
        """Plan the next build; ``None`` when the current one has all there is.

        Everything is built anew when there is no build to go on from, when its form is an older
        one, or when a requested run has other files than the build has seen: what a run no longer
        says cannot be taken out of tables that keep the newest state.

        Raises
        ------
        RunNotProcessedError
            When process has not finished a requested run.
        NoRunsError
            When no run is processed at all.
        """
        known = dict(current.runs) if current else {}
        asked = set(requested)
        pending = {run for run in self._run_ids() if run not in known and self._is_processed(run)}
        missing = sorted(asked - known.keys() - pending)
        if missing:
            raise RunNotProcessedError(
                f"process has not finished {', '.join(missing)}: there is no processed.json",
                runs=missing,
            )
        changed = {run for run in asked & known.keys() if self.fingerprint(run) != known[run]}
        full = full or current is None or current.format != BUILD_FORMAT or bool(changed)
        if not full and not pending:
            return None
        fresh = pending | (self._still_processed(known) if full else set())
        runs = ({} if full else known) | {run: self.fingerprint(run) for run in fresh}
        if not runs:
            raise NoRunsError(f"no run below {self.runs} is processed: run the crawl first")
        new = tuple(sorted(run for run, found in runs.items() if known.get(run) != found))
        return Plan(
            "full" if full else "incremental", current.build if current else None, runs, new
        )

    def files_of(self, run_id: str) -> dict[str, list[FileInfo]]:
        """List the files of a run by table."""
        found = {
            table: self._find_processed(processed_run_prefix(table, run_id)) for table in _PROCESSED
        }
        found["works"] += self._find_processed(dump_rows_prefix(run_id))
        return {
            table: [file for file in files if file.uri.endswith(".parquet")]
            for table, files in found.items()
        }

    def fingerprint(self, run_id: str) -> str:
        """Sum up a run's files: their names and sizes."""
        facts = [
            f"{file.uri.removeprefix(self.processed)} {file.size}"
            for files in self.files_of(run_id).values()
            for file in sorted(files)
        ]
        return sha256("\n".join(facts).encode()).hexdigest()[:32]

    def _still_processed(self, runs: Iterable[str]) -> set[str]:
        return {run for run in runs if self._is_processed(run)}

    def _run_ids(self) -> list[str]:
        return [run for run in map(parse_run_folder, self.files.folders(self.runs)) if run]

    def _is_processed(self, run_id: str) -> bool:
        ledger = below(RUNS_PREFIX, processed_ledger_key(run_id))
        return bool(self.files.find(f"{self.runs}{ledger}"))

    def _find_processed(self, prefix: str) -> list[FileInfo]:
        return self.files.find(f"{self.processed}{below(PROCESSED_PREFIX, prefix)}")
