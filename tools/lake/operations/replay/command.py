"""`./lake replay`: send, wait, and compare what is there with what was there before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lake.aws import Cloud
from lake.errors import ReplayError
from lake.objects import exists
from lake.operations.replay import dead_letters as letters
from lake.operations.replay.selection import Selection
from lake.operations.replay.sending import send_events, wait_until_processed
from lake.operations.replay.states import LedgerState, PageState, ledger_states, page_states
from lake.runs.crawl import dead_letters
from lake.steps import Say, Step
from schemas.keys import RUNS_PREFIX, InvalidKeyError, RawKey, manifest_key, parse_run_folder

#: Services with dead letters; those of process are events, those of the others notices.
SERVICES = ("process", "ingest", "glue_etl")
NOTICES = {
    "ingest": "a later heartbeat has done their work",
    "glue_etl": "the next build takes every run that waits",
}


@dataclass(frozen=True)
class RunChange:
    """A run's ledger before and after; None where process has written none."""

    before: LedgerState | None
    after: LedgerState | None


@dataclass(frozen=True)
class ReplayResult:
    """What a replay sent and changed; the keys are those of `./lake replay --json`.

    Attributes
    ----------
    objects
        What was sent, or would be.
    sent
        Number of messages sent; 0 in a dry run.
    waited
        Whether the outcome is known: process has finished.
    changed
        Pages whose receipt is another one now.
    left_quarantine, entered_quarantine
        Records (a page that is quarantined whole counts as one) that were in quarantine before and
        are not, and the other way.
    rows_before, rows_after
        Rows of the pages in `works`.
    runs
        Ledgers by run.
    """

    objects: Sequence[str]
    records: int | None = None
    sent: int = 0
    waited: bool = False
    changed: int = 0
    left_quarantine: int = 0
    entered_quarantine: int = 0
    rows_before: int = 0
    rows_after: int = 0
    runs: Mapping[str, RunChange] = field(default_factory=dict)
    remarks: Sequence[str] = ()


@dataclass
class Before:
    """What is known of pages and runs before any of it is sent.

    Attributes
    ----------
    looked_at
        Keys of the pages.
    pages
        Those of them that process had finished.
    ledgers
        The ledgers of the pages' and of other objects' runs; None where process had written none.
    """

    cloud: Cloud
    bucket: str
    looked_at: list[str] = field(default_factory=list)
    pages: dict[str, PageState] = field(default_factory=dict)
    ledgers: dict[str, LedgerState | None] = field(default_factory=dict)

    def read(self, objects: Sequence[str]) -> None:
        """Read the receipts and ledgers of what is about to be sent."""
        known = set(self.looked_at)
        pages = [key for key in dict.fromkeys(objects) if key not in known and _run_of_page(key)]
        runs = {run for key in objects if (run := _run_of(key))} - self.ledgers.keys()
        self.looked_at += pages
        self.pages |= page_states(self.cloud, self.bucket, pages)
        self.ledgers |= ledger_states(self.cloud, self.bucket, sorted(runs))


