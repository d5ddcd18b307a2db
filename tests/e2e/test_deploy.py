"""Plans, parameters that stay, the way back, and versions that are not reused."""

import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from rich.console import Console

from lake.aws import Cloud
from lake.deploy import changes, deployment, stacks, units
from lake.deploy.command import Request, changed_parameters, release
from lake.deploy.parameters import LOCAL
from lake.errors import DeployError
from lake.operations.status.reading import read_status
from lake.project import Project
from tests.e2e.clones import clone
from tests.e2e.conftest import PROJECT

(PROCESS,) = units.select(["process"])


def memory_of_live(cloud: Cloud) -> int:
    """Return the memory (MB) of the version behind the alias `live`."""
    found = cloud.client("lambda").get_function_configuration(
        FunctionName=cloud.parameter("process/function-name"), Qualifier="live"
    )
    return int(found["MemorySize"])


def committed_clone(folder: Path) -> Project:
    """Return a clone with a commit, in which Pants finds that nothing changed."""
    project = clone(folder, PROJECT.version("process"))
    (folder / "pants").write_text(f"#!{sys.executable}\n")
    (folder / "pants").chmod(0o755)
    (folder / ".gitignore").write_text("*.zip\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(folder)]
    for arguments in (["init", "-q"], ["add", "--all"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True)
    return project


def change(cloud: Cloud, **parameters: str) -> deployment.Deployed:
    """Deploy process with parameters."""
    return deployment.deploy_unit(cloud, PROJECT, PROCESS, parameters, print)


def test_a_parameter_that_is_not_given_keeps_its_value(cloud: Cloud) -> None:
    change(cloud, MemorySize="2048")

    change(cloud, BatchSize="5")

    assert memory_of_live(cloud) == 2048


def test_a_rollback_restores_the_release_before(cloud: Cloud) -> None:
    change(cloud, MemorySize="1024")
    change(cloud, MemorySize="3008")

    deployment.apply(cloud, PROJECT, deployment.plan_rollback(cloud, PROCESS), print)

    assert memory_of_live(cloud) == 1024


def test_a_plan_says_what_would_change_and_changes_nothing(cloud: Cloud) -> None:
    change(cloud, MemorySize="1024")

    plan = deployment.plan_unit(cloud, PROJECT, PROCESS, {"MemorySize": "1536"})

    assert dict(changed_parameters(plan)) == {"MemorySize": ("1024", "1536")}
    assert plan.change_set is not None
    assert "Function" in {item.resource for item in plan.change_set.changes}
    stacks.discard(cloud, plan.change_set)
    assert memory_of_live(cloud) == 1024


def test_a_version_with_other_content_is_refused(cloud: Cloud, tmp_path: Path) -> None:
    # GIVEN a package with other content than the one that was deployed as the same version
    version = PROJECT.version("process")
    project = clone(tmp_path, version)
    with zipfile.ZipFile(project.package("process"), "w") as package:
        package.writestr("lambda_function.py", "")
    plan = deployment.plan_unit(cloud, project, PROCESS, {})

    with pytest.raises(DeployError, match=f"Version {version} of process was deployed before"):
        deployment.refuse_reused_version(cloud, plan)


def test_a_job_finds_in_the_artifact_bucket_all_that_it_starts_with(cloud: Cloud) -> None:
    (unit,) = units.select(["glue_etl"])
    deployment.deploy_unit(cloud, PROJECT, unit, LOCAL["glue_etl"], print)

    with zipfile.ZipFile(PROJECT.package("glue_etl")) as package:
        contents = {package.read(name) for name in package.namelist()}
    contents.add(PROJECT.package("glue_etl").read_bytes())
    for name in ("etl", "bulk"):
        job_name = cloud.parameter(f"glue_etl/{name}-job-name")
        job = cloud.client("glue").get_job(JobName=job_name)["Job"]
        arguments = job["DefaultArguments"]
        assert arguments["--python-modules-installer-option"] == "--no-index"
        for uri in (
            job["Command"]["ScriptLocation"],
            arguments["--extra-py-files"],
            arguments["--additional-python-modules"],
        ):
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            body = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
            assert body in contents, uri


def test_an_unchanged_service_is_not_packaged_again(cloud: Cloud, tmp_path: Path) -> None:
    # GIVEN a clone whose commit was deployed, and in which Pants finds nothing changed since
    project = committed_clone(tmp_path)
    shutil.copy(PROJECT.package("process"), project.package("process"))
    assert deployment.changed_units(cloud, project, [PROCESS], {}) == [PROCESS]
    deployment.deploy_unit(cloud, project, PROCESS, {"MemorySize": "2048"}, print)
    project.package("process").unlink()

    # WHEN it is deployed again THEN its package stays, and what else changed is deployed
    assert deployment.changed_units(cloud, project, [PROCESS], {}) == []
    plan = deployment.plan_unit(cloud, project, PROCESS, {"MemorySize": "3008"}, keeps_package=True)
    assert set(changed_parameters(plan)) == {"MemorySize"}
    deployment.refuse_reused_version(cloud, plan)
    assert deployment.apply(cloud, project, plan, print).changed

    # AND it is still known which commit is deployed
    assert deployment.changed_units(cloud, project, [PROCESS], {}) == []
    process = next(
        unit
        for unit in read_status(cloud, lambda _bucket, _count: []).units
        if unit.unit == "process"
    )
    assert process.commit == changes.commit_of(project)
    assert process.version == PROJECT.version("process")

    # AND another processor needs another package
    arm64 = {"process": {"Architecture": "arm64"}}
    assert deployment.changed_units(cloud, project, [PROCESS], arm64) == [PROCESS]


def test_without_a_terminal_nothing_is_deployed_unasked(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    silent = Console(file=io.StringIO())

    with pytest.raises(DeployError, match="no terminal"):
        release(cloud, PROJECT, Request(names=["process"], settings=[]), silent, silent)
