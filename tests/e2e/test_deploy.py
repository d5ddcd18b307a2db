"""Plans, parameters that stay, the way back, and versions that are not reused."""

import io

import pytest
from rich.console import Console

from lake import deploy, stacks, units
from lake.aws import Cloud
from lake.errors import DeployError
from lake.releasing import Request, changed_parameters, release
from tests.e2e.conftest import PROJECT

(PROCESS,) = units.select(["process"])


def memory_of_live(cloud: Cloud) -> int:
    """Return the memory (MB) of the version behind the alias `live`."""
    found = cloud.client("lambda").get_function_configuration(
        FunctionName=cloud.parameter("process/function-name"), Qualifier="live"
    )
    return int(found["MemorySize"])


def change(cloud: Cloud, **parameters: str) -> deploy.Deployed:
    """Deploy process with parameters."""
    return deploy.deploy_unit(cloud, PROJECT, PROCESS, parameters, print)


def test_a_parameter_that_is_not_given_keeps_its_value(cloud: Cloud) -> None:
    change(cloud, MemorySize="2048")

    change(cloud, BatchSize="5")

    assert memory_of_live(cloud) == 2048


def test_a_rollback_restores_the_release_before(cloud: Cloud) -> None:
    change(cloud, MemorySize="1024")
    change(cloud, MemorySize="3008")

    deploy.apply(cloud, PROJECT, deploy.plan_rollback(cloud, PROCESS), print)

    assert memory_of_live(cloud) == 1024


def test_a_plan_says_what_would_change_and_changes_nothing(cloud: Cloud) -> None:
    change(cloud, MemorySize="1024")

    plan = deploy.plan_unit(cloud, PROJECT, PROCESS, {"MemorySize": "1536"})

    assert dict(changed_parameters(plan)) == {"MemorySize": ("1024", "1536")}
    assert plan.change_set is not None
    assert "Function" in {item.resource for item in plan.change_set.changes}
    stacks.discard(cloud, plan.change_set)
    assert memory_of_live(cloud) == 1024


def test_a_version_with_other_content_is_refused(cloud: Cloud) -> None:
    # GIVEN a package of this version with other content, deployed before
    version = PROJECT.version("process")
    cloud.client("s3").put_object(
        Bucket=cloud.parameter("bootstrap/artifact-bucket"),
        Key=f"services/process/process-{version}-{'0' * 16}.zip",
        Body=b"",
    )
    plan = deploy.plan_unit(cloud, PROJECT, PROCESS, {})

    with pytest.raises(DeployError, match=f"Version {version} of process was deployed before"):
        deploy.refuse_reused_version(cloud, plan)


def test_without_a_terminal_nothing_is_deployed_unasked(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    silent = Console(file=io.StringIO())

    with pytest.raises(DeployError, match="no terminal"):
        release(cloud, PROJECT, Request(names=["process"], settings=[]), silent, silent)
