"""The circuit breaker: a source that is down, or that asks for a pause, is left alone."""

from __future__ import annotations

from typing import Final

from ingest.logic.retry import full_jitter
from ingest.ports import Timing

FAILURES_TO_OPEN: Final = 8
#: After so many cool-downs in a row without a success the source is down, and the invocation ends.
OPENINGS_TO_GIVE_UP: Final = 5
COOL_DOWN_SECONDS: Final = 4.0
COOL_DOWN_CAP_SECONDS: Final = 60.0
#: Twice OpenLibrary's own limit on a search: nobody need wait longer because a header says so.
_LONGEST_RETRY_AFTER: Final = 300.0


class CircuitBreaker:
    """Closed: requests pass. Open: none does, for a time. Half open: one does, as a probe.

    Only what was sent since the last change counts, so that the rest of a volley that met the same
    outage neither opens the circuit twice nor lengthens the cool-down.

    Parameters
    ----------
    timing
        Clock and chance (full jitter on the cool-down).
    half_open
        Begin with a probe: the source was down when the last invocation ended.
    """

    def __init__(self, timing: Timing, *, half_open: bool = False) -> None:
        self._timing = timing
        self._failures = 0
        self._openings = 1 if half_open else 0
        self._open_until = timing.monotonic()
        self._probe: int | None = None
        self._generation = 0
        self.opened = 0

    @property
    def source_is_down(self) -> bool:
        """Whether enough probes failed in a row to leave the source to the next invocation."""
        return self._openings > OPENINGS_TO_GIVE_UP

    @property
    def is_closed(self) -> bool:
        """Whether requests pass freely."""
        return self._openings == 0

    @property
    def open_seconds(self) -> float:
        """Seconds until a probe may be sent; 0 when the circuit is not open."""
        return max(0.0, self._open_until - self._timing.monotonic())

    @property
    def allows(self) -> bool:
        """Whether a request may be sent now."""
        if self.source_is_down or self.open_seconds > 0:
            return False
        return self._openings == 0 or self._probe is None

    def sending(self) -> int:
        """Note a request that is about to be sent; return the ticket for its outcome."""
        if self._openings:
            self._probe = self._generation
        return self._generation

    def not_sent(self, ticket: int) -> None:
        """Record that the request was not sent after all."""
        if ticket == self._generation:
            self._probe = None

    def succeeded(self, ticket: int) -> None:
        """Record an answer that shows the source at work."""
        if ticket == self._generation:
            self._failures = self._openings = 0
            self._probe = None

    def failed(self, ticket: int) -> None:
        """Record a failure that a source that is down explains."""
        if ticket != self._generation:
            return
        self._failures += 1
        if self._openings or self._failures >= FAILURES_TO_OPEN:
            self._open(0.0)

    def pause(self, ticket: int, at_least: float | None) -> None:
        """Record that the source asked for a pause (429), of at least so many seconds."""
        if ticket == self._generation:
            self._open(min(at_least or 0.0, _LONGEST_RETRY_AFTER))

    def _open(self, at_least: float) -> None:
        self.opened += 1
        self._openings += 1
        self._failures = 0
        self._probe = None
        self._generation += 1
        jitter = full_jitter(
            self._openings - 1,
            self._timing.uniform,
            base=COOL_DOWN_SECONDS,
            cap=COOL_DOWN_CAP_SECONDS,
        )
        self._open_until = self._timing.monotonic() + max(at_least, jitter)
