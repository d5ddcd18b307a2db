"""The command that takes an environment down."""

import json
from typing import Annotated

import typer

from lake.cli.options import EnvOption, JsonOption, YesOption
from lake.cli.targets import cloud_to_change, require_one_target
from lake.project import current_project
from lake.terminal.console import err, out


def destroy(
    local: Annotated[
        bool, typer.Option("--local", help="Take down the local AWS's lake, which is the default.")
    ] = False,
    env: EnvOption = None,
    data: Annotated[
        bool,
        typer.Option("--data", help="Delete data, catalogue, packages and logs, too; for ever."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go and what would stay.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take an environment down, in the reverse order of its deployment.

    Shows what goes and what stays, then asks for the environment's name. The stacks bootstrap and
    foundation, with the data, the catalogue and the packages, stay unless --data is given: a later
    './lake deploy' goes on with them. A call that was interrupted is repeated.
    """
    from lake.deploy.destroy.command import DestroyRequest
    from lake.deploy.destroy.command import destroy as run

    require_one_target(env, local=local)
    cloud = cloud_to_change(current_project(), env)
    done = run(cloud, DestroyRequest(data=data, confirm=not yes, dry_run=dry_run), err)
    if as_json:
        print(json.dumps(done.as_json(), indent=2))
    elif done.done and not done.plan.is_empty:
        again = "" if data else f" '{cloud.command('deploy')}' goes on with what stayed."
        out.print(f"Environment {cloud.env} is taken down.{again}", highlight=False)
