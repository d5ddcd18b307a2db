"""A source of any behaviour on 127.0.0.1, and a whole ingest that crawls it on a fast clock.

Requests are real HTTP; waiting is not: the clock adds what somebody sleeps to the time that passes.
"""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ingest.adapters.http_source import HttpSource
from ingest.logic.heartbeat import (
    CrawlRules,
    HeartbeatDependencies,
    HeartbeatResult,
    run_heartbeat,
)
from ingest.openlibrary.api import OpenLibrary
from ingest.openlibrary.body import MAX_WIRE_BYTES
from ingest.openlibrary.subjects import parse_subjects
from ingest.ports import Gate, SourceResponse, Timing
from ingest.testing.fakes import START, MemoryStore
from ingest.testing.lake import SilentObserver
from schemas.events import Heartbeat
from schemas.keys import manifest_key
from schemas.ledger.run import RunManifest, SubjectOutcome

PAGE_SIZE = 20
#: In place of 30 s: the time of an answer is real.
REQUEST_SECONDS = 0.25
_HEARTBEAT_SECONDS = 300.0
_INVOCATION_SECONDS = 290.0


class FastClock:
    """The time since a fixed start, plus what was slept."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._slept = 0.0
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began + self._slept

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        with self._lock:
            self._slept += seconds

    def now(self) -> datetime:
        """Return the time of the wall clock."""
        return START + timedelta(seconds=self.seconds)

    @property
    def timing(self) -> Timing:
        """The clock as the logic takes it."""
        chance = random.Random(1)  # noqa: S311  # the same every time
        return Timing(self.now, lambda: self.seconds, self.sleep, chance.uniform)


@dataclass(frozen=True)
class Asked:
    """A request as the source got it; ``at`` is the clock's second, ``number`` counts from 1."""

    number: int
    at: float
    subject: str
    offset: int
    limit: int
    details: bool


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes
    ----------
    headers
        Besides the length.
    drips
        Whether the body comes byte by byte, for ever.
    cut
        Whether the connection ends in the middle of the body.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drips: bool = False
    cut: bool = False


def document(value: object, status: int = 200) -> Reply:
    """Return a JSON answer, compressed."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return Reply(status, gzip.compress(json.dumps(value).encode(), 1), headers)


def text(status: int, kind: str = "text/plain", **headers: str) -> Reply:
    """Return an answer without JSON; an underscore in a header's name stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, b"<html>no</html>", {"Content-Type": kind} | named)


def page_of(works: Sequence[int], asked: Asked, count: int | None = -1) -> Reply:
    """Return the page that was asked for of some works; ``count`` stands in for their number."""
    listed = [
        {"key": f"/works/OL{number}W", "title": f"Work {number}"}
        for number in works[asked.offset : asked.offset + asked.limit]
    ]
    return document({"work_count": len(works) if count == -1 else count, "works": listed})


Behaviour = Callable[[Asked], Reply | None]


