"""What the project keeps on disk, how much that is, and its removal."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake.errors import LakeError
from lake.project import Project

#: Environments without which ./lake itself does not start.
_NEEDED: Final = ("lake", "ministack")


@dataclass(frozen=True)
class Stored:
    """A folder that the next call makes again.

    Attributes
    ----------
    shared
        Whether other clones, or other projects, use it as well.
    """

    path: Path
    holds: str
    bytes: int
    shared: bool = False


def find_stored(project: Project, *, caches: bool, keep_local_aws: bool) -> list[Stored]:
    """Return what can be freed, the largest first.

    Parameters
    ----------
    caches
        Whether those of the user count, which clones share.
    keep_local_aws
        Whether its work stays: it is alive. What it has saved stays in any case.
    """
    venvs = sorted(path for path in (project.state / "venv").glob("*") if path.name not in _NEEDED)
    found = [(path, f"environment of {path.name}", False) for path in venvs]
    found += [
        (project.root / "dist", "packages", False),
        (project.root / ".pants.d", "logs and work of Pants", False),
    ]
    if not keep_local_aws:
        found.append((project.state / "local/tmp", "work of a local AWS that was killed", False))
    if caches:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        found += [
            (cache / "openlake", "Pex and resolved locks, of all clones", True),
            (cache / "pants", "Pants, of all projects", True),
        ]
    sized = [
        Stored(path, holds, size_of(path), shared)
        for path, holds, shared in found
        if path.is_dir() and not path.is_symlink()
    ]
    return sorted(sized, key=lambda stored: -stored.bytes)


def size_of(folder: Path) -> int:
    """Return the bytes on disk below a folder; a file with several names counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                status = Path(directory, name).lstat()
            except OSError:
                # It was removed meanwhile.
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def free(stored: Iterable[Stored]) -> int:
    """Remove folders; return the bytes that they took.

    Raises
    ------
    LakeError
        One could not be removed.
    """
    freed = 0
    for folder in stored:
        try:
            shutil.rmtree(folder.path)
        except OSError as error:
            raise LakeError(
                f"{folder.path} could not be removed: {error.strerror or error}",
                "End what uses it, and run the same command again.",
            ) from error
        freed += folder.bytes
    return freed
