"""The HTTP adapter against real servers on 127.0.0.1."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import pytest

from ingest.adapters import http_source
from ingest.adapters.http_source import HttpSource
from ingest.errors import BodyRefusedError, CrawlStoppingError, SourceUnreachableError
from ingest.logic.pacer import Pacer
from ingest.openlibrary.body import MAX_WIRE_BYTES, read_page
from ingest.ports import Timing
from openlibrary_standin.config import StandInConfig
from openlibrary_standin.faults import FaultRule
from openlibrary_standin.server import StandIn

AGENT = "openlake-ingest/0.1.0 (lake@example.org)"
PATH = "/subjects/love.json?limit=20&offset=0&sort=editions,key"


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with StandIn(StandInConfig(works=2000)) as server:
        yield server


@pytest.fixture
def source(standin: StandIn) -> Iterator[HttpSource]:
    standin.faults = {}
    standin.reset()
    http = http_source_of(standin.url, 4)
    yield http
    http.close()


def http_source_of(
    url: str, connections: int = 1, max_body_bytes: int = MAX_WIRE_BYTES
) -> HttpSource:
    return HttpSource(url, AGENT, connections, max_body_bytes=max_body_bytes)


def fetch(source: HttpSource, path: str = PATH, timeout_seconds: float = 5.0) -> bytes:
    return source.fetch(path, nullcontext, timeout_seconds).body


def test_body_comes_as_it_was_on_the_wire(source: HttpSource) -> None:
    response = source.fetch(PATH, nullcontext, 5)
    assert response.content_encoding == "gzip"
    assert len(json.loads(gzip.decompress(response.body))["works"]) == 20
    assert read_page(response).wire == response.body


def test_connection_is_kept(source: HttpSource, monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[object] = []
    connect = http_source._GatedHTTPConnection.connect

    def counted(self: http_source._GatedHTTPConnection) -> None:
        connected.append(self)
        connect(self)

    monkeypatch.setattr(http_source._GatedHTTPConnection, "connect", counted)
    for _ in range(5):
        fetch(source)
    assert len(connected) == 1


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("429", 429, "application/json"),
        ("403", 403, "text/html"),
        ("500", 500, "text/plain"),
        ("down", 503, "text/html"),
    ],
)
def test_status_and_type_are_handed_on(
    standin: StandIn, source: HttpSource, fault: str, status: int, kind: str
) -> None:
    standin.faults = {fault: FaultRule(rate=1)}
    response = source.fetch(PATH, nullcontext, 5)
    assert response.status == status
    assert response.content_type.startswith(kind)


def test_cut_connection_is_transient(standin: StandIn, source: HttpSource) -> None:
    standin.faults = {"cut": FaultRule(rate=1)}
    with pytest.raises(SourceUnreachableError) as cut:
        fetch(source)
    assert cut.value.tag == "transient"


def test_truncated_gzip_is_seen_by_the_reader(standin: StandIn, source: HttpSource) -> None:
    standin.faults = {"truncated-gzip": FaultRule(rate=1)}
    with pytest.raises(BodyRefusedError) as refused:
        read_page(source.fetch(PATH, nullcontext, 5))
    assert refused.value.code == "gzip_truncated"


def test_slow_answer_is_given_up(standin: StandIn, source: HttpSource) -> None:
    standin.faults = {"slow": FaultRule(rate=1, seconds=0.6)}
    with pytest.raises(SourceUnreachableError):
        fetch(source, timeout_seconds=0.2)


def test_nobody_there_is_transient() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        source = http_source_of(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(SourceUnreachableError):
            fetch(source, timeout_seconds=1)


def test_closed_gate_sends_nothing(standin: StandIn, source: HttpSource) -> None:
    timing = Timing()
    pacer = Pacer(3, timing, lambda: False)
    with pytest.raises(CrawlStoppingError):
        source.fetch(PATH, pacer.slot, 5)
    assert standin.requests() == []


def test_gate_waits_after_the_handshake_not_before(source: HttpSource) -> None:
    order: list[str] = []

    @contextmanager
    def gate() -> Iterator[None]:
        order.append("gate")
        yield
        order.append("sent")

    source.fetch(PATH, gate, 5)
    assert order == ["gate", "sent"]


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection with whatever ``answer`` writes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(5)
    listener.close()


def test_endless_body_is_cut_at_the_limit() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            return

    with raw_server(endless) as url:
        response = http_source_of(url, max_body_bytes=100_000).fetch(PATH, nullcontext, 5)
    assert response.cut_at_limit
    assert len(response.body) == 100_000


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 64),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100_000),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"", b"H"),
    ],
    ids=["body", "large pieces", "known length", "headers", "status line"],
)
def test_answer_that_drips_is_given_up_within_its_time(head: bytes, drop: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        try:
            for _ in range(60):
                connection.sendall(drop)
                time.sleep(0.05)
        except OSError:
            return

    clock = time.monotonic()
    with raw_server(drip) as url, pytest.raises(SourceUnreachableError):
        http_source_of(url).fetch(PATH, nullcontext, 0.3)
    # The server would go on for 3 s.
    assert time.monotonic() - clock < 1.5


def test_connection_that_died_while_the_gate_was_shut_is_replaced() -> None:
    # GIVEN a server that closes a connection on which nothing is sent at once
    listener = socket.create_server(("127.0.0.1", 0))
    closed = threading.Event()

    def serve() -> None:
        listener.accept()[0].close()
        closed.set()
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    threading.Thread(target=serve, daemon=True).start()

    @contextmanager
    def slow_gate() -> Iterator[None]:
        assert closed.wait(5)
        time.sleep(0.05)
        yield

    source = http_source_of(f"http://127.0.0.1:{listener.getsockname()[1]}")
    # WHEN a request waits at the gate for longer than that THEN it is answered all the same
    assert source.fetch(PATH, slow_gate, 5).body == b"{}"
    listener.close()


def test_redirection_is_not_followed() -> None:
    def redirect(connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
        )

    with raw_server(redirect) as url:
        assert http_source_of(url).fetch(PATH, nullcontext, 5).status == 301


@pytest.mark.parametrize(
    "answer",
    [
        b"\0\1\2 nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["no HTTP", "negative chunk", "interim answer"],
)
def test_garbage_is_transient(answer: bytes) -> None:
    with (
        raw_server(lambda connection: connection.sendall(answer)) as url,
        pytest.raises(SourceUnreachableError),
    ):
        fetch(http_source_of(url))
