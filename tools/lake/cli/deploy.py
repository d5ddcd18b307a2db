"""The command that deploys units."""

from typing import Annotated

import typer

from lake.cli.options import EnvOption
from lake.cli.targets import cloud_to_change, require_one_target
from lake.project import current_project
from lake.settings import resolve
from lake.terminal.console import err, out


def unit_names() -> list[str]:
    """Return the names of the units, for completion."""
    from lake.deploy.units import UNITS

    return [unit.name for unit in UNITS]


def deploy(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[UNIT]...", help="Default: all that changed.", autocompletion=unit_names
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Deploy to the local AWS, which is the default.")
    ] = False,
    env: EnvOption = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="UNIT.PARAMETER=VALUE", help="Set a template parameter."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Change without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the changes without making them.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Go back to the release before the current one.")
    ] = False,
    allow_reused_version: Annotated[
        bool,
        typer.Option(
            "--allow-reused-version",
            help="Deploy other content under a version that was deployed before.",
        ),
    ] = False,
) -> None:
    """Package units with Pants, show what would change, and bring their stacks up to date.

    A package is rebuilt if something that it depends on has changed since the deployed commit. A
    parameter that is not set keeps its value. On AWS, the usual profile and region apply
    (AWS_PROFILE, AWS_REGION).
    """
    from lake.deploy.command import Request, release

    project = current_project()
    require_one_target(env, local=local)
    cloud = cloud_to_change(project, env)
    request = Request(
        names=names or [],
        settings=settings or [],
        confirm=not (yes or cloud.is_on_this_machine),
        dry_run=dry_run,
        rollback=rollback,
        allow_reused_version=allow_reused_version or cloud.is_local,
        defaults={"ingest": resolve(project).ingest_parameters},
    )
    release(cloud, project, request, err, out)
