"""The dialogue of `./lake destroy`: show what goes and what stays, ask, and remove it in order."""

import sys
from dataclasses import asdict, dataclass
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from lake.aws import Cloud
from lake.deploy import stacks
from lake.deploy.destroy import removal
from lake.deploy.destroy.plan import DestroyPlan, StackToDelete, counted, plan_destruction
from lake.errors import DeployError
from lake.steps import Say
from lake.terminal.progress import Progress


@dataclass(frozen=True)
class DestroyRequest:
    """What the user asked for.

    Attributes
    ----------
    data
        Whether the data and the catalogue go, too.
    """

    data: bool = False
    confirm: bool = True
    dry_run: bool = False


@dataclass(frozen=True)
class Destroyed:
    """The outcome; the keys are those of `./lake destroy --json`.

    Attributes
    ----------
    done
        Whether what was planned is gone; False after a dry run.
    """

    env: str
    done: bool
    plan: DestroyPlan

    def as_json(self) -> dict[str, Any]:
        """Return the outcome for machines."""
        return asdict(self)


def destroy(cloud: Cloud, request: DestroyRequest, err: Console) -> Destroyed:
    """Take an environment down; a call that was interrupted is repeated and goes on.

    Raises
    ------
    DeployError
        A stack is being changed, or there is no terminal to ask on.
    StackFailedError
        A stack could not be deleted.
    """
    progress = Progress(err)
    with progress.step("Look at what there is"):
        plan = plan_destruction(cloud, data=request.data)
    show_plan(err, plan)
    if plan.is_empty or request.dry_run:
        return Destroyed(cloud.env, plan.is_empty, plan)
    if request.confirm:
        _confirm(cloud)
    for stack in plan.stacks:
        with progress.step(f"Delete {stack.unit}") as say:
            _delete(cloud, stack, say, data=request.data)
    if plan.log_groups:
        with progress.step("Delete log groups"):
            for name in plan.log_groups:
                removal.delete_log_group(cloud, name)
    return Destroyed(cloud.env, True, plan)


def show_plan(console: Console, plan: DestroyPlan) -> None:
    """Print what goes and what stays."""
    for stack in plan.stacks:
        console.print(f"  [red]-[/] stack {stack.name} [dim]{stack.status}[/]", highlight=False)
        for bucket in stack.buckets:
            console.print(f"  [red]-[/] bucket {bucket}, with every version", highlight=False)
    if plan.log_groups:
        console.print(f"  [red]-[/] {counted(len(plan.log_groups), 'log group')}", highlight=False)
    if plan.messages:
        console.print(
            f"  [red]-[/] {counted(plan.messages, 'message')} in queues: let process work them off"
            " first, or deliver their pages again later",
            highlight=False,
        )
    for line in plan.stays:
        console.print(f"  [green]=[/] {escape(line)} [dim]stays[/]", highlight=False)
    if plan.is_empty:
        console.print("There is nothing to delete.", highlight=False)


def _confirm(cloud: Cloud) -> None:
    if not sys.stdin.isatty():
        raise DeployError(
            "There is no terminal to ask on.", "Add --yes to delete, or --dry-run to look."
        )
    typed = typer.prompt(f"Type {cloud.env} to delete this", err=True)
    if typed.strip() != cloud.env:
        raise DeployError(f"{typed!r} is not {cloud.env!r}: nothing was deleted.")


def _delete(cloud: Cloud, stack: StackToDelete, say: Say, *, data: bool) -> None:
    if data:
        # First, so that an interrupted call still finds them by the stack.
        for bucket in stack.buckets:
            removal.delete_bucket(cloud, bucket, say)
        # After the buckets, which cannot be read without it.
        for key in stack.keys:
            removal.schedule_key_deletion(cloud, key)
    stacks.delete(cloud, stack.name, stack.id, on_event=say)
