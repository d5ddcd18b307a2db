"""The doctor: this machine, and an account if an environment is named."""

from lake.aws import Cloud
from lake.local.local_aws import LocalAws
from lake.operations.doctor.account import look_at_account
from lake.operations.doctor.findings import Finding
from lake.operations.doctor.machine import look_at_machine, look_at_port, this_machine
from lake.project import Project


def examine(project: Project, local: LocalAws, port: int, cloud: Cloud | None) -> list[Finding]:
    """Look at everything that a command may need; change nothing.

    Parameters
    ----------
    project
        The clone.
    local
        Its local AWS.
    port
        Port that the local AWS would listen on.
    cloud
        Environment on AWS; None for this machine alone.
    """
    found = [*look_at_machine(project, this_machine(project.root)), look_at_port(local, port)]
    return found if cloud is None else [*found, *look_at_account(cloud, project)]
