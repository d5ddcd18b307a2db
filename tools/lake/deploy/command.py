"""The dialogue of `./lake deploy`: show each plan, ask, and show the outcome."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import typer
from rich.console import Console
from rich.markup import escape

from lake.aws import Cloud
from lake.cli.progress import Progress
from lake.cli.screens import table
from lake.deploy import deployment, stacks, units
from lake.deploy.parameters import LOCAL, merge, parse_settings
from lake.errors import DeployError
from lake.project import Project

SIGNS = {"Add": "[green]+[/]", "Modify": "[yellow]~[/]", "Remove": "[red]-[/]"}
# Long, and said by the parameter that they are derived from.
DERIVED = {"Release"}


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    names: list[str]
    settings: list[str]
    confirm: bool = True
    dry_run: bool = False
    rollback: bool = False
    allow_reused_version: bool = False


def release(
    cloud: Cloud, project: Project, request: Request, err: Console, out: Console
) -> list[deployment.Deployed]:
    """Deploy, or roll back, unit by unit.

    Raises
    ------
    DeployError
        A unit cannot be deployed, or there is no terminal to ask on.
    """
    chosen = units.select(request.names)
    if request.rollback and not request.names:
        raise DeployError("--rollback needs the units to roll back.")
    if request.confirm and not request.dry_run and not sys.stdin.isatty():
        raise DeployError(
            "There is no terminal to ask on.", "Add --yes to deploy, or --dry-run to look."
        )
    parameters = merge(LOCAL if cloud.is_local else {}, parse_settings(request.settings))
    progress = Progress(err)
    changed: list[units.Unit] = []
    if not request.rollback:
        with progress.step("Find what changed"):
            changed = deployment.changed_units(cloud, project, chosen, parameters)
        with progress.step("Package") as say:
            deployment.package(cloud, project, changed, parameters, say)
    done = []
    for unit in chosen:
        with progress.step(f"Plan {unit.name}"):
            given = parameters.get(unit.name, {})
            plan = _plan(cloud, project, unit, given, request, is_changed=unit in changed)
        if plan.change_set is not None:
            show_plan(err, plan, plan.change_set)
            if not _is_accepted(plan, request):
                stacks.discard(cloud, plan.change_set)
                continue
        with progress.step(f"Deploy {unit.name}") as say:
            done.append(deployment.apply(cloud, project, plan, say))
    if done:
        out.print(_result(done))
    return done


def show_plan(console: Console, plan: deployment.Plan, change_set: stacks.ChangeSet) -> None:
    """Print the parameters and resources that a plan changes."""
    for name, (old, new) in changed_parameters(plan).items():
        console.print(f"  {name}: [dim]{escape(old or 'not set')}[/] → {escape(new)}")
    for change in change_set.changes:
        sign = SIGNS.get(change.action, "?")
        note = " [red](is replaced)[/]" if change.replacement else ""
        console.print(f"  {sign} {change.resource} [dim]{change.type}[/]{note}", highlight=False)


def changed_parameters(plan: deployment.Plan) -> Mapping[str, tuple[str, str]]:
    """Return old and new value of each parameter that changes."""
    return {
        name: (plan.before.get(name, ""), value)
        for name, value in sorted(plan.release.parameters.items())
        if name not in DERIVED and plan.before.get(name) != value
    }


def _plan(
    cloud: Cloud,
    project: Project,
    unit: units.Unit,
    given: Mapping[str, str],
    request: Request,
    *,
    is_changed: bool,
) -> deployment.Plan:
    if request.rollback:
        return deployment.plan_rollback(cloud, unit)
    plan = deployment.plan_unit(cloud, project, unit, given, keeps_package=not is_changed)
    if not request.allow_reused_version:
        deployment.refuse_reused_version(cloud, plan)
    return plan


def _is_accepted(plan: deployment.Plan, request: Request) -> bool:
    if request.dry_run:
        return False
    return not request.confirm or typer.confirm(f"Deploy {plan.unit.name}?", err=True)


def _result(done: list[deployment.Deployed]) -> object:
    rows: list[list[object]] = [
        [d.unit, d.version, "deployed" if d.changed else "unchanged", d.stack] for d in done
    ]
    return table("", ["unit", "version", "", "stack"], rows)
