"""What commands need of this machine."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lake.errors import PrerequisiteError
from lake.local.local_aws import LocalAws, port_is_free
from lake.local.spark import require_java
from lake.operations.doctor.findings import Finding
from lake.project import Project
from lake.reports.report import BROWSERS

GIB = 2**30
# Environments of the command, of Spark and of the report, packages, and a demo's data.
DISK_GIB = 5
# The local AWS, Spark with its default of 2 GB, and Pants.
MEMORY_GIB = 4


@dataclass(frozen=True)
class Machine:
    """What is there, so that tests can say it.

    Attributes
    ----------
    free_bytes
        Space on the disk of the clone.
    memory_bytes
        Memory of the machine.
    find
        Returns the path of a program, or None.
    require_java
        Raises PrerequisiteError without a Java for Spark.
    """

    free_bytes: int
    memory_bytes: int
    find: Callable[[str], str | None] = shutil.which
    require_java: Callable[[], object] = require_java


def this_machine(folder: Path) -> Machine:
    """Return what this machine has, on the disk of a folder."""
    import psutil

    return Machine(shutil.disk_usage(folder).free, psutil.virtual_memory().total)


def look_at_machine(project: Project, machine: Machine) -> list[Finding]:
    """Return what commands need of the machine."""
    return [
        _disk(machine),
        _memory(machine),
        _java(machine),
        _git(project, machine),
        _browser(machine),
    ]


def look_at_port(local: LocalAws, port: int) -> Finding:
    """Return whether the local AWS can listen on a port."""
    server = local.running()
    if server is not None:
        return Finding("local AWS", "fine", f"is running at {server.endpoint}")
    if local.is_alive():
        return Finding(
            "local AWS",
            "advice",
            "is running and does not answer",
            "It may be busy. './lake down' ends it, and saves the lake.",
        )
    if port_is_free(port):
        return Finding("local AWS", "fine", f"port {port} of 127.0.0.1 is free")
    return Finding(
        "local AWS",
        "problem",
        f"port {port} of 127.0.0.1 is in use by another program",
        "Choose another with './lake up --port', or end that program.",
    )


def _disk(machine: Machine) -> Finding:
    free = machine.free_bytes / GIB
    if free >= DISK_GIB:
        return Finding("disk", "fine", f"{free:.1f} GiB free")
    return Finding(
        "disk", "problem", f"{free:.1f} GiB free", f"Free {DISK_GIB} GiB; './pants' keeps caches."
    )


def _memory(machine: Machine) -> Finding:
    memory = machine.memory_bytes / GIB
    if memory >= MEMORY_GIB:
        return Finding("memory", "fine", f"{memory:.1f} GiB")
    return Finding("memory", "advice", f"{memory:.1f} GiB", "Run the ETL with '--memory 1g'.")


def _java(machine: Machine) -> Finding:
    try:
        machine.require_java()
    except PrerequisiteError as error:
        return Finding("Java", "problem", error.message, f"{error.hint} Or './lake demo --no-etl'.")
    return Finding("Java", "fine", "runs Spark")


def _git(project: Project, machine: Machine) -> Finding:
    if machine.find("git") and (project.root / ".git").exists():
        return Finding("git", "fine", "knows what changed since a deployment")
    return Finding(
        "git",
        "advice",
        "there is no git, or this is no clone",
        "Without it every deployment packages every service.",
    )


def _browser(machine: Machine) -> Finding:
    if any(machine.find(name) for name in BROWSERS):
        return Finding("browser", "fine", "makes images of the report")
    return Finding(
        "browser", "advice", "no Chromium or Chrome", "'./lake report --images' needs one."
    )
