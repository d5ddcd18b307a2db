"""The source's score: one that is down, or that asks for a pause, is left alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence, Set
from functools import cached_property
from typing import Final

from ingest.logic.retry import full_jitter
from ingest.ports import SubjectSpec, Timing

FAILURES_TO_OPEN: Final = 8
#: One subject's failures may be its own; those of so many are the source's.
SUBJECTS_TO_OPEN: Final = 3
#: After so many cool-downs in a row without a success the source is down, and the invocation ends.
OPENINGS_TO_GIVE_UP: Final = 5
#: Failures in a row, over all subjects, after which the canary is asked; and again after as many.
FAILURES_BETWEEN_CANARIES: Final = 4
COOL_DOWN_SECONDS: Final = 4.0
COOL_DOWN_CAP_SECONDS: Final = 60.0
#: Nobody need wait longer because a header says so.
LONGEST_RETRY_AFTER: Final = 3600.0


class CircuitBreaker:
    """Closed: requests pass. Open: none does, for a time. Half open: one does, as a probe.

    Only what was sent since the last change counts, so that the rest of a volley that met the same
    outage does not open the circuit twice, and lengthens the cool-down only where it asks to. A
    request asks again right before it is sent: one that had to wait while the circuit opened stays
    at home.

    Parameters
    ----------
    timing
        Clock and chance (full jitter on the cool-down).
    subjects
        How many subjects the run has.
    half_open
        Begin with a probe: the source was down when the last invocation ended.
    """

    def __init__(self, timing: Timing, *, subjects: int, half_open: bool = False) -> None:
        self._timing = timing
        self._subjects_to_open = min(SUBJECTS_TO_OPEN, subjects)
        self._failing: set[str] = set()
        self._retry_after = 0.0
        self._openings = 1 if half_open else 0
        self._open_until = timing.monotonic()
        self._probe: int | None = None
        self._generation = 0
        self.failures = 0
        self.opened = 0

    @property
    def source_is_down(self) -> bool:
        """Whether enough probes failed in a row to leave the source to the next invocation."""
        return self._openings > OPENINGS_TO_GIVE_UP

    @property
    def is_last_probe(self) -> bool:
        """Whether the source is down if the next request fails as well."""
        return self._openings == OPENINGS_TO_GIVE_UP

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
        """Whether a request may be begun now."""
        if self.source_is_down or self.open_seconds > 0:
            return False
        return self._openings == 0 or self._probe is None

    def begin(self) -> int:
        """Note a request that is begun; return the ticket for its outcome."""
        if self._openings:
            self._probe = self._generation
        return self._generation

    def may_send(self, ticket: int) -> bool:
        """Return whether a request that was begun may still be sent."""
        return ticket == self._generation and self.open_seconds == 0

    def not_sent(self, ticket: int) -> None:
        """Note that a request was not sent after all."""
        if ticket == self._generation:
            self._probe = None

    def succeeded(self, ticket: int) -> None:
        """Note an answer that shows the source at work."""
        if ticket == self._generation:
            self._reset()
            self._openings = 0

    def failed(self, ticket: int, subject: str, retry_after: float | None = None) -> None:
        """Note a request for a subject that failed in a way that a source that is down explains."""
        if ticket != self._generation:
            if self.open_seconds:
                self._prolong(retry_after or 0.0)
            return
        self.failures += 1
        self._failing.add(subject)
        self._retry_after = max(self._retry_after, retry_after or 0.0)
        many = self.failures >= FAILURES_TO_OPEN and len(self._failing) >= self._subjects_to_open
        if self._openings or many:
            self._open(self._retry_after)

    def pause(self, ticket: int, at_least: float | None) -> None:
        """Note that the source asked for a pause (429), of ``at_least`` that long if it said so."""
        if ticket == self._generation:
            self._open(at_least or 0.0)
        else:
            self._prolong(at_least or 0.0)

    def hold_back(self) -> None:
        """Let nothing be sent that was begun already."""
        self._generation += 1

    def _open(self, at_least: float) -> None:
        self.opened += 1
        self._openings += 1
        self._reset()
        self._generation += 1
        jitter = full_jitter(
            self._openings - 1,
            self._timing.uniform,
            base=COOL_DOWN_SECONDS,
            cap=COOL_DOWN_CAP_SECONDS,
        )
        self._open_until = self._timing.monotonic() + jitter
        self._prolong(at_least)

    def _prolong(self, at_least: float) -> None:
        until = self._timing.monotonic() + min(at_least, LONGEST_RETRY_AFTER)
        self._open_until = max(self._open_until, until)

    def _reset(self) -> None:
        self.failures = 0
        self._failing.clear()
        self._retry_after = 0.0
        self._probe = None


class Canary:
    """Shows whether the source is down, by what it has served before: each subject in its turn.

    Its first work is asked for, and not stored. When that comes, the failures are those of the
    subjects that fail; when it does not, they are the source's.

    Parameters
    ----------
    served
        Subjects that earlier invocations stored pages of.
    find_former
        Returns subjects that earlier runs were served; called once, when this run was served none.
    """

    def __init__(
        self,
        served: Sequence[SubjectSpec],
        find_former: Callable[[], Sequence[SubjectSpec]] = tuple,
    ) -> None:
        self._served = deque(served)
        self._keys = {one.key for one in served}
        self._find_former = find_former

    @property
    def is_known(self) -> bool:
        """Whether the source has served anything in this run."""
        return bool(self._served)

    def served(self, spec: SubjectSpec) -> None:
        """Note a subject of which a page was served."""
        if spec.key not in self._keys:
            self._keys.add(spec.key)
            self._served.append(spec)

    def due(self, breaker: CircuitBreaker, failing: Set[str]) -> SubjectSpec | None:
        """Return the subject that is to be tried now; ``None`` when no trial is due.

        Parameters
        ----------
        failing
            Keys of subjects that are not asked while another one can be.
        """
        last = FAILURES_BETWEEN_CANARIES - 1
        if breaker.is_closed and breaker.failures % FAILURES_BETWEEN_CANARIES != last:
            return None
        candidates = self._served or self._former
        for _ in range(len(candidates)):
            candidates.rotate(-1)
            if candidates[-1].key not in failing:
                break
        return candidates[-1] if candidates else None

    @property
    def exists(self) -> bool:
        """Whether anything is known that this run or an earlier one was served."""
        return bool(self._served or self._former)

    @cached_property
    def _former(self) -> deque[SubjectSpec]:
        return deque(self._find_former())
