"""What nginx in front of the OpenLibrary API lets through."""

import re
from threading import Lock

_CONTACT = re.compile(r"[\w.+-]+@[\w-]+\.\w|https?://\w")


def identifies_itself(user_agent: str) -> bool:
    """Return whether a User-Agent names an application and a contact, an e-mail address or a URL.

    Others, ``python-requests/x`` among them, got 403 in May 2026 (OpenLibrary API).
    """
    return _CONTACT.search(user_agent) is not None


class RateLimit:
    """The leaky bucket of nginx ``limit_req``, with the numbers of OpenLibrary's configuration.

    Parameters
    ----------
    per_minute
        Requests let through in the long run, by address.
    burst
        Requests above that which are let through, delayed or not.
    undelayed
        How many of the burst are not delayed.
    """

    def __init__(self, per_minute: float = 180, burst: int = 25, undelayed: int = 10) -> None:
        self._per_second = per_minute / 60
        self._burst = burst
        self._undelayed = undelayed
        self._lock = Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def delay(self, address: str, now: float) -> float | None:
        """Account for a request.

        Parameters
        ----------
        address
            Address of the client.
        now
            Monotonic time in seconds.

        Returns
        -------
        float or None
            Seconds to hold the request back, or None when it is to be refused with 429.
        """
        with self._lock:
            excess, last = self._buckets.get(address, (-1.0, now))
            excess = max(0.0, excess - (now - last) * self._per_second + 1)
            if excess > self._burst:
                return None
            self._buckets[address] = excess, now
        return max(0.0, excess - self._undelayed) / self._per_second

    def reset(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._buckets.clear()
