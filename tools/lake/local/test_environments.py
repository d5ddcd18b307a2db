import contextlib
import time
from pathlib import Path

import psutil
import pytest

from lake.errors import PrerequisiteError
from lake.local.environments import environment, installing
from lake.project import Project

WAITS_FOR_EVER = "#!/bin/sh\nsleep 600 & echo $! >pip-$1\nwait\n"
ENDS_SECONDS = 10.0


def clone_with(folder: Path, script: str) -> Project:
    path = folder / "build-support/venv"
    path.parent.mkdir()
    path.write_text(script)
    path.chmod(0o755)
    return Project(folder)


def test_an_environment_is_the_python_that_the_script_made(tmp_path: Path) -> None:
    clone = clone_with(tmp_path, "#!/bin/sh\nexit 0\n")

    assert environment(clone, "spark") == clone.state / "venv/spark/bin/python"


def test_one_that_cannot_be_created_says_why_when_it_is_waited_for(tmp_path: Path) -> None:
    clone = clone_with(tmp_path, '#!/bin/sh\necho "no index for $1" >&2\nexit 1\n')

    with (
        installing(clone, "report") as install,
        pytest.raises(PrerequisiteError, match="no index for"),
    ):
        install.wait()


def test_what_is_given_up_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an environment that is being created WHEN what it was for fails THEN pip ends."""
    monkeypatch.chdir(tmp_path)
    clone = clone_with(tmp_path, WAITS_FOR_EVER)
    until = time.monotonic() + ENDS_SECONDS

    with contextlib.suppress(ValueError), installing(clone, "spark"):
        pip = begun(tmp_path / "pip-spark", until)
        raise ValueError("no page")

    assert not lives(pip, until)


def begun(told: Path, until: float) -> int:
    """Return the process that a script has begun."""
    while not told.exists() or not told.read_text().strip():
        assert time.monotonic() < until
        time.sleep(0.05)
    return int(told.read_text())


def lives(process: int, until: float) -> bool:
    """Return whether a process is still there at a time; it is given so long to end."""
    while psutil.pid_exists(process) and time.monotonic() < until:
        if psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
            return False
        time.sleep(0.05)
    return bool(psutil.pid_exists(process))