@dataclass(frozen=True)
class Replay:
    """A call of `./lake replay`.

    Attributes
    ----------
    step
        Shows a step and yields a function that shows its progress.
    dry_run
        Only list what would be sent.
    wait
        Wait until process has finished, and compare.
    """

    cloud: Cloud
    step: Step
    dry_run: bool = False
    wait: bool = True

    def pages(self, selection: Selection) -> ReplayResult:
        """Send raw pages through process again.

        Raises
        ------
        RunFailedError
            Some came to the dead letters, or nothing moves.
        """
        result = ReplayResult(selection.keys, selection.records, remarks=tuple(selection.remarks))
        if self.dry_run or not selection.keys:
            return result
        before, dead = Before(self.cloud, self._bucket), dead_letters(self.cloud, "process")
        with self.step("Read the receipts"):
            before.read(selection.keys)
        with self.step("Send") as say:
            send_events(self.cloud, self._bucket, selection.keys, say)
        return self._compared(replace(result, sent=len(selection.keys)), before, dead)

    def dead_letters_of_process(self) -> ReplayResult:
        """Move the dead letters of process back to its queue.

        Raises
        ------
        ReplayError
            SQS did not take some: they are still there.
        """
        if self.dry_run:
            found = letters.listed(self.cloud, "process")
            return ReplayResult([letter.text for letter in found])
        before, dead = Before(self.cloud, self._bucket), dead_letters(self.cloud, "process")
        with self.step("Send") as say:
            found = letters.moved(
                self.cloud, say, lambda some: before.read([letter.text for letter in some])
            )
        result = ReplayResult([letter.text for letter in found], sent=len(found))
        return self._compared(result, before, dead) if found else result

    def notices(self, service: str, *, discard: bool) -> ReplayResult:
        """List the dead letters of a service whose work others do, and delete them if asked."""
        removes = discard and not self.dry_run
        found = (letters.discarded if removes else letters.listed)(self.cloud, service)
        result = ReplayResult([letter.text for letter in found])
        if not found:
            return result
        done = f"{len(found)} are removed." if removes else "--discard removes them."
        why = f"{service}'s are never sent again: {NOTICES[service]}."
        return replace(result, remarks=(f"{why} {done}",))

    @property
    def _bucket(self) -> str:
        return self.cloud.parameter("foundation/data-bucket")

    def _compared(self, result: ReplayResult, before: Before, dead: int) -> ReplayResult:
        """Wait for process, and compare what was sent with what was there before.

        Parameters
        ----------
        dead
            Messages in the dead-letter queue before anything was sent.
        """
        if not self.wait:
            return result
        cloud, bucket, ledgers = self.cloud, self._bucket, before.ledgers
        # What was moved is no longer among them.
        dead = min(dead, dead_letters(cloud, "process"))
        with self.step("Process") as say:
            wait_until_processed(cloud, say, dead=dead)
            after = page_states(cloud, bucket, before.looked_at)
            unfinished = _changed_runs(before.pages, after)
            unfinished |= {run for run, ledger in ledgers.items() if ledger is None}
            self._complete(sorted(unfinished), say, dead)
            after_ledgers = ledger_states(cloud, bucket, list(ledgers))
        changes = {run: RunChange(ledgers[run], after_ledgers[run]) for run in sorted(ledgers)}
        result = replace(result, waited=True, runs=changes)
        return _with_changes(result, before.pages, after)

    def _complete(self, runs: Sequence[str], say: Say, dead: int) -> None:
        """Send the manifests of runs, so that process sums them up with what has changed."""
        keys = [manifest_key(run) for run in runs]
        present = [key for key in keys if exists(self.cloud, self._bucket, key)]
        if present:
            send_events(self.cloud, self._bucket, present, say)
            wait_until_processed(self.cloud, say, dead=dead)


def checked_service(service: str) -> str:
    """Return the name of a service with dead letters.

    Raises
    ------
    ReplayError
        There is no such service.
    """
    if service not in SERVICES:
        raise ReplayError(
            f"{service!r} has no dead letters.", f"The services are {', '.join(SERVICES)}."
        )
    return service


def _with_changes(
    result: ReplayResult, before: Mapping[str, PageState], after: Mapping[str, PageState]
) -> ReplayResult:
    moves = [
        (before[key].quarantined if key in before else 0) - now.quarantined
        for key, now in after.items()
    ]
    return replace(
        result,
        changed=sum(before.get(key) != now for key, now in after.items()),
        left_quarantine=sum(move for move in moves if move > 0),
        entered_quarantine=-sum(move for move in moves if move < 0),
        rows_before=sum(state.rows for state in before.values()),
        rows_after=sum(state.rows for state in after.values()),
    )


def _changed_runs(before: Mapping[str, PageState], after: Mapping[str, PageState]) -> set[str]:
    return {RawKey.parse(key).run_id for key, now in after.items() if before.get(key) != now}


def _run_of_page(key: str) -> str | None:
    try:
        return RawKey.parse(key).run_id
    except InvalidKeyError:
        return None


def _run_of(key: str) -> str | None:
    """Return the run of a raw page, or of an object of the run ledger."""
    folder = key.removeprefix(RUNS_PREFIX).partition("/")[0]
    return _run_of_page(key) or parse_run_folder(folder)
