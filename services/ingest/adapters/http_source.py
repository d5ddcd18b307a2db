"""The source over HTTP: bytes as they come, connections kept, every request through the gate."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from ingest.errors import SourceUnreachableError
from ingest.ports import Gate, SourceResponse

_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 15.0
_CHUNK: Final = 64 * 1024
#: Only the beginning of an answer that holds no page is of interest.
_MAX_ERROR_BYTES: Final = 64 * 1024


class _Deadline:
    """When an answer must be there; it runs from the moment in which the request is sent."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._ends = time.monotonic() + limit_seconds

    def start(self) -> None:
        """Count from now on."""
        self._ends = time.monotonic() + self._limit

    @property
    def remaining(self) -> float:
        """Seconds left; never 0, which would mean no limit to a socket."""
        return max(0.001, self._ends - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self._ends


@dataclass
class _Request(threading.local):
    """The request that this thread is about to send."""

    gate: Gate = nullcontext
    deadline: _Deadline | None = None


_current = _Request()


class _Timed:
    """A socket that reads within what is left of the whole answer's time.

    A socket's own timeout begins anew with every byte, so that an answer that drips lasts for ever.
    """

    def recv_into(self, *args: Any) -> int:
        """Read into a buffer."""
        if (deadline := _current.deadline) is not None:
            if deadline.is_over:
                raise TimeoutError("the answer takes too long")
            self.settimeout(min(_READ_SECONDS, deadline.remaining))  # type: ignore[attr-defined]
        return int(super().recv_into(*args))  # type: ignore[misc]


class _TimedSocket(_Timed, socket.socket):
    pass


class _TimedSSLSocket(_Timed, ssl.SSLSocket):
    pass


# The gate is entered when the connection stands, right before the first byte is sent: a handshake
# takes as long as it likes, and the source sees the requests as far apart as the gate let them
# pass. Where the gate lets few pass, a connection may be dead by then.
class _GatedHTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _timed(super()._new_conn())

    def request(self, *args: Any, **kwargs: Any) -> None:
        with _through_gate(self):
            super().request(*args, **kwargs)


class _GatedHTTPSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _timed(super()._new_conn())

    def request(self, *args: Any, **kwargs: Any) -> None:
        with _through_gate(self):
            super().request(*args, **kwargs)


def _timed(connection: socket.socket) -> socket.socket:
    timeout = connection.gettimeout()
    timed = _TimedSocket(fileno=connection.detach())
    timed.settimeout(timeout)
    return timed


@contextmanager
def _through_gate(connection: HTTPConnection) -> Iterator[None]:
    if connection.sock is None:
        connection.connect()
    with _current.gate():
        if not connection.is_connected:
            connection.close()
            connection.connect()
        yield


@cache
def _tls() -> ssl.SSLContext:
    # Once a container: the certificates take 20 ms, and most heartbeats find nothing to do.
    context = create_urllib3_context()
    context.load_default_certs()
    context.sslsocket_class = _TimedSSLSocket
    return context


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
            ssl_context=_tls(),
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
            When there was no whole answer within the time, which counts from the moment of sending.
        CrawlStoppingError
            When the gate did not let the request pass.
        """
        url = f"{self._base_url}{path}"
        sent = _Deadline(timeout_seconds)
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
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                # ValueError: urllib3 reads a chunk of negative length as far as it can.
                raise SourceUnreachableError(f"{url}: {_brief(error)}") from error

    def close(self) -> None:
        """Close the connections that are kept."""
        self._http.clear()

    @contextmanager
    def _through(self, gate: Gate, sent: _Deadline) -> Iterator[None]:
        @contextmanager
        def watched() -> Iterator[None]:
            with gate():
                sent.start()
                yield

        _current.gate, _current.deadline = watched, sent
        try:
            yield
        finally:
            _current.gate, _current.deadline = nullcontext, None


def _read(
    response: urllib3.BaseHTTPResponse, url: str, sent: _Deadline, max_body_bytes: int
) -> SourceResponse:
    if response.status < 200:
        # The final answer is still to come on this connection, and must not pass for another's.
        response.close()
        raise SourceUnreachableError(f"{url}: an interim answer {response.status}")
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
