"""Separate environments for what few commands need, created from their locks at first use."""

import subprocess
from pathlib import Path

from lake.errors import PrerequisiteError
from lake.project import Project

LINES_SHOWN = 5


def environment(project: Project, name: str) -> Path:
    """Return the Python of an environment; it is created at first and when its lock changed.

    Raises
    ------
    PrerequisiteError
        It could not be created.
    """
    done = subprocess.run(
        [str(project.root / "build-support/venv"), name],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last_lines = "\n".join(done.stderr.strip().splitlines()[-LINES_SHOWN:])
        raise PrerequisiteError(
            f"The environment of {name} could not be created:\n{last_lines}",
            "Correct that and run the same command again.",
        )
    return project.state / "venv" / name / "bin/python"
