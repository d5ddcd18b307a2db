"""Whole snapshots of the state of the local AWS, each of a session that ended of itself.

The server writes objects as they come and all else when it is asked to end, so its files are whole
only after that. A session therefore works on a copy of the newest snapshot, and what it leaves
becomes the next one or, if the server was killed or could not write, is dropped.

    saved/000003/snapshot.json, state/, s3/
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

#: Folders below the server's own in which it keeps its state.
STATE: Final = "state"
OBJECTS: Final = "s3"
_KEPT: Final = (STATE, OBJECTS)
_DESCRIPTION: Final = "snapshot.json"
_WRITING: Final = "writing"
_HOST: Final = "127.0.0.1"
#: How the server's log says that something was not written or not read; it goes on all the same.
_COMPLAINT: Final = re.compile(
    r"Persistence: (failed|error|\S+ state is format)|Lambda persistence: |[Ff]ailed to persist"
    r"|Failed to (restore|load|read|delete) persisted|No space left"
)


class NotWholeError(Exception):
    """What a session left, or what was saved, is not a whole state; the message says why."""


@dataclass(frozen=True)
class Snapshot:
    """A whole state.

    Attributes
    ----------
    saved
        When its session ended, ISO 8601 in UTC.
    port
        Port that its server had; addresses of queues and settings of functions name it.
    files, bytes
        How many files it has, and their size.
    """

    path: Path
    saved: str
    port: int
    files: int
    bytes: int

    @property
    def moment(self) -> str:
        """When it was saved, in the time zone of this machine."""
        return f"{datetime.fromisoformat(self.saved).astimezone():%Y-%m-%d %H:%M}"


class Snapshots:
    """The snapshots below one folder.

    Parameters
    ----------
    folder
        Where they are; on the file system of the sessions, so that files can be linked.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def newest(self) -> Snapshot | None:
        """Return the newest snapshot; None if nothing was saved.

        Raises
        ------
        NotWholeError
            Its description is missing or damaged.
        """
        numbered = sorted(path for path in self.folder.glob("*") if path.name.isdigit())
        if not numbered:
            return None
        path = numbered[-1]
        try:
            return Snapshot(path, **json.loads((path / _DESCRIPTION).read_text()))
        except (OSError, ValueError, TypeError):
            raise NotWholeError(f"{path / _DESCRIPTION} is missing or damaged") from None

    def copy_to(self, session: Path, port: int) -> Snapshot | None:
        """Put a copy of the newest snapshot into the folder of a session.

        Parameters
        ----------
        session
            The folder in which the server is to have its files.
        port
            Port that the server is to have.

        Raises
        ------
        NotWholeError
            Files of it are missing or have another size.
        """
        newest = self.newest()
        if newest is None:
            return None
        if _measure(newest.path) != (newest.files, newest.bytes):
            raise NotWholeError(f"{newest.path} is not as it was saved")
        for name in _KEPT:
            if (newest.path / name).is_dir():
                # The server replaces files and never writes into one, so a link is a copy.
                shutil.copytree(newest.path / name, session / name, copy_function=_link)
        if newest.port != port:
            _move_to_port(session / STATE, newest.port, port)
        return newest

    def save(self, session: Path, port: int, log: Path) -> Snapshot | None:
        """Make what an ended session left the newest snapshot, and remove the others.

        Return ``None`` when the server has no state.

        Parameters
        ----------
        session
            The folder in which the server had its files.
        port
            Port that the server had.
        log
            The server's log.

        Raises
        ------
        NotWholeError
            The server did not write everything.
        """
        before = self.newest()
        require_no_complaint(log)
        if before is not None and (stale := sorted(_not_rewritten(before.path, session))):
            raise NotWholeError(f"the server did not save {', '.join(stale)}")
        if not any(_files(session)):
            return None
        writing = self.folder / _WRITING
        shutil.rmtree(writing, ignore_errors=True)
        writing.mkdir(parents=True)
        for name in _KEPT:
            if (session / name).is_dir():
                (session / name).rename(writing / name)
        path = self.folder / f"{int(before.path.name) + 1 if before else 1:06}"
        made = Snapshot(path, datetime.now(UTC).isoformat(), port, *_measure(writing))
        description = {name: value for name, value in asdict(made).items() if name != "path"}
        (writing / _DESCRIPTION).write_text(json.dumps(description))
        # Before the name that makes it count, so that a power failure leaves the one before.
        os.sync()
        writing.rename(path)
        self._remove_all_but(path)
        return made

    def wipe(self) -> None:
        """Remove every snapshot."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_all_but(self, kept: Path) -> None:
        for path in self.folder.iterdir():
            if path != kept:
                shutil.rmtree(path, ignore_errors=True)


def require_no_complaint(log: Path) -> None:
    """Check that the server's log does not say that state was not written or not read.

    Raises
    ------
    NotWholeError
        It does; the message is the first such line.
    """
    for line in log.read_text(errors="replace").splitlines():
        if _COMPLAINT.search(line):
            raise NotWholeError(f"the server says: {line.strip()}")


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _move_to_port(state: Path, old: int, new: int) -> None:
    """Correct the addresses in a copied state; the server finds a queue by its address."""
    for path in state.glob("*.json"):
        text, status = path.read_text("utf-8"), path.stat()
        path.unlink()  # the snapshot's file has another name
        path.write_text(text.replace(f"://{_HOST}:{old}", f"://{_HOST}:{new}"), "utf-8")
        # By this time it shows whether the server has written it anew.
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _files(folder: Path) -> Iterator[Path]:
    for name in _KEPT:
        for directory, _, names in os.walk(folder / name):
            yield from (Path(directory, file) for file in names)


def _measure(folder: Path) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in _files(folder)]
    return len(sizes), sum(sizes)


def _not_rewritten(before: Path, session: Path) -> Iterator[str]:
    """Yield the services whose state is that of the snapshot before, or missing."""
    for old in (before / STATE).glob("*.json"):
        new = session / STATE / old.name
        if not new.exists() or (_time(new) == _time(old) and not _is_empty(old)):
            yield old.stem


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns


def _is_empty(state: Path) -> bool:
    """Return whether a service had no state: the server does not load it, so it saves none."""
    found = json.loads(state.read_text("utf-8"))
    return not found.get("payload", found)
