"""The pacer: no more than N requests in any window, however many threads send them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ingest.errors import CrawlStoppingError
from ingest.ports import Timing

#: Added to the window: the source stamps a request some milliseconds after it was sent, never
#: evenly.
SEND_JITTER_SECONDS: Final = 0.025


def sustained_rate(rate: float) -> float:
    """Return the requests a second that a pacer of a rate comes to: above 1 it is a whole number.

    Two and a half requests in any second are two, for no window may hold more than the rate.
    """
    return float(int(rate)) if rate >= 1 else rate


class Pacer:
    """Lets requests pass one at a time, at most ``burst`` of them in any window.

    A rate below 1 is one request in ``1 / rate`` seconds; above it, the whole part of the rate in 1
    second. A slot is held until its request has been sent, and the window counts from that moment:
    a thread that wakes late, or a handshake that takes long, delays the requests behind it and
    never crowds them.

    Parameters
    ----------
    rate
        Requests a second.
    timing
        Clock and sleep.
    may_send
        Asked just before a request is sent; when it says no, the request is not sent.
    """

    def __init__(
        self, rate: float, timing: Timing, may_send: Callable[[], bool] = lambda: True
    ) -> None:
        sustained = sustained_rate(rate)
        burst = max(1, int(sustained))
        self._window = max(1.0, 1 / sustained) + SEND_JITTER_SECONDS
        # Spread inside the window, but by less than an even share: delays must not add up.
        self._spacing = 0.9 * self._window / burst
        self._sent: deque[float] = deque(maxlen=burst)
        self._timing = timing
        self._may_send = may_send
        self._not_before = timing.monotonic()
        self._stopped = False
        self._lock = threading.Lock()

    @property
    def window_seconds(self) -> float:
        """Length of the window: after a stop of that long, no earlier request counts any more."""
        return self._window

    @property
    def seconds_since_sent(self) -> float | None:
        """Seconds since the last request was sent; ``None`` when none was."""
        return self._timing.monotonic() - self._sent[-1] if self._sent else None

    def hold(self, seconds: float) -> None:
        """Send nothing for so many seconds from now."""
        self._not_before = max(self._not_before, self._timing.monotonic() + seconds)

    def stop(self) -> None:
        """Let no request pass any more."""
        self._stopped = True

    @contextmanager
    def slot(self, may_send: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Wait for the turn of one request, which is to be sent inside the context.

        Parameters
        ----------
        may_send
            Asked besides, for this request.

        Raises
        ------
        CrawlStoppingError
            When the request must not be sent any more.
        """
        with self._lock:
            while (delay := self._next_turn() - self._timing.monotonic()) > 0:
                if not self._may_pass(may_send):
                    break
                self._timing.sleep(min(delay, 1.0))
            if not self._may_pass(may_send):
                raise CrawlStoppingError("the invocation ends, or the source asked for a pause")
            try:
                yield
            finally:
                self._sent.append(self._timing.monotonic())

    def _may_pass(self, may_send: Callable[[], bool]) -> bool:
        return not self._stopped and self._may_send() and may_send()

    def _next_turn(self) -> float:
        turn = self._not_before
        if self._sent:
            turn = max(turn, self._sent[-1] + self._spacing)
        if len(self._sent) == self._sent.maxlen:
            turn = max(turn, self._sent[0] + self._window)
        return turn
