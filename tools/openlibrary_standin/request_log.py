"""Log of the requests a stand-in got."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request for a page and its outcome.

    Attributes
    ----------
    time
        Monotonic time of arrival at the socket, in seconds.
    path
        Path as sent, without the query string.
    params
        Query parameters as sent.
    status
        Status of the answer.
    faults
        Names of the faults it met.
    """

    time: float
    path: str
    params: Mapping[str, str]
    status: int
    user_agent: str
    faults: tuple[str, ...] = ()


class RequestLog:
    """Requests in the order in which they were decided on; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: list[LoggedRequest] = []

    def add(self, request: LoggedRequest) -> None:
        """Append a request."""
        with self._lock:
            self._requests.append(request)

    def all(self) -> list[LoggedRequest]:
        """Copy of all requests since the last reset."""
        with self._lock:
            return list(self._requests)

    def reset(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._requests.clear()
