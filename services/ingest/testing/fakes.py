"""Fakes: a bucket in memory, a clock that moves when somebody sleeps, a scripted source."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from ingest.errors import IngestError, WriteConflictError
from ingest.ports import Gate, NewObject, SourceResponse, StoredObject, Timing

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


class Killed(BaseException):
    """The invocation is killed here; like a real kill, no ``except Exception`` sees it."""


class Killer:
    """Kills the process at the n-th call of the outside world, and at every one after it."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.calls = 0

    def step(self) -> None:
        """Count one boundary."""
        self.calls += 1
        if self.at is not None and self.calls > self.at:
            raise Killed


class MemoryStore:
    """A bucket in memory with S3's conditional writes; ``killer`` kills before or after a write."""

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.writes: list[str] = []
        self.reads: list[str] = []
        self.killer = Killer()
        self._lock = threading.RLock()

    def get(self, key: str) -> StoredObject | None:
        """Read an object."""
        self.killer.step()
        with self._lock:
            self.reads.append(key)
            return self.objects.get(key)

    def create(self, key: str, new: NewObject) -> bool:
        """Store an object unless the key is taken."""
        self.killer.step()
        with self._lock:
            self.writes.append(key)
            if key in self.objects:
                return False
            self._put(key, new.body, dict(new.metadata))
        self.killer.step()
        return True

    def replace(self, key: str, body: bytes, etag: str | None) -> str:
        """Store over the version with that ETag."""
        self.killer.step()
        with self._lock:
            found = self.objects.get(key)
            if (found.etag if found else None) != etag:
                raise WriteConflictError(key)
            self.writes.append(key)
            stored = self._put(key, body, {})
        self.killer.step()
        return stored.etag

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Return the keys that begin with a prefix."""
        self.killer.step()
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with a prefix; never killed."""
        return sorted(key for key in self.objects if key.startswith(prefix))

    def document(self, key: str) -> dict[str, object]:
        """Read a JSON object."""
        document: dict[str, object] = json.loads(self.objects[key].body)
        return document

    def _put(self, key: str, body: bytes, metadata: dict[str, str]) -> StoredObject:
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.objects[key] = StoredObject(body, metadata, f'"{etag}"')
        return self.objects[key]


@dataclass
class FakeClock:
    """Seconds since a fixed start; sleeping moves them, nothing else does."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the wall clock."""
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Return the monotonic clock."""
        return 1000.0 + self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        if seconds < 0:
            raise ValueError(seconds)
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def timing(self) -> Timing:
        """The clock as the logic takes it; chance always gives the middle."""
        return Timing(self.now, self.monotonic, self.sleep, lambda low, high: (low + high) / 2)


class InlineExecutor:
    """Runs each call at once, in the caller's thread: tests are the same every time."""

    def submit[T](self, fn: Callable[[], T], /) -> Future[T]:
        """Run a call."""
        future: Future[T] = Future()
        try:
            future.set_result(fn())
        except BaseException as error:
            future.set_exception(error)
        return future


Answer = Callable[[str, int, int], "SourceResponse | IngestError | None"]


def json_response(document: object, *, status: int = 200, zipped: bool = True) -> SourceResponse:
    """Make an answer with a JSON body."""
    body = json.dumps(document).encode()
    return SourceResponse(
        url="https://source.example",
        status=status,
        body=gzip.compress(body, compresslevel=1, mtime=0) if zipped else body,
        fetched_at=START,
        content_type="application/json",
        content_encoding="gzip" if zipped else "",
    )


@dataclass
class FakeSource:
    """A source with so many works by subject, and a script of what goes wrong.

    Attributes
    ----------
    works
        Number of works by subject.
    script
        Asked before each answer with subject, offset and limit: an answer to give, an error to
        raise, or ``None`` for the page itself.
    """

    works: Mapping[str, int]
    clock: FakeClock
    script: Answer = lambda subject, offset, limit: None
    on_request: Callable[[str, int, int], None] = lambda subject, offset, limit: None
    latency_seconds: float = 0.0
    sent_at: list[float] = field(default_factory=list)
    requests: list[tuple[str, int, int]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    killer: Killer = field(default_factory=Killer)

    def fetch(self, path: str, gate: Gate, timeout_seconds: float) -> SourceResponse:
        """Answer a request."""
        parts = urlsplit(path)
        subject = unquote(parts.path.removeprefix("/subjects/").removesuffix(".json"))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        offset, limit = int(query["offset"]), int(query["limit"])
        self.killer.step()
        with gate():
            self.sent_at.append(self.clock.seconds)
            self.requests.append((subject, offset, limit))
            self.paths.append(path)
            self.on_request(subject, offset, limit)
        self.clock.seconds += self.latency_seconds
        self.killer.step()
        scripted = self.script(subject, offset, limit)
        if isinstance(scripted, IngestError):
            raise scripted
        response = scripted or json_response(
            page(subject, offset, limit, self.works.get(subject, 0))
        )
        return SourceResponse(
            url=f"https://source.example{path}",
            status=response.status,
            body=response.body,
            fetched_at=self.clock.now(),
            content_type=response.content_type,
            content_encoding=response.content_encoding,
            retry_after=response.retry_after,
        )


def page(subject: str, offset: int, limit: int, total: int) -> dict[str, object]:
    """Make the page of a subject with ``total`` works."""
    works = [
        {"key": f"/works/OL{number}W", "title": f"{subject} {number}"}
        for number in range(offset, min(offset + limit, total))
    ]
    return {"key": f"/subjects/{subject}", "name": subject, "work_count": total, "works": works}
