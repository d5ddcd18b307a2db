"""Packages, built by Pants."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lake.errors import PackagingError
from lake.project import Project

# The platform on which packages for Lambda run as they are.
LAMBDA_MACHINE = ("Linux", "x86_64")
DEFAULT_ARCHITECTURE = "x86_64"
DEFAULT_PLATFORM = "linux_x86_64"
STOP_TIMEOUT_SECONDS = 10.0
LINES_SHOWN = 15

# What Pants puts before each line: the time and the level.
_LOG_PREFIX = re.compile(r"^\d\d:\d\d:\d\d\.\d\d \[[A-Z]+\] ")

OnLine = Callable[[str], None]


def package(
    project: Project,
    targets: Mapping[str, str],
    *,
    for_host: bool,
    architecture: str = DEFAULT_ARCHITECTURE,
    on_line: OnLine = lambda _line: None,
) -> list[Path]:
    """Build the packages of services and return where they are.

    Parameters
    ----------
    project
        The clone to build in.
    targets
        Names of services with the targets that package them, for example `{"ingest": "lambda"}`.
    for_host
        Build for this machine, which runs the local AWS, if it differs from what Lambda runs on.
    architecture
        Architecture of Lambda otherwise: x86_64 or arm64.
    on_line
        Called with each line that Pants prints, without time and level: the first time, it has much
        to set up.

    Raises
    ------
    PackagingError
        Pants failed; its last lines are in the message.
    """
    platform_name = _platform(project, for_host, architecture)
    environment = {} if platform_name == DEFAULT_PLATFORM else {"LAKE_PLATFORM": platform_name}
    specs = [f"services/{service}:{target}" for service, target in targets.items()]
    _run_pants(project, ["package", *specs], environment, on_line)
    return [project.package(service) for service in targets]


def services_changed(project: Project, commit: str) -> set[str]:
    """Return the services whose packages are made of something that differs from a commit.

    Raises
    ------
    PackagingError
        Pants failed; its last lines are in the message.
    """
    wanted = [f"--changed-since={commit}", "--changed-dependents=transitive", "--tag=deploy"]
    lines = _run_pants(project, [*wanted, "list"], {}, lambda _line: None)
    found = (re.fullmatch(r"services/(\w+):\w+", line) for line in lines)
    return {match.group(1) for match in found if match}


def _platform(project: Project, for_host: bool, architecture: str) -> str:
    if not for_host:
        return f"linux_{architecture}"
    if (platform.system(), platform.machine()) == LAMBDA_MACHINE:
        return DEFAULT_PLATFORM
    write_host_platform(project)
    return "host"


def _run_pants(
    project: Project, arguments: Sequence[str], variables: Mapping[str, str], on_line: OnLine
) -> list[str]:
    """Run Pants and return the lines that it prints."""
    environment = os.environ | variables
    environment.pop("PYTHONPATH", None)
    # Packaging needs no other, and resolving takes the longest of all that is set up at first.
    environment["LAKE_LOCKS"] = "default"
    lines: list[str] = []
    with subprocess.Popen(
        [str(project.root / "pants"), "--no-colors", *arguments],
        cwd=project.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                on_line(_LOG_PREFIX.sub("", lines[-1]))
        except BaseException:
            # On Ctrl-C: Pants would leave its daemon behind, still building.
            process.terminate()
            process.wait(STOP_TIMEOUT_SECONDS)
            stop_daemon(project)
            raise
    if process.returncode != 0:
        raise PackagingError(
            "Pants failed:\n" + "\n".join(lines[-LINES_SHOWN:]),
            f"Run './pants {' '.join(arguments)}' to see all of it.",
        )
    return lines


def stop_daemon(project: Project) -> None:
    """End the daemon that Pants keeps for the next call, with any build in progress."""
    import psutil

    from lake.processes import running_processes

    for process in running_processes():
        try:
            # Not by the file with its id: ids are reused, and a starting daemon has none yet.
            if f"pantsd [{project.root}]" in " ".join(process.cmdline()):
                process.terminate()
                process.wait(STOP_TIMEOUT_SECONDS)
        except psutil.Error:
            continue


def write_host_platform(project: Project) -> Path:
    """Describe this interpreter to Pants as the platform `host`; return the file.

    The form is Pex's *complete platform*: the environment markers of PEP 508 and the wheel tags
    that the interpreter accepts, best first.
    """
    from packaging.markers import default_environment
    from packaging.tags import sys_tags

    description = {
        "marker_environment": default_environment(),
        "compatible_tags": [str(tag) for tag in sys_tags()],
    }
    path = project.root / "3rdparty/platforms/host.json"
    path.write_text(json.dumps(description, indent=1, default=str) + "\n")
    return path
