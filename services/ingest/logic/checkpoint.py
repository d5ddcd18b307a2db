"""The checkpoint: which run is under way, who crawls it, and when the last request was sent.

The lease on it lasts until its holder can no longer be alive. Nothing else would keep a crawler
that was held up inside a write from writing after its successor: S3 refuses no write for a lease.

It holds neither pages nor subjects to crawl. The stored objects themselves show what was fetched,
which are written once and never change, so an invocation may be killed between any two of them and
nothing has to agree with anything. The checkpoint stays below a few kilobytes for any number of
subjects and is written when the lease is taken and released, and now and then, not for each page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import (
    LeaseLostError,
    StateUnreadableError,
    StoreUnavailableError,
    WriteConflictError,
    validation_summary,
)
from ingest.logic.pages import SubjectState
from ingest.ports import ObjectStore, Timing
from schemas.keys import CHECKPOINT_KEY

#: From an invocation's end to that of its lease. Clocks of two machines differ by less, and what
#: was sent to the store has arrived.
GUARD_SECONDS: Final = 10.0
#: What is known of the run is written so often.
SAVE_SECONDS: Final = 20.0
#: From a write that the store did not answer to the next try.
RETRY_SECONDS: Final = 2.0
RUNS_REMEMBERED: Final = 5


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Lease(_Model):
    """Who crawls, and until when nobody else may (UTC)."""

    owner: str
    expires_at: AwareDatetime


class ActiveRun(_Model):
    """The unfinished run.

    Attributes
    ----------
    run_id
        Its id.
    source_down
        Invocations in a row that the circuit breaker ended.
    not_before
        The source asked for a pause until then, or is down.
    closing
        Code of the reason for which nothing more of the run is fetched.
    subjects
        Scores of the subjects that are under way: what the stored pages do not show. Changes since
        the last write are lost when an invocation is killed.
    """

    run_id: str
    source_down: int = 0
    not_before: AwareDatetime | None = None
    closing: str | None = None
    subjects: dict[str, SubjectState] = Field(default_factory=dict)


class Checkpoint(_Model):
    """The contents of ``state/ingest.json``.

    Attributes
    ----------
    last_sent_at
        When the last request was sent, as far as the last write knew; an expired lease vouches for
        the rest.
    latest_run_id
        The latest run that is finished.
    finished_runs
        The last few, in the order in which they were finished.
    """

    format: Literal[1] = 1
    lease: Lease | None = None
    last_sent_at: AwareDatetime | None = None
    run: ActiveRun | None = None
    latest_run_id: str | None = None
    finished_runs: list[str] = Field(default_factory=list)

    def held_by_other(self, owner: str, now: datetime) -> bool:
        """Whether somebody else holds the lease."""
        lease = self.lease
        return lease is not None and lease.owner != owner and lease.expires_at > now


class LeasedCheckpoint:
    """The checkpoint with the lease on it.

    Parameters
    ----------
    store
        The data bucket.
    timing
        The clock.
    owner
        Name of this invocation, unique even among repetitions of one event.
    remaining_seconds
        Time left before this invocation is killed.
    """

    def __init__(
        self,
        store: ObjectStore,
        timing: Timing,
        owner: str,
        remaining_seconds: Callable[[], float],
    ) -> None:
        self._store = store
        self._timing = timing
        self._owner = owner
        self._remaining_seconds = remaining_seconds
        self._etag: str | None = None
        self._save_at = 0.0
        self.state = Checkpoint()

    def read(self) -> Checkpoint:
        """Read the checkpoint; an absent one is an empty one.

        Raises
        ------
        StateUnreadableError
            When the object is not a checkpoint.
        """
        found = self._store.get(CHECKPOINT_KEY)
        self._etag = found.etag if found else None
        try:
            self.state = (
                Checkpoint.model_validate_json(found.body) if found is not None else Checkpoint()
            )
        except ValidationError as error:
            raise StateUnreadableError(
                f"{CHECKPOINT_KEY} is not a checkpoint ({validation_summary(error)})."
                " Delete it: the next heartbeat goes on from the stored pages of the due run."
                " A run that was begun by hand is not found again: begin another one."
            ) from error
        return self.state

    @property
    def is_busy(self) -> bool:
        """Whether another invocation holds the lease."""
        return self.state.held_by_other(self._owner, self._timing.now())

    def take(self, run: ActiveRun) -> bool:
        """Take the lease for a run; ``False`` when another invocation was faster."""
        self.state.run = run
        try:
            self._write()
        except WriteConflictError:
            return False
        return True

    def save_if_due(self) -> None:
        """Keep what is known of the run, if that was not done just now.

        Raises
        ------
        LeaseLostError
            When another invocation has taken it.
        """
        if self._timing.monotonic() < self._save_at:
            return
        try:
            self._write_or_lose()
        except StoreUnavailableError:
            # It is what a later invocation can do without.
            self._save_at = self._timing.monotonic() + RETRY_SECONDS

    def save(self) -> None:
        """Keep what is known of the run.

        Raises
        ------
        LeaseLostError
            When another invocation has taken it.
        """
        self._write_or_lose()

    def release(self, *, finished_run_id: str | None = None) -> None:
        """Release the lease, and with ``finished_run_id`` close that run.

        Raises
        ------
        LeaseLostError
            When another invocation has taken it.
        """
        if finished_run_id is not None:
            self.state.run = None
            self.state.latest_run_id = max(self.state.latest_run_id or "", finished_run_id)
            earlier = [one for one in self.state.finished_runs if one != finished_run_id]
            self.state.finished_runs = [*earlier, finished_run_id][-RUNS_REMEMBERED:]
        self._write_or_lose(keep=False)

    def _write_or_lose(self, *, keep: bool = True) -> None:
        try:
            self._write(keep=keep)
        except WriteConflictError as error:
            raise LeaseLostError("another invocation has taken the lease") from error

    def _write(self, *, keep: bool = True) -> None:
        lasts = timedelta(seconds=self._remaining_seconds() + GUARD_SECONDS)
        expires_at = self._timing.now() + lasts
        self.state.lease = Lease(owner=self._owner, expires_at=expires_at) if keep else None
        body = self.state.model_dump_json().encode()
        try:
            self._etag = self._store.replace(CHECKPOINT_KEY, body, self._etag)
        except WriteConflictError:
            # An answer that was lost on its way makes the client repeat a write that had succeeded.
            found = self._store.get(CHECKPOINT_KEY)
            if found is None or found.body != body:
                raise
            self._etag = found.etag
        self._save_at = self._timing.monotonic() + SAVE_SECONDS
