"""How long to wait before a request is repeated, how often, and how large a page to ask for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

BASE_SECONDS: Final = 0.5
CAP_SECONDS: Final = 60.0
#: A page that failed so often in the configured size is asked for in halves, and a half sooner.
FAILURES_BEFORE_HALVING: Final = 3
FAILURES_OF_A_PART: Final = 2
#: The size of the pages to come is not halved below this; a page that fails is, down to one work.
SMALLEST_PAGE: Final = 2
#: A subject with so many failures in a row is parked: one request at a time, when others have none.
STREAK_TO_PARK: Final = 3
#: So many in a row end it.
LONGEST_STREAK: Final = 32
#: So many in all end it, besides two for each page.
MOST_FAILURES: Final = 60
#: A refusal that repeating cannot help is repeated nevertheless: proxies and deployments of the
#: source answer 404, 302 and 403 for a minute and then serve again.
TERMINAL_ATTEMPTS: Final = 4
TERMINAL_SECONDS: Final = 15.0
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


def terminal_delay(attempt: int, uniform: Callable[[float, float], float]) -> float:
    """Return the seconds until the n-th refusal (from 1) is put to the proof."""
    longest = TERMINAL_SECONDS * 2.0 ** min(attempt - 1, 10)
    return uniform(0.75 * longest, longest)


def failures_allowed(works: int, page_size: int) -> int:
    """Return the failed requests that a subject of so many works may cost, over all invocations."""
    return MOST_FAILURES + 2 * math.ceil(works / page_size)


class PageSizer:
    """The size of a subject's next page: halved when one keeps failing, doubled after successes.

    Parameters
    ----------
    largest
        The configured size, in works; it is never exceeded.
    size
        Where an earlier invocation left it.
    """

    def __init__(self, largest: int, size: int | None = None) -> None:
        self._largest = largest
        self._successes = 0
        self.size = min(size or largest, largest)

    def halve(self, failed: int) -> None:
        """Note that a page of ``failed`` works kept failing."""
        self._successes = 0
        self.size = max(min(self.size, SMALLEST_PAGE), min(self.size, failed // 2))

    def succeeded(self) -> None:
        """Note a page that was served."""
        self._successes += 1
        if self.size < self._largest and self._successes >= _SUCCESSES_BEFORE_GROWING:
            self._successes = 0
            self.size = min(self._largest, self.size * 2)
