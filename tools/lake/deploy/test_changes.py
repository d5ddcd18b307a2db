"""What changed, with a real git and a Pants that says what it is told to."""

import subprocess
import sys
from pathlib import Path

import pytest

from lake.deploy.changes import commit_of, may_have_changed
from lake.project import Project

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
UNKNOWN = "0" * 40


def git(project: Project, *arguments: str) -> str:
    done = subprocess.run(
        [*GIT, "-C", str(project.root), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A clone with one commit, and a Pants that finds process changed."""
    made = Project(tmp_path)
    (tmp_path / "pants").write_text(f"#!{sys.executable}\nprint('services/process:lambda')\n")
    (tmp_path / "pants").chmod(0o755)
    (tmp_path / "3rdparty").mkdir()
    (tmp_path / "3rdparty/default.lock").write_text("pydantic==2\n")
    git(made, "init", "--quiet")
    git(made, "add", "--all")
    git(made, "commit", "--quiet", "--message", "first")
    return made


def test_a_clean_clone_is_identified_by_its_commit(project: Project) -> None:
    assert commit_of(project) == git(project, "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["pants", "new.py"])
def test_uncommitted_changes_have_no_commit(project: Project, name: str) -> None:
    (project.root / name).write_text("changed")
    assert commit_of(project) == ""


def test_a_folder_without_git_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(Project(tmp_path)) == ""


def test_pants_says_what_changed_since_the_commit(project: Project) -> None:
    commit = commit_of(project)
    assert may_have_changed(project, {"ingest": commit, "process": commit}) == {"process"}


@pytest.mark.parametrize("commit", ["", UNKNOWN, "--output=/etc/passwd", "HEAD"])
def test_with_an_unknown_commit_everything_may_have_changed(project: Project, commit: str) -> None:
    known = commit_of(project)
    assert may_have_changed(project, {"ingest": commit, "process": known}) == {"ingest", "process"}


@pytest.mark.parametrize("name", ["3rdparty/default.lock", "3rdparty/new.txt", "pants.toml"])
@pytest.mark.parametrize("committed", [True, False])
def test_a_change_of_the_build_may_change_every_package(
    project: Project, name: str, committed: bool
) -> None:
    commit = commit_of(project)
    (project.root / name).write_text("changed")
    if committed:
        git(project, "add", "--all")
        git(project, "commit", "--quiet", "--message", "second")
    assert may_have_changed(project, {"ingest": commit}) == {"ingest"}