class Adversary:
    """The source.

    Attributes
    ----------
    works
        Numbers of the works by subject, in order; a behaviour may change them.
    behaviour
        Asked before each answer: ``None`` lets the source serve the page.
    """

    def __init__(self, works: Mapping[str, Sequence[int]], clock: FastClock) -> None:
        self.works = {subject: list(numbers) for subject, numbers in works.items()}
        self.behaviour: Behaviour = lambda asked: None
        self.asked: list[Asked] = []
        self._clock = clock
        self._lock = threading.Lock()

    def reply(self, path: str) -> Reply:
        """Answer a request."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        subject = unquote(parts.path.removeprefix("/subjects/").removesuffix(".json"))
        with self._lock:
            asked = Asked(
                len(self.asked) + 1,
                self._clock.seconds,
                subject,
                int(query["offset"]),
                int(query["limit"]),
                "details" in query,
            )
            self.asked.append(asked)
            return self.behaviour(asked) or page_of(self.works.get(subject, []), asked)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve in threads; yield the URL."""
        server = _Server(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that hang up are what is tested."""


def _handler(adversary: Adversary) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536

        def do_GET(self) -> None:  # noqa: N802  # named so by http.server
            reply = adversary.reply(self.path)
            self.send_response(reply.status)
            length = 10**6 if reply.drips else len(reply.body)
            for name, value in {**reply.headers, "Content-Length": str(length)}.items():
                self.send_header(name, value)
            self.end_headers()
            if reply.drips:
                self._drip()
            body = reply.body[: len(reply.body) // 2] if reply.cut else reply.body
            self.close_connection = reply.drips or reply.cut
            self.wfile.write(body)

        def _drip(self) -> None:
            for _ in range(int(4 * REQUEST_SECONDS / 0.02)):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.02)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@dataclass
class _ImpatientSource:
    """The source with a shorter limit on the time of an answer, which the fast clock dates."""

    http: HttpSource
    clock: FastClock

    def fetch(self, path: str, gate: Gate, timeout_seconds: float) -> SourceResponse:
        response = self.http.fetch(path, gate, min(timeout_seconds, REQUEST_SECONDS))
        return replace(response, fetched_at=self.clock.now())


@dataclass
class AdversaryLake:
    """Ingest with HTTP to an adversary, and a bucket in memory."""

    adversary: Adversary
    clock: FastClock
    subjects: Sequence[object]
    url: str
    rate: float = 3.0
    max_works: int = 1000
    store: MemoryStore = field(default_factory=MemoryStore)
    heartbeats: int = 0

    def run_heartbeat(self, *, start: bool = False) -> HeartbeatResult:
        """Send a heartbeat at the clock's time."""
        self.heartbeats += 1
        rules = CrawlRules(PAGE_SIZE, self.max_works, self.rate, 1440, 1440)
        ends = self.clock.seconds + _INVOCATION_SECONDS
        http = HttpSource(
            self.url, "atlas/1 (a@example.org)", rules.in_flight, max_body_bytes=MAX_WIRE_BYTES
        )
        with closing(http), ThreadPoolExecutor(rules.in_flight) as executor:
            deps = HeartbeatDependencies(
                rules=rules,
                store=self.store,
                source=_ImpatientSource(http, self.clock),
                api=OpenLibrary(),
                executor=executor,
                timing=self.clock.timing,
                observer=SilentObserver(),
                owner=f"invocation-{self.heartbeats}",
                remaining_seconds=lambda: ends - self.clock.seconds,
                read_subjects=lambda: parse_subjects(json.dumps(self.subjects)),
            )
            return run_heartbeat(Heartbeat(scheduled_time=self.clock.now(), start=start), deps)

    def crawl(self) -> RunManifest:
        """Start a run, and send heartbeats every five minutes until it has its manifest."""
        began, result = self.clock.seconds, self.run_heartbeat(start=True)
        run_id = result.run_id
        assert run_id is not None  # a run was started
        first = self.heartbeats
        while not result.finished:
            following = began + _HEARTBEAT_SECONDS * (self.heartbeats - first + 1)
            self.clock.sleep(max(0.0, following - self.clock.seconds))
            result = self.run_heartbeat()
            if self.heartbeats - first > 300:
                raise AssertionError(f"not finished after {self.heartbeats} heartbeats: {result}")
        body = self.store.objects[manifest_key(run_id)].body
        return RunManifest.model_validate_json(body)

    def stored_works(self, outcome: SubjectOutcome) -> set[int]:
        """Return the numbers of the works in the pages that the manifest lists."""
        found: set[int] = set()
        for page in outcome.pages:
            plain = gzip.decompress(self.store.objects[page.key].body)
            text = plain.decode("utf-8", "surrogateescape")
            works: list[Any] = json.loads(text, parse_int=str)["works"]
            keys = (work["key"] for work in works)
            found |= {int(key.removeprefix("/works/OL").removesuffix("W")) for key in keys}
        return found
