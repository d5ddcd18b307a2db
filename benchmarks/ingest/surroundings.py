"""What the crawler is measured in: the stand-in in a process of its own, a bucket in a folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from ingest.errors import WriteConflictError
from ingest.ports import NewObject, StoredObject


@dataclass(frozen=True)
class Server:
    """A stand-in that is running."""

    url: str

    def arrivals(self) -> list[float]:
        """When requests arrived, in seconds, in order."""
        return sorted(request["time"] for request in self._get("requests"))

    def refusals(self) -> int:
        """Requests that were answered 429 or 403."""
        return sum(request["status"] in (403, 429) for request in self._get("requests"))

    def _get(self, name: str) -> Any:
        return requests.get(f"{self.url}/_standin/{name}", timeout=60).json()


@contextmanager
def stand_in(subjects: dict[str, int], latency_ms: float) -> Iterator[Server]:
    """Run a stand-in that serves such subjects, slowly, with OpenLibrary's limit on requests."""
    command = [sys.executable, "-m", "openlibrary_standin", "--latency-ms", str(latency_ms)]
    for subject, works in subjects.items():
        command += ["--subject", f"{subject}={works}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(  # this project's own module
        command,  # this project's own module
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            yield Server(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()


class FolderStore:
    """A bucket in a folder: an object is two files, its ETag the digest of its bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> StoredObject | None:
        """Read an object."""
        path = self._path(key)
        if not path.exists():
            return None
        body = path.read_bytes()
        metadata = json.loads(path.with_suffix(".meta").read_text())
        return StoredObject(body, metadata, _etag(body))

    def create(self, key: str, new: NewObject) -> bool:
        """Store an object where there is none."""
        path = self._path(key)
        try:
            with path.open("xb") as file:
                file.write(new.body)
        except FileExistsError:
            return False
        path.with_suffix(".meta").write_text(json.dumps(dict(new.metadata)))
        return True

    def replace(self, key: str, body: bytes, etag: str | None) -> str:
        """Store over the version with that ETag."""
        found = self.get(key)
        if (found.etag if found else None) != etag:
            raise WriteConflictError(key)
        self._path(key).write_bytes(body)
        self._path(key).with_suffix(".meta").write_text("{}")
        return _etag(body)

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Give the keys that begin with a prefix."""
        names = (path.name for path in self._folder.iterdir() if path.suffix != ".meta")
        return iter(sorted(name for name in names if name.startswith(quote(prefix, safe=""))))

    def _path(self, key: str) -> Path:
        return self._folder / quote(key, safe="")


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
