"""Separate environments for what few commands need, created from their locks at first use."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lake.errors import PrerequisiteError
from lake.project import Project

LINES_SHOWN = 5


class EnvironmentInstall:
    """An environment that is being created, beside whatever else is done."""

    def __init__(self, project: Project, name: str) -> None:
        self._name = name
        self._python = project.state / "venv" / name / "bin/python"
        self._process = subprocess.Popen(
            [str(project.root / "build-support/venv"), name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # In a process group of its own, so that pip ends with it.
            start_new_session=True,
        )

    def wait(self) -> Path:
        """Return the Python of the environment when it is there.

        Raises
        ------
        PrerequisiteError
            It could not be created.
        """
        _, errors = self._process.communicate()
        if self._process.returncode != 0:
            last_lines = "\n".join(errors.strip().splitlines()[-LINES_SHOWN:])
            raise PrerequisiteError(
                f"The environment of {self._name} could not be created:\n{last_lines}",
                "Correct that and run the same command again.",
            )
        return self._python

    def stop(self) -> None:
        """End it, unless it is there; the next time, it is created from the beginning."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.communicate()


@contextlib.contextmanager
def installing(project: Project, name: str) -> Iterator[EnvironmentInstall]:
    """Begin to create an environment, at first and when its lock changed; stop it at the end."""
    install = EnvironmentInstall(project, name)
    try:
        yield install
    finally:
        install.stop()


def environment(project: Project, name: str) -> Path:
    """Return the Python of an environment; it is created at first and when its lock changed.

    Raises
    ------
    PrerequisiteError
        It could not be created.
    """
    with installing(project, name) as install:
        return install.wait()
