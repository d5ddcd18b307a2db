"""How results look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from lake.etl.backfill import BackfillResult
    from lake.etl.refresh import EtlResult
    from lake.local.demo import Summary
    from lake.operations.doctor.findings import Finding
    from lake.operations.status import EtlStatus, LakeStatus
    from lake.operations.verify.command import Report


COMMIT_LENGTH = 10


def table(title: str, columns: list[str], rows: list[list[object]]) -> Table:
    """Return a table with numbers aligned to the right."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | None) for row in rows)
        made.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return str(value)


def show_status(console: Console, status: LakeStatus) -> None:
    """Print the state of an environment."""
    place = f"local AWS at {status.endpoint}" if status.endpoint else "AWS"
    console.print(f"[green]●[/] environment {status.env}, {place}", highlight=False)
    units: list[list[object]] = [
        [u.unit, u.state, u.deployed_at, u.version, u.commit and u.commit[:COMMIT_LENGTH]]
        for u in status.units
    ]
    console.print(table("Units", ["unit", "stack", "deployed", "version", "commit"], units))
    queues: list[list[object]] = [[q.queue, q.waiting, q.in_flight] for q in status.queues]
    if queues:
        console.print(table("Queues", ["queue", "waiting", "in flight"], queues))
    for unit in status.units:
        if unit.log_group:
            console.print(f"Log of {unit.unit}: {unit.log_group}", style="dim", highlight=False)
    if not status.runs:
        console.print("No runs yet. './lake demo' makes one.", highlight=False)
        return
    columns = ["run", "crawl", "subjects", "pages", "processed", "records", "rows", "quarantined"]
    rows: list[list[object]] = [
        [
            r.run_id,
            r.crawl or "unfinished",
            r.subjects,
            r.pages_stored,
            r.pages_processed,
            r.records,
            r.rows,
            r.quarantined,
        ]
        for r in status.runs
    ]
    console.print(table("Runs, newest first", columns, rows))
    show_etl_status(console, status.etl)


def show_etl_status(console: Console, etl: EtlStatus) -> None:
    """Print the state of the curated tables and of the jobs that make them."""
    waiting = len(etl.waiting_runs)
    lag = f"{waiting} processed run{'' if waiting == 1 else 's'} not in it" if waiting else "no lag"
    if etl.build:
        console.print(
            f"[bold]Curated tables[/] build {etl.build}, published {etl.published_at}"
            f" ({etl.age_hours:.1f} h ago), {lag}",
            highlight=False,
        )
    else:
        console.print("[bold]Curated tables[/] none yet. './lake etl' makes them.", highlight=False)
    if etl.job_runs:
        columns = ["started", "job", "state", "seconds", "error"]
        rows: list[list[object]] = [
            [r.started_at, r.job, r.state, None if r.seconds is None else int(r.seconds), r.error]
            for r in etl.job_runs
        ]
        console.print(table("Job runs, newest first", columns, rows))


def show_etl(console: Console, result: EtlResult) -> None:
    """Print what the ETL did."""
    rows: list[list[object]] = [[name, count] for name, count in result.tables.items()]
    console.print(table(f"Build {result.build}", ["table", "rows"], rows))
    if result.status == "unchanged":
        console.print("Nothing to do: the build has every processed run.")
        return
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in result.seconds.items())
    runs = f"{len(result.new_runs)} new run" + ("" if len(result.new_runs) == 1 else "s")
    console.print(f"{runs}, {result.mode}. {parts}", style="dim", highlight=False)


def show_backfill(console: Console, result: BackfillResult) -> None:
    """Print the outcome of a backfill."""
    show_etl(console, result.etl)
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
        console.print()
    console.print(_counts(summary))


def _curated_line(summary: Summary) -> list[str]:
    if not summary.curated:
        return []
    tables = ", ".join(f"{name} {rows:,}" for name, rows in summary.curated.items())
    return [f"→ curated by Spark: {tables}"]


def _report_line(summary: Summary) -> list[str]:
    return [f"→ report: {summary.report}"] if summary.report else []


def _counts(summary: Summary) -> RenderableType:
    stages = ", ".join(
        f"{name.lower()} {seconds:.1f} s" for name, seconds in summary.stages.items()
    )
    lines = [
        f"{summary.records_raw:,} records of {summary.subjects} subjects fetched in "
        f"{summary.pages} pages from {summary.source}",
        f"= {summary.rows_processed:,} rows in {summary.database}.works "
        f"+ {summary.records_quarantined:,} in {summary.database}.quarantine",
        *_curated_line(summary),
        *_report_line(summary),
        f"run {summary.run_id} ({summary.status}) in s3://{summary.bucket} at {summary.endpoint}",
        f"{summary.seconds:.1f} s: {stages}",
        "",
        "./lake query \"SELECT title, decade FROM works WHERE access_level = 'open' LIMIT 5\"",
        "./lake report --open      ./lake status      ./lake etl      ./lake down",
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
