"""Find the packages that may differ from the deployed ones, by git and Pants."""

import re
import subprocess
from collections.abc import Mapping

from lake.deploy.packaging import services_changed
from lake.project import Project

COMMIT = re.compile(r"[0-9a-f]{40}")
# What every package is made with; Pants counts only what a package is made of.
BUILD_INPUTS = ("3rdparty", "build-support", "pants", "pants.toml", ".pants.bootstrap")


def commit_of(project: Project) -> str:
    """Return the commit of a clone; empty if something is not committed or git is missing."""
    if _git(project, "status", "--porcelain") != "":
        return ""
    return _git(project, "rev-parse", "HEAD") or ""


def describe_commit(project: Project) -> str:
    """Return the commit of a clone for people to read, and whether something is not committed."""
    commit = _git(project, "rev-parse", "--short=10", "HEAD")
    if commit is None:
        return "of an unknown commit"
    return commit if commit_of(project) else f"{commit}, with changes that are not committed"


def may_have_changed(project: Project, deployed: Mapping[str, str]) -> set[str]:
    """Return the services whose packages may differ from the deployed ones.

    Parameters
    ----------
    project
        The clone, with what is not committed in it.
    deployed
        Commit that the deployed package was built from, by service; empty if unknown.
    """
    found = set()
    for commit in set(deployed.values()):
        services = {name for name, known in deployed.items() if known == commit}
        if _is_comparable(project, commit):
            services &= services_changed(project, commit)
        found |= services
    return found


def _is_comparable(project: Project, commit: str) -> bool:
    if not COMMIT.fullmatch(commit) or _git(project, "cat-file", "-e", commit) is None:
        return False
    differences = _git(project, "diff", "--name-only", commit, "--", *BUILD_INPUTS)
    untracked = _git(project, "status", "--porcelain", "--", *BUILD_INPUTS)
    return differences == untracked == ""


def _git(project: Project, *arguments: str) -> str | None:
    """Return what git prints; None where it fails."""
    command = ["git", "-C", str(project.root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
