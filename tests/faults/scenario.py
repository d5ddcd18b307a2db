"""What a scenario is, and what every scenario must leave behind."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from lake.operations.check.command import check_lake
from lake.runs.crawl import dead_letters
from lake.runs.ledger import read_run
from tests.faults.lab import Lab


class ScenarioError(AssertionError):
    """The lake is not as the scenario expects."""


@dataclass(frozen=True)
class Scenario:
    """One fault and what is expected of the lake.

    Attributes
    ----------
    name
        ``CALL:KIND`` for a fault of one call.
    expected
        What must come to pass, for readers.
    run
        Runs it and returns what was seen.

    Raises
    ------
        ScenarioError, TimeoutError
            When something else comes to pass.
    """

    name: str
    expected: str
    run: Callable[[Lab, random.Random], str]


@dataclass(frozen=True)
class Outcome:
    """What came to pass; the keys are those of ``--json``."""

    name: str
    expected: str
    seen: str
    ok: bool
    seconds: float


def require(condition: object, message: str) -> None:
    """Raise unless a condition holds."""
    if not condition:
        raise ScenarioError(message)


def require_clean(lab: Lab, run_id: str, *, status: str = "complete", dead: int = 0) -> str:
    """Require that a run is whole, and nothing of it is left over; return its figures.

    Raises
    ------
    ScenarioError
        When `./lake check` finds a difference, a ledger disagrees, or dead letters are not as many
        as expected.
    """
    found = read_run(lab.cloud, lab.bucket, run_id)
    manifest, ledger = found.manifest, found.processed
    if manifest is None or ledger is None:
        raise ScenarioError(f"run {run_id} has no manifest or no processed.json")
    reasons = {one.reason for one in manifest.subjects if one.reason}
    require(manifest.status == status, f"the run is {manifest.status}, not {status}: {reasons}")
    require(not ledger.mismatches, f"mismatches: {ledger.mismatches}")
    letters = dead_letters(lab.cloud, "process")
    require(letters == dead, f"{letters} dead letters, not {dead}")
    checked = check_lake(lab.cloud, run_id, everything=False, say=lambda _: None)
    require(checked.ok, f"check: {checked.by_code}, {checked.differences[:1]}")
    return f"{ledger.records} records = {ledger.rows} rows + {ledger.quarantined} in quarantine"
