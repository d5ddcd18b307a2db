from dataclasses import replace
from pathlib import Path

import pytest

from lake.errors import PrerequisiteError
from lake.local.local_aws import LocalAws, free_port
from lake.operations.doctor.findings import Finding, is_ready
from lake.operations.doctor.machine import GIB, Machine, look_at_machine, look_at_port
from lake.project import Project

GOOD = Machine(50 * GIB, 16 * GIB, find=lambda name: f"/usr/bin/{name}", require_java=lambda: None)


def no_java() -> None:
    raise PrerequisiteError("Spark needs Java.", "Install Java 17.")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / ".git").mkdir()
    return Project(tmp_path)


def states(project: Project, machine: Machine) -> dict[str, str]:
    return {found.name: found.state for found in look_at_machine(project, machine)}


def test_a_machine_with_everything_is_fine(project: Project) -> None:
    assert set(states(project, GOOD).values()) == {"fine"}


@pytest.mark.parametrize(
    ("machine", "name", "state"),
    [
        (replace(GOOD, free_bytes=GIB), "disk", "problem"),
        (replace(GOOD, memory_bytes=2 * GIB), "memory", "advice"),
        (replace(GOOD, require_java=no_java), "Java", "problem"),
        (replace(GOOD, find=lambda _: None), "browser", "advice"),
        (replace(GOOD, find=lambda _: None), "git", "advice"),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    project: Project, machine: Machine, name: str, state: str
) -> None:
    found = next(item for item in look_at_machine(project, machine) if item.name == name)

    assert found.state == state
    assert found.remedy


def test_a_port_in_use_is_a_problem(tmp_path: Path) -> None:
    import socket

    local, port = LocalAws(tmp_path, []), free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert look_at_port(local, port).state == "problem"

    assert look_at_port(local, port).state == "fine"


def test_a_local_aws_that_is_too_busy_to_answer_is_not_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = LocalAws(tmp_path, [])
    monkeypatch.setattr(local, "is_alive", lambda: True)

    found = look_at_port(local, free_port())

    assert (found.state, "./lake down" in found.remedy) == ("advice", True)


@pytest.mark.parametrize(
    ("state", "expected"), [("fine", True), ("advice", True), ("unknown", True), ("problem", False)]
)
def test_only_a_problem_stops_a_command(state: str, expected: bool) -> None:
    found = Finding("x", state, "")  # type: ignore[arg-type]  # one of them

    assert is_ready([found]) is expected
