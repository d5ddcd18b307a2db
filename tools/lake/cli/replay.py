"""Commands that send what failed or was rejected through the normal path once more."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lake.cli.options import EnvOption, JsonOption
from lake.cli.targets import cloud_to_change
from lake.project import current_project
from lake.terminal.console import err, out
from lake.terminal.tables import table

if TYPE_CHECKING:
    from lake.operations.replay.command import Replay, ReplayResult, RunChange

#: Objects that are shown on a terminal; `--json` has all.
SHOWN = 20

replay = typer.Typer(
    no_args_is_help=True,
    help="Send dead letters, quarantined or any raw pages through process again.",
)

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="List what would be sent, and send nothing.")
]
WaitOption = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for process, and say what has changed.")
]
RunOption = Annotated[str | None, typer.Option("--run", metavar="RUN", help="The run.")]


@replay.command()
def dlq(
    service: Annotated[
        str, typer.Argument(help="process, ingest or glue_etl; default: process.")
    ] = "process",
    discard: Annotated[
        bool, typer.Option("--discard", help="Of ingest and glue_etl: remove what was listed.")
    ] = False,
    dry_run: DryRunOption = False,
    wait: WaitOption = True,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the dead letters of process back to its queue, once their cause is gone.

    A message is deleted only after it was sent. Those of ingest and glue_etl are notices of what
    failed: they are listed, and removed with --discard.
    """
    from lake.operations.replay.command import checked_service

    wanted = checked_service(service)
    if discard and wanted == "process":
        raise typer.BadParameter("--discard would lose pages: those of process are sent again.")
    call = _replay(env, dry_run=dry_run, wait=wait)
    if wanted == "process":
        result = call.dead_letters_of_process()
    else:
        result = call.notices(wanted, discard=discard)
    _show(result, call, as_json, f"The dead-letter queue of {wanted} is empty: nothing to send.")


@replay.command()
def quarantine(
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="CODE", help="Such as record.field_type.")
    ] = None,
    run_id: RunOption = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = True,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send the raw pages whose records are quarantined through process again.

    Once a contract is fixed, its records move from the quarantine to the tables.
    """
    from lake.operations.replay.selection import quarantined_pages

    call = _replay(env, dry_run=dry_run, wait=wait)
    with call.step("Look into the quarantine"):
        selection = quarantined_pages(call.cloud, reason=reason, run_id=run_id)
    what = " and ".join(filter(None, (reason and f"by {reason}", run_id and f"of run {run_id}")))
    _show(call.pages(selection), call, as_json, f"Nothing is quarantined {what}: nothing to send.")


@replay.command()
def raw(
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="Day (UTC) of the runs."),
    ] = None,
    run_id: RunOption = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="NAME", help="The subject.")
    ] = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = True,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send raw pages of a day, run or subject through process again."""
    from lake.operations.replay.selection import raw_pages

    call = _replay(env, dry_run=dry_run, wait=wait)
    bucket = call.cloud.parameter("foundation/data-bucket")
    date = day.date() if day else None
    with call.step("List the raw pages"):
        selection = raw_pages(call.cloud, bucket, day=date, run_id=run_id, subject=subject)
    _show(call.pages(selection), call, as_json, "There is no such raw page: nothing to send.")


def _replay(env: str | None, *, dry_run: bool, wait: bool) -> Replay:
    from lake.operations.replay.command import Replay
    from lake.terminal.progress import Progress

    cloud = cloud_to_change(current_project(), env)
    return Replay(cloud, Progress(err).step, dry_run=dry_run, wait=wait)


def _show(result: ReplayResult, call: Replay, as_json: bool, nothing: str) -> None:
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    elif not result.objects:
        out.print(nothing, highlight=False, soft_wrap=True)
    else:
        show_replay(out, result, call)
    for remark in () if as_json else result.remarks:
        out.print(f"[yellow]•[/] {escape(remark)}", highlight=False, soft_wrap=True)


def show_replay(console: Console, result: ReplayResult, call: Replay) -> None:
    """Print what was sent, or would be, and what has changed by it."""
    count = len(result.objects)
    records = "" if result.records is None else f", with {result.records:,} records in quarantine"
    if not result.sent:
        for text in result.objects[:SHOWN]:
            console.print(text, markup=False, highlight=False, soft_wrap=True)
        more = f" ({count - SHOWN} more; --json lists all)" if count > SHOWN else ""
        console.print(f"{count:,} found{records}{more}; nothing is sent.", highlight=False)
        return
    console.print(f"{result.sent:,} sent{records}.", highlight=False)
    if not result.waited:
        console.print(
            f"'{call.cloud.command('check')}' shows what has changed once the queue is empty.",
            highlight=False,
        )
        return
    _show_changes(console, result, call)


def _show_changes(console: Console, result: ReplayResult, call: Replay) -> None:
    if not result.changed and not any(c.before != c.after for c in result.runs.values()):
        console.print("[green]✓[/] Nothing changed: every page gave what it gave before.")
        return
    entered = f", {result.entered_quarantine:,} entered it" if result.entered_quarantine else ""
    console.print(
        f"[green]✓[/] {result.changed:,} pages changed: {result.left_quarantine:,} records left"
        f" the quarantine{entered}; rows {result.rows_before:,} → {result.rows_after:,}",
        highlight=False,
    )
    rows: list[list[object]] = [[run, *_cells(change)] for run, change in result.runs.items()]
    console.print(table("Ledgers", ["run", "records", "rows", "in quarantine"], rows))
    console.print(
        f"'{call.cloud.command('check --all')}' compares all of it;"
        f" '{call.cloud.command('etl')}' takes it into the curated tables.",
        style="dim",
        highlight=False,
    )


def _cells(change: RunChange) -> list[object]:
    names = ("records", "rows", "quarantined")
    return [
        " → ".join(
            "none" if state is None else f"{getattr(state, name):,}"
            for state in (change.before, change.after)
        )
        for name in names
    ]
