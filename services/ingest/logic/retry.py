"""How long to wait before a request is repeated, and how large a page to ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

BASE_SECONDS: Final = 0.5
CAP_SECONDS: Final = 30.0
#: A page that failed so often in one size is asked for in halves.
FAILURES_BEFORE_HALVING: Final = 3
#: Below this, smaller pages help no more: a page of so few works that still fails is given up.
SMALLEST_PAGE: Final = 20
_SUCCESSES_BEFORE_GROWING: Final = 4


def full_jitter(
    attempt: int,
    uniform: Callable[[float, float], float],
    *,
    base: float = BASE_SECONDS,
    cap: float = CAP_SECONDS,
) -> float:
    """Return the seconds to wait after the n-th failure (from 1): 0 to ``base * 2**n``, or ``cap``.

    "Full jitter" of the AWS Architecture Blog's "Exponential Backoff And Jitter": clients that
    failed together do not come back together.
    """
    return uniform(0.0, min(cap, base * 2.0 ** min(attempt, 30)))


class PageSizer:
    """The size of the next page: halved when a page keeps failing, doubled after successes.

    Parameters
    ----------
    largest
        The configured size, in works; it is never exceeded.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._successes = 0
        self.size = largest

    def halve(self, failed: int) -> None:
        """Record that a page of ``failed`` works kept failing."""
        self._successes = 0
        self.size = max(min(self.size, SMALLEST_PAGE), min(self.size, failed // 2))

    def succeeded(self) -> None:
        """Record that a page came."""
        self._successes += 1
        if self.size < self._largest and self._successes >= _SUCCESSES_BEFORE_GROWING:
            self._successes = 0
            self.size = min(self._largest, self.size * 2)
