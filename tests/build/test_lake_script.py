"""The `lake` script, in a clone whose environment only prints how it was called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SANDBOX = Path.cwd()
PYTHON = """#!/bin/sh
echo "root $LAKE_ROOT"
echo "from $LAKE_CALLED_FROM"
echo "arguments $*"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    (folder / "build-support").mkdir(parents=True)
    shutil.copy(SANDBOX / "lake", folder / "lake")
    shutil.copy(SANDBOX / "build-support/bootstrap.sh", folder / "build-support/bootstrap.sh")
    for name in ("lake", "ministack"):
        lock = folder / f"3rdparty/python/{name}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text("a lock\n")
        environment = folder / f".lake/venv/{name}"
        (environment / "bin").mkdir(parents=True)
        (environment / "installed.lock").write_text("a lock\n")
        (environment / "bin/python").write_text(PYTHON)
        (environment / "bin/python").chmod(0o755)
    return folder


def call(script: Path | str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [str(script), "status"],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", ["clone/lake", "absolute"])
def test_a_link_to_the_script_works(clone: Path, tmp_path: Path, target: str) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "first").symlink_to(clone / "lake" if target == "absolute" else f"../{target}")
    (bin_folder / "lake").symlink_to("first")

    done = call(bin_folder / "lake", tmp_path / "elsewhere")

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"root {clone}",
        f"from {tmp_path / 'elsewhere'}",
        "arguments -P -m lake status",
    ]


def test_a_folder_of_cdpath_is_not_taken_for_the_clone(clone: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "clone").mkdir(parents=True)

    done = call("clone/lake", tmp_path, CDPATH=str(other))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"root {clone}",
        f"from {tmp_path}",
        "arguments -P -m lake status",
    ]


def test_a_clone_that_cannot_be_written_says_so(clone: Path) -> None:
    shutil.rmtree(clone / ".lake")
    (clone / ".lake").write_text("not a folder")

    done = call(clone / "lake", clone)

    assert done.returncode == 1
    assert done.stderr == (
        f"error: {clone}/.lake cannot be written. Call lake from a clone in a folder of yours.\n"
    )
