"""An HTTP proxy between the functions and the local AWS, which spoils the calls it is told to."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal

import psutil

from tests.faults.calls import Call, recognise

Kind = Literal[
    "throttled",
    "error",
    "denied",
    "skewed",
    "dropped",
    "lost",
    "cut",
    "slow",
    "killed-before",
    "killed-after",
]
_UPSTREAM_SECONDS: Final = 330
_HOP_BY_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "host", "expect"}


@dataclass
class Fault:
    """What happens to the first calls of one kind.

    Attributes
    ----------
    call
        Name of the call; see :attr:`tests.faults.calls.Call.name`.
    kind
        ``throttled``, ``error``, ``denied`` and ``skewed`` (of S3: the caller's clock is wrong)
        answer without an effect; ``dropped`` closes the
        connection without one, ``lost`` after it; ``cut`` breaks the answer off, ``slow`` delays
        it; ``killed-before`` and ``killed-after`` end the caller's process.
    times
        How often it happens.
    skip
        How many calls pass before.
    seconds
        Delay of ``slow``.
    """

    call: str
    kind: Kind
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    injected: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has happened as often as it should."""
        return self.injected >= self.times


@dataclass
class Plan:
    """The faults in force and the calls seen since they were set; safe for threads."""

    faults: list[Fault] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_for(self, call: Call) -> Fault | None:
        """Count a call; return the fault that it meets."""
        with self.lock:
            self.calls[call.name] += 1
            for fault in self.faults:
                if fault.call == call.name and not fault.is_over:
                    if fault.skip:
                        fault.skip -= 1
                        return None
                    fault.injected += 1
                    return fault
        return None


class FaultProxy:
    """The proxy, on a free port of 127.0.0.1; a context that serves until its end.

    Parameters
    ----------
    upstream
        Returns the port of the local AWS.
    """

    def __init__(self, upstream: Callable[[], int]) -> None:
        self.upstream = upstream
        self.plan = Plan()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Endpoint for the functions."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def injecting(self, *faults: Fault) -> Iterator[Plan]:
        """Inject faults for the length of the block."""
        self.plan = Plan(list(faults))
        try:
            yield self.plan
        finally:
            self.plan = Plan()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: functions are killed and connections are cut here all the time."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes, which Nagle's algorithm would hold back for 40 ms.
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # (the base class's name)
        """Log nothing: the plan counts the calls."""

    def handle_any(self) -> None:
        """Answer one request."""
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = recognise(self.command, self.path, headers)
        fault = self.server.proxy.plan.fault_for(call)
        kind = fault.kind if fault else None
        if kind in ("throttled", "error", "denied", "skewed"):
            self._answer(*refusal(call.service, kind))
        elif kind == "dropped":
            self._hang_up()
        elif kind == "killed-before":
            self._kill_caller()
        else:
            answer = self._forward(body)
            if kind == "killed-after":
                self._kill_caller()
            elif kind == "lost":
                self._hang_up()
            elif kind == "cut":
                self._answer(*answer, cut=True)
            else:
                if kind == "slow" and fault:
                    time.sleep(fault.seconds)
                self._answer(*answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815 (the base's names)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _forward(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP
        }
        headers["Content-Length"] = str(len(body))
        upstream = http.client.HTTPConnection(
            "127.0.0.1", self.server.proxy.upstream(), timeout=_UPSTREAM_SECONDS
        )
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            upstream.close()

    def _answer(
        self, status: int, headers: Mapping[str, str], body: bytes, *, cut: bool = False
    ) -> None:
        # The length of what a HEAD describes is its own; else that of the body.
        lengths = {
            name: value for name, value in headers.items() if name.lower() == "content-length"
        }
        length = next(iter(lengths.values()), "0") if self.command == "HEAD" else str(len(body))
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}"]
        lines += [
            f"{name}: {value}"
            for name, value in headers.items()
            if name.lower() not in (*_HOP_BY_HOP, "content-length")
        ]
        head = "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode("latin-1")
        whole = head if self.command == "HEAD" else head + body
        if cut:
            # In the middle of the body, or of the headers when the body is empty.
            whole = (
                whole[: len(head) + len(body) // 2]
                if len(whole) > len(head)
                else head[: len(head) // 2]
            )
        self.wfile.write(whole)
        self.wfile.flush()
        if cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _kill_caller(self) -> None:
        self.close_connection = True
        process = process_on_port(self.client_address[1])
        if process is not None:
            process.kill()


def process_on_port(port: int) -> psutil.Process | None:
    """Return the other process whose end of a connection has this port of 127.0.0.1."""
    ours = psutil.Process().pid
    for one in psutil.net_connections(kind="tcp4"):
        if one.laddr and one.laddr.port == port and one.pid not in (None, ours):
            return psutil.Process(one.pid)
    return None


def refusal(service: str, kind: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer by which a service refuses a call."""
    if service == "s3":
        status, code = {
            "throttled": (503, "SlowDown"),
            "error": (500, "InternalError"),
            "denied": (403, "AccessDenied"),
            "skewed": (403, "RequestTimeTooSkewed"),
        }[kind]
        text = f"<Error><Code>{code}</Code><Message>injected</Message></Error>"
        return status, {"Content-Type": "application/xml"}, text.encode()
    status, code = {
        "throttled": (400, "ThrottlingException"),
        "error": (500, "InternalServiceException"),
        "denied": (400, "AccessDeniedException"),
    }[kind]
    body = json.dumps({"__type": code, "message": "injected"}).encode()
    return status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}, body
