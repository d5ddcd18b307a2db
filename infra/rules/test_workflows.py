"""The workflows of GitHub Actions: valid, with the least rights, and in step with the templates."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.rules.template import UNITS, load, text_of

WORKFLOWS = sorted(Path(".github/workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    return read(request.param)


@pytest.fixture
def deployment() -> dict[str, Any]:
    """The job that deploys."""
    job: dict[str, Any] = read(Path(".github/workflows/deploy.yml"))["jobs"]["deploy"]
    return job


def read(path: Path) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return workflow


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of a job; none where it calls another workflow."""
    found: list[dict[str, Any]] = job.get("steps", [])
    return found


def test_workflows_are_what_github_takes() -> None:
    schema = ["--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, *map(str, WORKFLOWS)],
        capture_output=True,
        check=False,
        text=True,
    )

    assert len(WORKFLOWS) == 2
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_workflow_may_only_read_the_repository(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}


def test_no_job_runs_for_ever(workflow: dict[str, Any]) -> None:
    assert all("timeout-minutes" in job for job in workflow["jobs"].values() if "steps" in job)


def test_no_text_from_outside_becomes_a_command(workflow: dict[str, Any]) -> None:
    for job in workflow["jobs"].values():
        assert not [step for step in steps(job) if "${{" in step.get("run", "")]


def test_no_step_keeps_the_credentials_of_the_repository(workflow: dict[str, Any]) -> None:
    for job in workflow["jobs"].values():
        for step in steps(job):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_what_failed_its_checks_is_not_deployed(deployment: dict[str, Any]) -> None:
    check = read(Path(".github/workflows/deploy.yml"))["jobs"]["check"]

    assert deployment["needs"] == "check"
    assert check == {"uses": "./.github/workflows/ci.yml"}
    assert "  workflow_call:\n" in Path(".github/workflows/ci.yml").read_text(encoding="utf-8")


def test_the_role_is_assumed_by_the_environment_that_it_trusts(deployment: dict[str, Any]) -> None:
    # GIVEN a role that trusts the GitHub environment named like the lake's
    role = next(item for item in load("bootstrap").resources() if item.name == "DeployRole")
    (trust,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
    subjects = trust["Condition"]["StringLike"]["token.actions.githubusercontent.com:sub"]
    assert all(text_of(subject).endswith(":environment:${Env}") for subject in subjects)

    # THEN the job runs in the environment that it deploys, and it alone may ask for a token
    command = next(step for step in steps(deployment) if "run" in step)
    assert deployment["environment"] == command["env"]["ENVIRONMENT"] == "${{ matrix.environment }}"
    assert '--env "$ENVIRONMENT"' in command["run"]
    assert deployment["permissions"] == {"contents": "read", "id-token": "write"}


def test_no_credentials_are_stored() -> None:
    assert not [path for path in WORKFLOWS if "secrets." in path.read_text(encoding="utf-8")]


def test_all_units_are_deployed_that_a_workflow_may_deploy(deployment: dict[str, Any]) -> None:
    command = next(step for step in steps(deployment) if "run" in step)

    assert set(command["env"]["UNITS"].split()) == set(UNITS) - {"bootstrap", "quicksight"}


def test_a_deployment_is_not_cut_off() -> None:
    assert read(Path(".github/workflows/deploy.yml"))["concurrency"]["cancel-in-progress"] is False


def test_the_history_is_there_to_find_what_changed(deployment: dict[str, Any]) -> None:
    assert steps(deployment)[0]["with"]["fetch-depth"] == 0
