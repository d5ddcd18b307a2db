"""Which AWS a command talks to."""

import typer

from lake.aws import Cloud
from lake.local.local_aws import LocalAws
from lake.project import Project
from lake.settings import resolve
from lake.terminal.console import err


def local_aws(project: Project) -> LocalAws:
    """Return the local AWS of a clone, run by MiniStack's own environment."""
    python = project.state / "venv/ministack/bin/python"
    command = [str(python), "-m", "ministack"]
    return LocalAws(project.state / "local", command, keeps_state=True)


def local_cloud(project: Project) -> Cloud:
    """Return the running local AWS."""
    endpoint = local_aws(project).require().endpoint
    return Cloud(app=resolve(project).values.app, endpoint=endpoint)


def cloud_of(project: Project, env: str | None) -> Cloud:
    """Return an environment on AWS, or the running local AWS."""
    return aws_cloud(project, env) if env else local_cloud(project)


def aws_cloud(project: Project, env: str) -> Cloud:
    """Return an environment on AWS."""
    settings = resolve(project).values
    return Cloud(app=settings.app, env=env, preferred_region=settings.region)


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
