"""Files on this machine, by ``file://`` URIs."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import file_digest, md5
from pathlib import Path
from typing import Final

from glue_etl.errors import StorageDeniedError, StorageError
from glue_etl.ports import FileInfo, Versioned

_SCHEME: Final = "file://"


class LocalFiles:
    """See :class:`glue_etl.ports.Files`.

    What follows ``file://`` is the path as it is: Spark decodes no ``%`` either.
    """

    def read(self, uri: str) -> bytes | None:
        """Read a file; see the port."""
        with _translated(uri):
            try:
                return path_of(uri).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write(self, uri: str, body: bytes) -> None:
        """Write a file; see the port."""
        with _translated(uri):
            path = path_of(uri)
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="_", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def read_versioned(self, uri: str) -> Versioned | None:
        """Read a file and the digest of its content; see the port."""
        body = self.read(uri)
        return None if body is None else Versioned(body, _digest(body))

    def write_if(self, uri: str, body: bytes, version: str | None) -> str | None:
        """Write a file on a condition, which a lock on its folder makes sure of; see the port."""
        with _translated(uri):
            path_of(uri).parent.mkdir(parents=True, exist_ok=True)
            with _locked(path_of(uri).parent):
                found = self.read_versioned(uri)
                if (found.version if found else None) != version:
                    return None
                self.write(uri, body)
                return _digest(body)

    def etag(self, file: FileInfo) -> str:
        """Return the digest of a file's content; see the port."""
        with _translated(file.uri), path_of(file.uri).open("rb") as body:
            # In pieces: a dump has gigabytes.
            return file_digest(body, lambda: md5(usedforsecurity=False)).hexdigest()

    def find(self, prefix: str) -> list[FileInfo]:
        """List files; see the port."""
        with _translated(prefix):
            start = prefix.removeprefix(_SCHEME)
            folder = start if start.endswith("/") else os.path.dirname(start)  # noqa: PTH120
            found = [
                FileInfo(f"{_SCHEME}{path}", path.stat().st_size)
                for path in _files(Path(folder))
                if str(path).startswith(start)
            ]
            return sorted(found)

    def folders(self, folder: str) -> list[str]:
        """List folders; see the port."""
        with _translated(folder):
            path = path_of(folder)
            return sorted(e.name for e in path.iterdir() if e.is_dir()) if path.is_dir() else []

    def delete(self, uri: str) -> None:
        """Delete a file or a folder; see the port."""
        with _translated(uri):
            path = path_of(uri)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def delete_unchanged(self, files: Sequence[FileInfo]) -> None:
        """Delete files on a condition, which holds but for a moment; see the port."""
        for file in files:
            with _translated(file.uri):
                if path_of(file.uri).is_file() and self.etag(file) == file.etag:
                    path_of(file.uri).unlink(missing_ok=True)


def path_of(uri: str) -> Path:
    """Return the path of a ``file://`` URI."""
    return Path(uri.removeprefix(_SCHEME))


def _digest(body: bytes) -> str:
    # As S3 has it for what is put in one part.
    return md5(body, usedforsecurity=False).hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _files(folder: Path) -> Iterator[Path]:
    for name, _, files in os.walk(folder):
        yield from (Path(name) / file for file in files)


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise StorageDeniedError(f"{uri}: {error}; give it to this user", uri=uri) from error
    except OSError as error:
        raise StorageError(f"{uri}: {error}", uri=uri) from error
