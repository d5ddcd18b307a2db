"""The command that compares what the ledgers say with what lies in the lake."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

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
    runs = f"{len(result.runs)} run{'' if len(result.runs) == 1 else 's'}"
    console.print(
        f"{runs}, {counts.pages:,} pages, {counts.builds} builds: {counts.records:,} records ="
        f" {counts.rows:,} rows + {counts.quarantined:,} quarantined",
        highlight=False,
    )
    if result.ok:
        console.print("[green]✓[/] Every record is there exactly once, and every ledger agrees.")
    else:
        kinds = ", ".join(f"{code} {count}" for code, count in result.by_code.items())
        console.print(f"[red]✗[/] {result.total} differences: {kinds}", highlight=False)
