"""Part of the data bucket as local files, for Spark, which cannot read S3 here.

Files are named by their keys. ETags of staged and uploaded objects are kept, so that only new and
changed objects are fetched.
"""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lake.aws import Cloud
from lake.errors import EtlError
from lake.objects import StoredObject, list_objects

PARALLEL = 16
KNOWN = "staged.json"
# The mirror of the bucket; other files of the folder are the stage's own.
DATA = "data"

OnObjects = Callable[[int, int], None]


@dataclass(frozen=True)
class Staged:
    """The outcome of staging: objects in all, objects and bytes fetched, files removed."""

    objects: int
    fetched: int
    bytes: int
    removed: int


@dataclass(frozen=True)
class Stage:
    """The local mirror of a bucket.

    Attributes
    ----------
    folder
        Holds the data and the ETags.
    """

    folder: Path

    @property
    def data(self) -> Path:
        """The folder that mirrors the bucket."""
        return self.folder / DATA

    def path(self, key: str) -> Path:
        """Return where an object is staged.

        Raises
        ------
        EtlError
            The key would lead out of the folder.
        """
        if not key or key.startswith("/") or {"", ".", ".."} & set(key.split("/")):
            raise EtlError(
                f"The object {key!r} cannot be a file here: its key is not a path.",
                "The lake writes no such name: find out who did, and remove it.",
            )
        return self.data / PurePosixPath(key)

    def uri(self, key: str) -> str:
        """Return the address of a key or prefix for Spark, which takes a path as it is."""
        return f"file://{self.data.resolve()}/{key}"

    def fetch(
        self,
        cloud: Cloud,
        bucket: str,
        wanted: Iterable[StoredObject],
        on_objects: OnObjects = lambda _done, _all: None,
    ) -> Staged:
        """Make the folder hold exactly the wanted objects.

        Parameters
        ----------
        cloud, bucket
            Where they are.
        wanted
            The objects to have.
        on_objects
            Called with the number of objects fetched and to be fetched.
        """
        objects = {item.key: item for item in wanted}
        known = self._known()
        removed = self._remove_others(objects)
        missing = [item for item in objects.values() if not self._is_current(item, known)]
        try:
            with _workers() as pool:
                jobs = {pool.submit(self._fetch_one, cloud, bucket, o): o for o in missing}
                for done, job in enumerate(as_completed(jobs), 1):
                    job.result()
                    known[jobs[job].key] = jobs[job].etag
                    on_objects(done, len(missing))
        finally:
            self._remember({key: etag for key, etag in known.items() if self.path(key).exists()})
        return Staged(len(objects), len(missing), sum(o.size for o in missing), removed)

    def store(
        self,
        cloud: Cloud,
        bucket: str,
        prefixes: Iterable[str],
        on_objects: OnObjects = lambda _done, _all: None,
    ) -> int:
        """Make the objects below some prefixes exactly the staged files; return the number sent.

        Objects without a file are removed: they are left over from an earlier attempt, in which
        there were other files.

        Raises
        ------
        EtlError
            An object is not what was sent.
        """
        sent = 0
        for prefix in prefixes:
            files = {str(path.relative_to(self.data)): path for path in self._files(prefix)}
            there = {item.key: item for item in list_objects(cloud, bucket, prefix)}
            _delete(cloud, bucket, sorted(there.keys() - files.keys()))
            known = self._known()
            new = [
                key
                for key, path in files.items()
                if key not in there
                or known.get(key) != there[key].etag
                or there[key].size != path.stat().st_size
            ]
            with _workers() as pool:
                jobs = [pool.submit(_send, cloud, bucket, key, files[key]) for key in new]
                for done, job in enumerate(as_completed(jobs), 1):
                    job.result()
                    on_objects(done, len(new))
            self._check_sent(files, list_objects(cloud, bucket, prefix), known)
            sent += len(new)
        return sent

    def remove(self, prefix: str) -> None:
        """Remove the files below a prefix, and forget of which objects they were.

        A file that comes in the place of one, as large as it was, must be sent.
        """
        for path in self._files(prefix):
            path.unlink()
        self._remove_empty_folders()
        kept = {key: etag for key, etag in self._known().items() if not key.startswith(prefix)}
        self._remember(kept)

    def _check_sent(
        self, files: dict[str, Path], there: Iterable[StoredObject], known: dict[str, str]
    ) -> None:
        sizes = {}
        for item in there:
            sizes[item.key] = item.size
            known[item.key] = item.etag
        for key, path in files.items():
            if sizes.get(key) != path.stat().st_size:
                raise EtlError(
                    f"The object {key} did not arrive complete.", "Run the same command again."
                )
        self._remember(known)

    def _fetch_one(self, cloud: Cloud, bucket: str, item: StoredObject) -> None:
        path = self.path(item.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name that Spark and the jobs ignore, until the file is complete.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix="_", delete=False) as file:
            try:
                cloud.client("s3").download_fileobj(bucket, item.key, file)
                file.close()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    def _is_current(self, item: StoredObject, known: dict[str, str]) -> bool:
        path = self.path(item.key)
        return (
            known.get(item.key) == item.etag and path.is_file() and path.stat().st_size == item.size
        )

    def _files(self, prefix: str = "") -> list[Path]:
        folder = self.path(prefix.rpartition("/")[0]) if "/" in prefix else self.data
        return sorted(
            path
            for path in folder.rglob("*")
            if path.is_file() and str(path.relative_to(self.data)).startswith(prefix)
        )

    def _remove_others(self, wanted: Iterable[str]) -> int:
        keep = {self.path(key) for key in wanted}
        others = [path for path in self._files() if path not in keep]
        for path in others:
            path.unlink()
        self._remove_empty_folders()
        return len(others)

    def _remove_empty_folders(self) -> None:
        folders = [path for path in self.data.rglob("*") if path.is_dir()]
        for folder in sorted(folders, reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _known(self) -> dict[str, str]:
        try:
            found: Any = json.loads((self.folder / KNOWN).read_text())
        except (OSError, ValueError):
            return {}
        return dict(found) if isinstance(found, dict) else {}

    def _remember(self, known: dict[str, str]) -> None:
        path = self.folder / KNOWN
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(".new")
        written.write_text(json.dumps(known))
        written.replace(path)


@contextlib.contextmanager
def _workers() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(PARALLEL)
    try:
        yield pool
    finally:
        # Drop what has not started, so that Ctrl-C and errors do not wait for it.
        pool.shutdown(cancel_futures=True)


def _send(cloud: Cloud, bucket: str, key: str, path: Path) -> None:
    cloud.client("s3").upload_file(str(path), bucket, key)


def _delete(cloud: Cloud, bucket: str, keys: list[str]) -> None:
    for start in range(0, len(keys), 1000):
        batch = [{"Key": key} for key in keys[start : start + 1000]]
        answer = cloud.client("s3").delete_objects(
            Bucket=bucket, Delete={"Objects": batch, "Quiet": True}
        )
        if answer.get("Errors"):
            raise EtlError(
                f"Objects of an earlier attempt cannot be removed: {answer['Errors'][0]}"
            )
