"""Repeats what failed for a moment, with full jitter, for as long as the invocation has time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from process.errors import OutOfTimeError, TransientError

#: Attempts at one message within an invocation.
ATTEMPTS: Final = 6
_FIRST_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 5.0
#: Share of the invocation that an attempt is left: a call that hangs takes the clients 90 s, of the
#: 300 s that an invocation has by default.
_RESERVED: Final = 1 / 3
#: Seconds after which a message that failed all the same is delivered again, by how often it came:
#: spread, so that a batch does not come back as one, and growing, so that the attempts before the
#: dead letters outlast a disturbance of half an hour.
AGAIN_SECONDS: Final = ((5.0, 60.0), (60.0, 180.0), (300.0, 660.0), (1500.0, 2400.0))


def _forever() -> float:
    return float("inf")


@dataclass(slots=True)
class Retry:
    """How transient failures are repeated.

    Attributes
    ----------
    remaining_seconds
        Time that the invocation has left.
    sleep, uniform
        Waiting and chance, passed in so that tests decide over them.
    reserve_seconds
        Time that an attempt may take: a share of what the invocation has at its beginning.
    """

    remaining_seconds: Callable[[], float] = _forever
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = field(default=random.uniform)
    reserve_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        self.reserve_seconds = self.remaining_seconds() * _RESERVED

    def run[Result](self, call: Callable[[], Result]) -> Result:
        """Return what a call returns, repeating it while it fails transiently and time is left.

        Raises
        ------
        OutOfTimeError
            When there is too little time left for an attempt.
        TransientError
            When the last attempt failed, too.
        """
        if self.remaining_seconds() < self.reserve_seconds:
            raise OutOfTimeError("too little time is left for an attempt; it comes again soon")
        longest = _FIRST_SECONDS
        for _ in range(ATTEMPTS - 1):
            try:
                return call()
            except TransientError:
                pause = self.uniform(0.0, longest)
                if self.remaining_seconds() < self.reserve_seconds + pause:
                    raise
            self.sleep(pause)
            longest = min(longest * 3, _LONGEST_SECONDS)
        return call()

    def again(self, receives: int) -> int:
        """Return the seconds after which a failed message is delivered again.

        Parameters
        ----------
        receives
            How often it came, this time included.
        """
        return round(self.uniform(*AGAIN_SECONDS[min(receives, len(AGAIN_SECONDS)) - 1]))
