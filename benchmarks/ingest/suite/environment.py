"""What the crawler is measured in: the stand-in in a process of its own, a bucket in a folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import requests

from benchmarks.common.medians import python_environment
from ingest.errors import WriteConflictError
from ingest.ports import NewObject, StoredObject

_TEMPORARY: Final = ".tmp"


@dataclass(frozen=True)
class Arrival:
    """A request as the stand-in saw it: second, subject, offset, limit, status, faults."""

    time: float
    subject: str
    offset: int
    limit: int
    status: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Server:
    """A stand-in that is running."""

    url: str

    def arrivals(self) -> list[Arrival]:
        """Return the requests so far, in the order in which they arrived."""
        return sorted(map(_arrival, self._get("requests")), key=lambda one: one.time)

    def reset(self) -> None:
        """Forget the requests so far."""
        requests.post(f"{self.url}/_standin/reset", timeout=60)

    def _get(self, name: str) -> Any:
        return requests.get(f"{self.url}/_standin/{name}", timeout=60).json()


def _arrival(logged: Mapping[str, Any]) -> Arrival:
    subject = unquote(logged["path"]).removeprefix("/subjects/").removesuffix(".json")
    offset, limit = (int(logged["params"].get(name, 0)) for name in ("offset", "limit"))
    faults = tuple(logged["faults"])
    return Arrival(logged["time"], subject, offset, limit, logged["status"], faults)


def refusals(arrivals: Sequence[Arrival]) -> int:
    """Count the requests that were answered 429 or 403."""
    return sum(one.status in (403, 429) for one in arrivals)


def windows(times: Sequence[float], rate: int) -> list[float]:
    """Return the length in seconds of every run of ``rate + 1`` requests: at the rate, above 1."""
    return [later - first for first, later in zip(times, times[rate:], strict=False)]


def crowded(times: Sequence[float], rate: int) -> int:
    """Count the windows of one second with more requests than the rate allows."""
    return sum(length <= 1.0 for length in windows(times, rate))


@contextmanager
def stand_in(
    subjects: Mapping[str, int], latency_ms: float = 0, options: Sequence[str] = ()
) -> Iterator[Server]:
    """Run a stand-in that serves such subjects, slowly, with more options of its command line."""
    command = [sys.executable, "-m", "openlibrary_standin", "--latency-ms", str(latency_ms)]
    for subject, works in subjects.items():
        command += ["--subject", f"{subject}={works}"]
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        text=True,
        env=python_environment(),
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            yield Server(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()


class FolderStore:
    """A bucket in a folder, which outlives the process: a file is there whole or not at all.

    An object is one file, its metadata in the first line; its ETag is the digest of its bytes.

    Attributes
    ----------
    cpu_seconds
        CPU time spent in here: what measuring costs, and not the crawl.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.cpu_seconds = 0.0

    def get(self, key: str) -> StoredObject | None:
        """Read an object."""
        with self._measured():
            try:
                content = self._path(key).read_bytes()
            except FileNotFoundError:
                return None
            head, _, body = content.partition(b"\n")
            return StoredObject(body, json.loads(head), _etag(body))

    def create(self, key: str, new: NewObject) -> bool:
        """Store an object unless the key is taken."""
        with self._measured():
            temporary = self._written(new.body, new.metadata)
            try:
                self._path(key).hardlink_to(temporary)
            except FileExistsError:
                return False
            finally:
                temporary.unlink()
            return True

    def replace(self, key: str, body: bytes, etag: str | None) -> str:
        """Store over the version with that ETag."""
        found = self.get(key)
        if (found.etag if found else None) != etag:
            raise WriteConflictError(key)
        with self._measured():
            self._written(body, {}).replace(self._path(key))
        return _etag(body)

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Return the keys that begin with a prefix."""
        keys = (unquote(path.name) for path in self._folder.iterdir() if _is_object(path))
        return iter(sorted(key for key in keys if key.startswith(prefix)))

    def stored_at(self) -> dict[str, float]:
        """Return the monotonic second at which each object was written."""
        since_boot = time.time() - time.monotonic()
        return {
            unquote(path.name): path.stat().st_mtime - since_boot
            for path in self._folder.iterdir()
            if _is_object(path)
        }

    @contextmanager
    def _measured(self) -> Iterator[None]:
        start = time.thread_time()
        try:
            yield
        finally:
            with self._lock:
                self.cpu_seconds += time.thread_time() - start

    def _written(self, body: bytes, metadata: Mapping[str, str]) -> Path:
        temporary = self._folder / f"{os.getpid()}-{threading.get_ident()}{_TEMPORARY}"
        with temporary.open("wb") as file:
            file.write(json.dumps(dict(metadata)).encode() + b"\n")
            file.write(body)
        return temporary

    def _path(self, key: str) -> Path:
        return self._folder / quote(key, safe="")


def _is_object(path: Path) -> bool:
    return path.suffix != _TEMPORARY


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
