"""Which AWS a command talks to."""

from lake.aws import Cloud
from lake.local.local_aws import LocalAws
from lake.project import Project


def local_aws(project: Project) -> LocalAws:
    """Return the local AWS of a clone, run by MiniStack's own environment."""
    python = project.state / "venv/ministack/bin/python"
    return LocalAws(project.state / "local", [str(python), "-m", "ministack"])


def local_cloud(project: Project) -> Cloud:
    """Return the running local AWS."""
    return Cloud(endpoint=local_aws(project).require().endpoint)


def cloud_of(project: Project, env: str | None) -> Cloud:
    """Return an environment on AWS, or the running local AWS."""
    return Cloud(env=env) if env else local_cloud(project)
