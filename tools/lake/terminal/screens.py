"""How results look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from lake.terminal.tables import result_table, table

if TYPE_CHECKING:
    from lake.aws import Cloud
    from lake.etl.backfill import BackfillResult
    from lake.etl.refresh import EtlResult
    from lake.local.demo import Summary
    from lake.operations.doctor.findings import Finding
    from lake.operations.ingest.command import IngestResult
    from lake.operations.verify.command import Report
    from lake.query.metadata import TableState
    from lake.query.tabular import QueryResult


NEXT_COMMANDS = (
    "./lake query \"SELECT title, decade FROM {works} WHERE access_level = 'open' LIMIT 5\"",
    "./lake tables      ./lake report --open      ./lake status      ./lake etl      ./lake down",
)


def show_description(console: Console, state: TableState, columns: QueryResult) -> None:
    """Print what a table holds."""
    console.print(f"[bold]{state.table}[/] ({state.kind}): {state.description}.", highlight=False)
    if state.rows is None:
        console.print("It is not in the catalogue yet.", highlight=False)
    else:
        newest = f", newest {state.newest}" if state.newest else ""
        rows = "row" if state.rows == 1 else "rows"
        console.print(f"{state.rows:,} {rows}{newest}", highlight=False)
    # Without a number of rows, which here would be that of the columns.
    console.print(replace(result_table(columns, wraps=True), total=None))


def show_etl(console: Console, result: EtlResult, cloud: Cloud) -> None:
    """Print what the ETL did."""
    rows: list[list[object]] = [[name, count] for name, count in result.tables.items()]
    console.print(table(f"Build {result.build}", ["table", "rows"], rows))
    if result.compacted:
        console.print(f"Compacted: {', '.join(result.compacted)}", highlight=False)
    for day, reason in result.not_compacted.items():
        console.print(f"[yellow]Not compacted[/] {day}: {reason}", highlight=False)
    if result.status == "unchanged":
        console.print("Nothing to do: the build has every processed run.")
        return
    if result.status == "pinned":
        unpin = cloud.command("etl --unpin")
        console.print(f"Readers stay in this build until '{unpin}'.", highlight=False)
        return
    for run, found in result.left_out.items():
        console.print(f"[yellow]Left out[/] run {run}: {found}", highlight=False)
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in result.seconds.items())
    runs = f"{len(result.new_runs)} new run" + ("" if len(result.new_runs) == 1 else "s")
    console.print(f"{runs}, {result.mode}. {parts}", style="dim", highlight=False)


def show_ingest(console: Console, result: IngestResult) -> None:
    """Print how a run ended, subject by subject."""
    run = result.run
    rows: list[list[object]] = [
        [one.subject, one.status, one.works, one.reason or ""] for one in run.subjects
    ]
    columns = ["subject", "status", "works", "reason"]
    console.print(table(f"Run {run.run_id}: {run.status}", columns, rows, wraps=True))
    console.print(
        f"{run.records_raw:,} records in {run.pages} pages from {result.source}"
        f" = {run.rows_processed:,} rows + {run.records_quarantined:,} in quarantine",
        highlight=False,
    )
    if result.is_synthetic:
        console.print(
            "The source is the bundled stand-in: its works are made up. --live crawls OpenLibrary.",
            style="yellow",
            highlight=False,
        )
    if result.curated:
        tables = ", ".join(f"{name} {count:,}" for name, count in result.curated.items())
        console.print(f"Curated tables: {tables}", highlight=False)
    if result.remark:
        console.print(escape(result.remark), highlight=False)


def show_backfill(console: Console, result: BackfillResult, cloud: Cloud) -> None:
    """Print the outcome of a backfill."""
    show_etl(console, result.etl, cloud)
    loaded = result.loaded
    note = " (loaded before)" if loaded.status == "unchanged" else ""
    console.print(
        f"{result.dump}: {loaded.lines:,} lines = {loaded.rows:,} rows"
        f" + {loaded.quarantined:,} in quarantine, as run {loaded.run_id}{note}",
        highlight=False,
    )


def show_summary(console: Console, summary: Summary) -> None:
    """Print what the demo made and where it is."""
    for title, records in summary.queries.items():
        columns = list(records[0]) if records else ["nothing"]
        console.print(table(title, columns, [list(record.values()) for record in records]))
    console.print(_counts(summary))
    # Outside of the frame, so that they can be copied.
    works = "works" if summary.curated else "crawled_works"
    for line in NEXT_COMMANDS:
        console.print(line.format(works=works), highlight=False, markup=False, soft_wrap=True)


def _curated_line(summary: Summary) -> list[str]:
    if not summary.curated:
        return []
    tables = ", ".join(f"{name} {rows:,}" for name, rows in summary.curated.items())
    return [f"→ curated by Spark: {tables}"]


def _report_line(summary: Summary) -> list[str]:
    return [f"→ report: {summary.report}"] if summary.report else []


def _counts(summary: Summary) -> RenderableType:
    stages = ", ".join(
        f"{name[0].lower()}{name[1:]} {seconds:.1f} s" for name, seconds in summary.stages.items()
    )
    lines = [
        f"{summary.records_raw:,} records of {summary.subjects} subjects fetched in "
        f"{summary.pages} pages from {summary.source}",
        f"= {summary.rows_processed:,} rows in {summary.database}.crawled_works "
        f"+ {summary.records_quarantined:,} in {summary.database}.quarantine",
        *_curated_line(summary),
        *_report_line(summary),
        f"run {summary.run_id} ({summary.status}) in s3://{summary.bucket} at {summary.endpoint}",
        f"{summary.seconds:.1f} s: {stages}",
    ]
    return Panel(Group(*(Text(line) for line in lines)), title="The lake is up", expand=False)


SIGNS = {
    "fine": "[green]✓[/]",
    "advice": "[yellow]•[/]",
    "problem": "[red]✗[/]",
    "unknown": "[yellow]?[/]",
}


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print what the doctor found, a line each, and what to do below it."""
    for found in findings:
        line = f"{SIGNS[found.state]} [bold]{found.name}[/] {escape(found.text)}"
        console.print(line, highlight=False)
        if found.remedy:
            console.print(f"  [dim]{escape(found.remedy)}[/]", highlight=False)


OUTCOMES = {
    "shown": "[green]✓[/] shown",
    "failed": "[red]✗[/] failed",
    "unavailable": "[yellow]•[/] not to be seen here",
}


def show_verification(console: Console, report: Report) -> None:
    """Print what came of each claim."""
    made = Table(title=f"Environment {report.env}, {report.verified_at}", title_justify="left")
    for column in ("claim", "outcome", "seen"):
        made.add_column(column)
    for claim in report.claims:
        made.add_row(claim.claim, OUTCOMES[claim.outcome], escape(claim.detail))
    console.print(made)
    console.print(
        f"Run {report.run_id} of this verification is removed: {report.removed} objects."
        " docs/aws-claims.md says what each claim is for.",
        highlight=False,
    )
