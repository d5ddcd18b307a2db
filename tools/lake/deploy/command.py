"""The dialogue of `./lake deploy`: show each plan, ask, and show the outcome."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import typer
from rich.console import Console
from rich.markup import escape

from lake.aws import Cloud
from lake.deploy import deployment, history, stacks, units
from lake.deploy.parameters import LOCAL, merge, parse_settings, refuse_unknown
from lake.errors import DeployError, NotDeployedError, StackFailedError
from lake.project import Project
from lake.terminal.progress import Progress
from lake.terminal.tables import table

SIGNS = {"Add": "[green]+[/]", "Modify": "[yellow]~[/]", "Remove": "[red]-[/]"}
# Long, and said by the parameter that they are derived from.
DERIVED = {"Release"}


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes
    ----------
    settings
        Template parameters of this call, as `UNIT.PARAMETER=VALUE`.
    defaults
        Template parameters by unit that are set where those are not.
    """

    names: list[str]
    settings: list[str]
    confirm: bool = True
    dry_run: bool = False
    rollback: bool = False
    allow_reused_version: bool = False
    defaults: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


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
        raise DeployError(
            "--rollback needs the units to roll back.",
            f"Name them: {cloud.command('deploy process --rollback')}",
        )
    if request.confirm and not request.dry_run and not sys.stdin.isatty():
        raise DeployError(
            "There is no terminal to ask on.", "Add --yes to deploy, or --dry-run to look."
        )
    settings = parse_settings(request.settings)
    if request.rollback and settings:
        raise DeployError("--set has no effect with --rollback.", "Leave one of the two out.")
    refuse_unknown(settings, _template_parameters(cloud, project, chosen) if settings else {})
    parameters = merge(merge(LOCAL if cloud.is_local else {}, request.defaults), settings)
    session = _Release(cloud, project, request, err, Progress(err), parameters)
    done = session.run(chosen)
    if done:
        out.print(_result(done))
    return done


@dataclass
class _Release:
    """One call of `./lake deploy`.

    Attributes
    ----------
    changed
        Units whose packages may have changed.
    pending
        Units that a dry run would have created.
    """

    cloud: Cloud
    project: Project
    request: Request
    err: Console
    progress: Progress
    parameters: Mapping[str, Mapping[str, str]]
    changed: list[units.Unit] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)

    def run(self, chosen: list[units.Unit]) -> list[deployment.Deployed]:
        if not self.request.rollback:
            self._package(chosen)
        return [done for unit in chosen if (done := self._deploy(unit)) is not None]

    def _package(self, chosen: list[units.Unit]) -> None:
        with self.progress.step("Find what changed"):
            self.changed = deployment.changed_units(
                self.cloud, self.project, chosen, self.parameters
            )
        with self.progress.step("Package") as say:
            deployment.package(self.cloud, self.project, self.changed, self.parameters, say)

    def _deploy(self, unit: units.Unit) -> deployment.Deployed | None:
        """Deploy a unit; None if that was not accepted, or not possible yet in a dry run."""
        try:
            with self.progress.step(f"Plan {unit.name}"):
                plan = self._plan(unit)
        except (NotDeployedError, StackFailedError):
            if not self.pending:
                raise
            # What it needs would be there, had this not been a dry run.
            needed = " and ".join(self.pending)
            self.err.print(f"  {unit.name} can be planned after {needed}", highlight=False)
            return None
        if self.request.rollback:
            self.err.print(f"  back to {history.describe(plan.release)}", highlight=False)
        if plan.change_set is not None:
            with stacks.discarded_on_failure(self.cloud, plan.change_set):
                accepted = self._is_accepted(plan, plan.change_set)
            if not accepted:
                self.pending += [unit.name] if plan.change_set.creates_stack else []
                stacks.discard(self.cloud, plan.change_set)
                return None
        with self.progress.step(f"Deploy {unit.name}") as say:
            return deployment.apply(self.cloud, self.project, plan, say)

    def _plan(self, unit: units.Unit) -> deployment.Plan:
        if self.request.rollback:
            return deployment.plan_rollback(self.cloud, unit)
        given = self.parameters.get(unit.name, {})
        keeps = unit not in self.changed
        return deployment.plan_unit(self.cloud, self.project, unit, given, keeps_package=keeps)

    def _is_accepted(self, plan: deployment.Plan, change_set: stacks.ChangeSet) -> bool:
        if not (self.request.rollback or self.request.allow_reused_version):
            deployment.refuse_reused_version(self.cloud, plan)
        show_plan(self.err, plan, change_set)
        if self.request.dry_run:
            return False
        return not self.request.confirm or typer.confirm(f"Deploy {plan.unit.name}?", err=True)


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


def _template_parameters(
    cloud: Cloud, project: Project, chosen: list[units.Unit]
) -> dict[str, set[str]]:
    return {
        unit.name: stacks.parameter_names(cloud, project.template(unit.name)) for unit in chosen
    }


def _result(done: list[deployment.Deployed]) -> object:
    rows: list[list[object]] = [
        [d.unit, d.version, "deployed" if d.changed else "unchanged", d.stack] for d in done
    ]
    return table("", ["unit", "version", "", "stack"], rows)
