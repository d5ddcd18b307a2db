"""Clones of the project in which process has another version or package."""

from pathlib import Path

from lake.project import Project
from tests.e2e.conftest import SANDBOX


def clone(folder: Path, version: str) -> Project:
    """Return a clone with the real templates and a version of process; its package is to be put."""
    project = Project(root=folder, dist=folder)
    (folder / "infra").symlink_to(SANDBOX / "infra")
    file = folder / "services/process/VERSION"
    file.parent.mkdir(parents=True)
    file.write_text(f"{version}\n")
    return project
