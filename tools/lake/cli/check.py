"""The command that compares what the ledgers say with what lies in the lake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lake.cli.options import EnvOption, JsonOption
from lake.cli.targets import cloud_of
from lake.project import current_project
from lake.terminal.console import err, out

if TYPE_CHECKING:
    from lake.operations.check.command import CheckResult

EXIT_DIFFERENCES = 1
#: Differences that are shown on a terminal; `--json` has more.
SHOWN = 20


def show_check(console: Console, result: CheckResult) -> None:
    """Print what was compared, then each difference with its object and what to do."""
    counts = result.counts
    for remark in result.remarks:
        console.print(f"[yellow]•[/] {escape(remark)}", highlight=False)
    for found in result.differences[:SHOWN]:
        console.print(f"[red]✗[/] [bold]{found.code}[/] {escape(found.object)}", highlight=False)
        console.print(f"  {escape(found.message)}", highlight=False)
        console.print(f"  [dim]→ {escape(found.remedy)}[/]", highlight=False)
    if result.total > SHOWN:
        console.print(f"... and {result.total - SHOWN} more; --json lists them", highlight=False)
    looked_at = (
        _counted(len(result.runs), "run"),
        _counted(counts.pages, "page"),
        _counted(counts.builds, "build"),
    )
    console.print(
        f"{', '.join(looked_at)}: {_counted(counts.records, 'record')} ="
        f" {_counted(counts.rows, 'row')} + {counts.quarantined:,} quarantined",
        highlight=False,
    )
    if result.ok:
        console.print("[green]✓[/] Every record is there exactly once, and every ledger agrees.")
    else:
        kinds = ", ".join(f"{code} {count}" for code, count in result.by_code.items())
        console.print(f"[red]✗[/] {_counted(result.total, 'difference')}: {kinds}", highlight=False)


def check(
    run_id: Annotated[
        str | None, typer.Argument(metavar="RUN", help="The run; default: the newest.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Check every run.")] = False,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the ledgers with the lake: each raw record is a row or in quarantine, exactly once.

    Reads every page of the run, its outputs, the ledgers, the curated builds and the catalogue, and
    changes nothing. A difference makes the exit code 1.
    """
    from lake.operations.check.command import check_lake
    from lake.terminal.progress import Progress

    cloud = cloud_of(current_project(), env)
    with Progress(err).step("Check") as say:
        result = check_lake(cloud, run_id, everything=everything, say=say)
    if as_json:
        print(json.dumps(result.as_json(), indent=2))
    else:
        show_check(out, result)
    if not result.ok:
        raise SystemExit(EXIT_DIFFERENCES)


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
