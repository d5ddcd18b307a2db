import io
from typing import Any

import pytest
from rich.console import Console

from lake.aws import Cloud
from lake.deploy import deployment, history, stacks
from lake.deploy.command import Request, release
from lake.deploy.units import Unit, select
from lake.errors import DeployError, NotDeployedError
from lake.project import Project, current_project

CLOUD = Cloud(endpoint="http://127.0.0.1:1")
(PROCESS,) = select(["process"])


def plan(unit: Unit, *, creates: bool) -> deployment.Plan:
    change_set = stacks.ChangeSet("stack", "arn", creates_stack=creates)
    return deployment.Plan(unit, "stack", history.Release("", {}), {}, change_set)


@pytest.fixture
def discarded() -> list[str]:
    """The change sets that were discarded."""
    return []


@pytest.fixture
def err(monkeypatch: pytest.MonkeyPatch, discarded: list[str]) -> Console:
    """Plans in an environment where bootstrap and foundation exist only if `creates` says so."""
    monkeypatch.setattr(deployment, "changed_units", lambda *_: [])
    monkeypatch.setattr(deployment, "package", lambda *_: None)
    monkeypatch.setattr(stacks, "discard", lambda _, change_set: discarded.append(change_set.arn))
    return Console(file=io.StringIO(), width=100)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def dry_run(err: Console, *names: str) -> None:
    request = Request(names=list(names), settings=[], dry_run=True, allow_reused_version=True)
    assert release(CLOUD, current_project(), request, err, err) == []


def test_a_dry_run_on_an_empty_aws_says_what_comes_first(
    err: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan_unit(_cloud: Cloud, _project: Project, unit: Unit, *_: Any, **__: Any) -> Any:
        if unit.name == "process":
            raise NotDeployedError("The SSM parameter is not set.")
        return plan(unit, creates=True)

    monkeypatch.setattr(deployment, "plan_unit", plan_unit)

    dry_run(err, "process", "bootstrap", "foundation")

    assert "process can be planned after bootstrap and foundation" in printed(err)


def test_a_unit_whose_needs_are_not_deployed_is_an_error(
    err: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan_unit(*_: Any, **__: Any) -> Any:
        raise NotDeployedError("The SSM parameter is not set.")

    monkeypatch.setattr(deployment, "plan_unit", plan_unit)

    with pytest.raises(NotDeployedError):
        dry_run(err, "process")


def test_a_rollback_names_its_target(err: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def plan_rollback(_cloud: Cloud, unit: Unit) -> deployment.Plan:
        target = history.Release(
            "", {"ServiceVersion": "1.2.0"}, "c0ffee" * 7, "20261126T060000000000Z"
        )
        return deployment.Plan(unit, "stack", target, {}, None)

    monkeypatch.setattr(deployment, "plan_rollback", plan_rollback)
    monkeypatch.setattr(
        deployment,
        "apply",
        lambda *_: deployment.Deployed("process", "stack", "1.2.0", changed=True, outputs={}),
    )
    request = Request(names=["process"], settings=[], confirm=False, rollback=True)

    release(CLOUD, current_project(), request, err, err)

    expected = "back to version 1.2.0, deployed 2026-11-26 06:00:00 UTC, commit c0ffeec0ff"
    assert expected in printed(err)


def test_a_rollback_of_nothing_says_how_to_name_the_units(err: Console) -> None:
    request = Request(names=[], settings=[], confirm=False, rollback=True)

    with pytest.raises(DeployError, match="needs the units") as caught:
        release(Cloud(env="dev"), current_project(), request, err, err)

    assert caught.value.hint == "Name them: ./lake deploy process --rollback --env dev"


def test_settings_are_refused_in_a_rollback(err: Console) -> None:
    request = Request(names=["process"], settings=["process.A=1"], confirm=False, rollback=True)

    with pytest.raises(DeployError, match="no effect with --rollback"):
        release(CLOUD, current_project(), request, err, err)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_refused_version_leaves_no_change_set(
    err: Console, monkeypatch: pytest.MonkeyPatch, discarded: list[str], dry_run: bool
) -> None:
    def refuse(*_: Any) -> None:
        raise DeployError("Version 1.0.0 of process was deployed before with other content.")

    monkeypatch.setattr(deployment, "plan_unit", lambda *_, **__: plan(PROCESS, creates=True))
    monkeypatch.setattr(deployment, "refuse_reused_version", refuse)
    request = Request(names=["process"], settings=[], confirm=False, dry_run=dry_run)

    with pytest.raises(DeployError, match="deployed before"):
        release(CLOUD, current_project(), request, err, err)

    assert discarded == ["arn"]


def test_a_question_that_is_interrupted_leaves_no_change_set(
    err: Console, monkeypatch: pytest.MonkeyPatch, discarded: list[str]
) -> None:
    def interrupt(*_: Any, **__: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(deployment, "plan_unit", lambda *_, **__: plan(PROCESS, creates=False))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", interrupt)
    request = Request(names=["process"], settings=[], allow_reused_version=True)

    with pytest.raises(KeyboardInterrupt):
        release(CLOUD, current_project(), request, err, err)

    assert discarded == ["arn"]
