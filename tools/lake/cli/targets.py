"""Which AWS a command talks to."""

import typer

from lake.aws import Cloud
from lake.local.emulators import GivenEmulator, require_emulator
from lake.local.local_aws import LocalAws
from lake.project import Project
from lake.settings import resolve
from lake.terminal.console import err, settings


def local_aws(project: Project) -> LocalAws:
    """Return the local AWS of a clone, run by MiniStack's own environment."""
    python = project.state / "venv/ministack/bin/python"
    command = [str(python), "-m", "ministack"]
    return LocalAws(project.state / "local", command, keeps_state=True)


def emulator(project: Project) -> LocalAws | GivenEmulator:
    """Return what stands for AWS on this machine: the embedded one, or that of the user."""
    found = resolve(project, {"endpoint": settings.endpoint})
    url, source = found.values.endpoint, found.sources["endpoint"]
    if url is None:
        return local_aws(project)
    require_emulator(url, source.name or "endpoint", chosen=source.origin != "variable")
    return GivenEmulator(url.rstrip("/"))


def local_cloud(project: Project) -> Cloud:
    """Return the running local AWS, or the user's emulator; that is named first."""
    found = emulator(project).require()
    if isinstance(found, GivenEmulator):
        err.print(f"Emulator at {found.endpoint}", highlight=False)
    return Cloud(app=resolve(project).values.app, endpoint=found.endpoint)


def cloud_of(project: Project, env: str | None) -> Cloud:
    """Return an environment on AWS, or the running local AWS."""
    return aws_cloud(project, env) if env else local_cloud(project)


def aws_cloud(project: Project, env: str) -> Cloud:
    """Return an environment on AWS."""
    if settings.endpoint:
        raise typer.BadParameter(f"--endpoint and --env {env} are two targets; choose one.")
    values = resolve(project).values
    return Cloud(app=values.app, env=env, preferred_region=values.region)


def cloud_to_change(project: Project, env: str | None) -> Cloud:
    """Return the same as :func:`cloud_of`, and print what is about to change."""
    cloud = cloud_of(project, env)
    if not cloud.is_local:
        err.print(
            f"Environment {cloud.env} in AWS account {cloud.account}, region {cloud.region}",
            highlight=False,
        )
    return cloud


def require_one_target(env: str | None, *, local: bool) -> None:
    """Refuse `--local` together with `--env`."""
    if local and env:
        raise typer.BadParameter(f"--local and --env {env} are two targets; choose one.")
