"""The source over HTTP: bytes as they come, connections kept, every request through the gate."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from ingest.errors import SourceUnreachableError
from ingest.ports import Gate, SourceResponse

_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 15.0
_CHUNK: Final = 64 * 1024
#: Only the beginning of an answer that holds no page is of interest.
_MAX_ERROR_BYTES: Final = 64 * 1024


class _Gates(threading.local):
    """The gate of the request that this thread is about to send."""

    gate: Gate | None = None

    def enter(self) -> AbstractContextManager[None]:
        return self.gate() if self.gate else nullcontext()


_gates = _Gates()


# The gate is entered when the connection stands, right before the first byte is sent: a handshake
# takes as long as it likes, and the source sees the requests as far apart as the gate let them
# pass.
class _GatedHTTPConnection(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        with _gates.enter():
            super().request(*args, **kwargs)


class _GatedHTTPSConnection(HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        with _gates.enter():
            super().request(*args, **kwargs)


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _GatedHTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _GatedHTTPSConnection


class HttpSource:
    """The source as an :class:`ingest.ports.Source`; safe to use from several threads.

    Parameters
    ----------
    base_url
        Without a trailing slash.
    user_agent
        Names the application and a contact.
    connections
        Connections kept open.
    max_body_bytes
        Reading an answer with status 200 stops there.
    """

    def __init__(
        self, base_url: str, user_agent: str, connections: int, *, max_body_bytes: int
    ) -> None:
        self._max_body_bytes = max_body_bytes
        self._base_url = base_url.rstrip("/")
        self._http = urllib3.PoolManager(
            maxsize=connections,
            headers={
                "User-Agent": user_agent,
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
            },
        )
        self._http.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def fetch(self, path: str, gate: Gate, timeout_seconds: float) -> SourceResponse:
        """Ask for a path (with its query), following no redirection and repeating nothing.

        Raises
        ------
        SourceUnreachableError
            When no whole answer came within the time, which counts from the moment of sending.
        CrawlStoppingError
            When the gate did not let the request pass.
        """
        url = f"{self._base_url}{path}"
        sent = _Stopwatch(timeout_seconds)
        timeout = urllib3.Timeout(
            connect=min(_CONNECT_SECONDS, timeout_seconds), read=min(_READ_SECONDS, timeout_seconds)
        )
        with self._through(gate, sent):
            try:
                response = self._http.request(
                    "GET",
                    url,
                    timeout=timeout,
                    preload_content=False,
                    decode_content=False,
                    redirect=False,
                    retries=False,
                )
                return _read(response, url, sent, self._max_body_bytes)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise SourceUnreachableError(f"{url}: {_brief(error)}") from error

    def close(self) -> None:
        """Close the connections that are kept."""
        self._http.clear()

    @contextmanager
    def _through(self, gate: Gate, sent: _Stopwatch) -> Iterator[None]:
        @contextmanager
        def watched() -> Iterator[None]:
            with gate():
                sent.start()
                yield

        _gates.gate = watched
        try:
            yield
        finally:
            _gates.gate = None


class _Stopwatch:
    """Runs from the moment a request is sent."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._started = time.monotonic()

    def start(self) -> None:
        self._started = time.monotonic()

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self._started > self._limit


def _read(
    response: urllib3.BaseHTTPResponse, url: str, sent: _Stopwatch, max_body_bytes: int
) -> SourceResponse:
    limit = max_body_bytes if response.status == 200 else _MAX_ERROR_BYTES
    body = bytearray()
    try:
        while chunk := response.read(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > limit:
                break
            if sent.is_over:
                raise SourceUnreachableError(f"{url}: the answer takes too long", code="too_slow")
        else:
            response.release_conn()
    finally:
        if not response.closed:
            response.close()
    headers = response.headers
    return SourceResponse(
        url=url,
        status=response.status,
        body=bytes(body[:limit]),
        fetched_at=datetime.now(UTC),
        content_type=headers.get("Content-Type", ""),
        content_encoding=headers.get("Content-Encoding", ""),
        retry_after=headers.get("Retry-After", ""),
        cut_at_limit=len(body) > limit,
    )


def _brief(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
