"""The lease: only one process at a time builds, publishes, rolls back or cleans.

It is a small file that is only ever written on condition that nobody else wrote it meanwhile. Its
holder renews it; when the holder dies, it expires and the next one takes it, with a higher token.
A holder that was asleep for so long finds at its next step that the lease is gone, and stops. The
token is kept in what the lease protects, too, so that a late write is refused there.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from glue_etl.errors import (
    EtlError,
    LeaseHeldError,
    LeaseLostError,
    LedgerUnreadableError,
)
from glue_etl.ledgers import parse_ledger
from glue_etl.ports import Files, Versioned
from schemas.ledger.curated_build import LeaseRecord

#: For how long a lease holds without being renewed: what a successor of a dead process waits.
DURATION: Final = timedelta(minutes=2)
_HEARTBEAT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 1.0


def now() -> datetime:
    """Return the time (UTC)."""
    return datetime.now(UTC)


@dataclass
class Lease:
    """The lease of one lake's curated tables.

    Attributes
    ----------
    uri
        URI of its file.
    sleep
        Waits between two looks at a lease that another holds.
    """

    files: Files
    uri: str
    clock: Callable[[], datetime] = now
    sleep: Callable[[float], None] = time.sleep
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)
    _mine: LeaseRecord | None = None
    _version: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def held(self, purpose: str) -> Iterator[None]:
        """Hold the lease, and renew it in the background.

        Parameters
        ----------
        purpose
            What is done under it, for the message to others.

        Raises
        ------
        LeaseHeldError
            When another process holds it and goes on renewing it.
        """
        self._take(purpose)
        done = threading.Event()
        heartbeat = threading.Thread(target=self._renew_until, args=(done,), daemon=True)
        heartbeat.start()
        try:
            yield
        finally:
            done.set()
            heartbeat.join()
            self._release()

    def require(self) -> int:
        """Make sure that this process holds the lease; return its token.

        Raises
        ------
        LeaseLostError
            When it expired and another process took it.
        """
        with self._lock:
            if self._mine is None:
                raise LeaseLostError("the lease is not held by this process")
            if self.clock() >= self._mine.expires_at - DURATION / 2:
                self._renew(self._mine)
            return self._mine.token

    def _take(self, purpose: str) -> None:
        awaited: LeaseRecord | None = None
        since = self.clock()
        while True:
            found = self.files.read_versioned(self.uri)
            record = self._record_of(found) if found else None
            if record is None or record.holder is None or record.expires_at <= self.clock():
                if self._took(record, found, purpose):
                    return
            elif awaited is None or awaited.token != record.token:
                awaited, since = record, self.clock()
            elif record.expires_at > awaited.expires_at:
                # It is alive; a dead one's lease would have been waited for.
                raise _held(record)
            elif self.clock() - since >= DURATION and self._took(record, found, purpose):
                # It is dead, and its clock was ahead of this one.
                return
            self.sleep(_POLL_SECONDS)

    def _record_of(self, found: Versioned) -> LeaseRecord | None:
        try:
            return parse_ledger(LeaseRecord, self.uri, found.body)
        except LedgerUnreadableError:
            # Nobody can hold it by that, nor renew it.
            return None

    def _took(self, record: LeaseRecord | None, found: Versioned | None, purpose: str) -> bool:
        mine = LeaseRecord(
            # The time, so that it grows even when the file was deleted.
            token=max(int(self.clock().timestamp()), record.token + 1 if record else 0),
            holder=self.holder,
            purpose=purpose,
            expires_at=self.clock() + DURATION,
        )
        version = self._write(mine, found.version if found else None)
        if version is None:
            return False
        self._mine, self._version = mine, version
        return True

    def _renew(self, mine: LeaseRecord) -> None:
        # A lease that expired and that nobody took is still this one.
        renewed = mine.model_copy(update={"expires_at": self.clock() + DURATION})
        version = self._write(renewed, self._version)
        if version is None:
            raise LeaseLostError(
                "this process paused for so long that another one took the lease of the curated"
                " tables; it stops here. Run it again."
            )
        self._mine, self._version = renewed, version

    def _renew_until(self, done: threading.Event) -> None:
        while not done.wait(_HEARTBEAT_SECONDS):
            try:
                with self._lock:
                    if self._mine:
                        self._renew(self._mine)
            except EtlError:
                # The next step that needs the lease finds out, and says so.
                return

    def _release(self) -> None:
        mine, self._mine = self._mine, None
        if mine:
            # Refused, as it should be, when another one took it. What was done under it is done:
            # one that cannot be given back expires.
            with suppress(EtlError):
                self._write(mine.model_copy(update={"holder": None}), self._version)

    def _write(self, record: LeaseRecord, version: str | None) -> str | None:
        return self.files.write_if(self.uri, record.model_dump_json().encode(), version)


def _held(record: LeaseRecord) -> LeaseHeldError:
    return LeaseHeldError(
        f"another process changes the curated tables ({record.purpose}): run this again when it has"
        " ended",
        purpose=record.purpose,
        holder=record.holder,
    )
