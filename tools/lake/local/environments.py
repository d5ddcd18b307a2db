"""Environments of their own, for what few calls need: made at the first use from their locks."""

import subprocess
from pathlib import Path

from lake.errors import PrerequisiteError
from lake.project import Project

LINES_SHOWN = 5


def environment(project: Project, name: str) -> Path:
    """Return the Python of an environment, which is made first where its lock changed.

    Raises
    ------
    PrerequisiteError
        It could not be made.
    """
    done = subprocess.run(
        [str(project.root / "build-support/venv"), name],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        told = "\n".join(done.stderr.strip().splitlines()[-LINES_SHOWN:])
        raise PrerequisiteError(
            f"The environment of {name} could not be made:\n{told}",
            "Correct that and run the same command again.",
        )
    return project.state / "venv" / name / "bin/python"
