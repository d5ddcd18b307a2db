"""Runs that stay out of the curated tables, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glue_etl.ledgers import parse_ledger
from glue_etl.ports import Files
from schemas.keys import (
    CURATED_PREFIX,
    EXCLUDED_RUNS_PREFIX,
    below,
    excluded_run_key,
    parse_excluded_run_name,
)
from schemas.ledger.curated_build import ExcludedRun


@dataclass(frozen=True, slots=True)
class Exclusions:
    """The notes that exclude runs, below the curated tables (``curated`` is their URI)."""

    files: Files
    curated: str

    def read(self) -> Mapping[str, ExcludedRun]:
        """Return all notes by run."""
        found = {}
        for file in self.files.find(self.curated + below(CURATED_PREFIX, EXCLUDED_RUNS_PREFIX)):
            run = parse_excluded_run_name(file.uri.rpartition("/")[2])
            body = self.files.read(file.uri) if run else None
            if run and body:
                found[run] = parse_ledger(ExcludedRun, file.uri, body)
        return found

    def add(self, note: ExcludedRun) -> None:
        """Exclude a run."""
        self.files.write(self._uri(note.run_id), note.model_dump_json().encode())

    def lift(self, run_id: str) -> None:
        """Let a run in again, if it was excluded."""
        self.files.delete(self._uri(run_id))

    def lift_built(self, runs: Mapping[str, str]) -> None:
        """Let in for good the runs of a build that a job had left out, and somebody asked for.

        Parameters
        ----------
        runs
            The build's, each with its fingerprint.
        """
        for run, note in self.read().items():
            if note.fingerprint is not None and note.fingerprint == runs.get(run):
                self.lift(run)

    def _uri(self, run_id: str) -> str:
        return self.curated + below(CURATED_PREFIX, excluded_run_key(run_id))
