"""How results look on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from lake.demo import Summary
    from lake.status import LakeStatus


COMMIT_LENGTH = 10


def table(title: str, columns: list[str], rows: list[list[object]]) -> Table:
    """Return a table whose numbers stand to the right."""
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


def show_summary(console: Console, summary: Summary) -> None:
    """Print what the demo made and where it is."""
    for title, records in summary.queries.items():
        columns = list(records[0]) if records else ["nothing"]
        console.print(table(title, columns, [list(record.values()) for record in records]))
        console.print()
    console.print(_counts(summary))


def _counts(summary: Summary) -> RenderableType:
    stages = ", ".join(
        f"{name.lower()} {seconds:.1f} s" for name, seconds in summary.stages.items()
    )
    lines = [
        f"{summary.records_raw:,} records of {summary.subjects} subjects fetched in "
        f"{summary.pages} pages from {summary.source}",
        f"= {summary.rows_processed:,} rows in {summary.database}.works "
        f"+ {summary.records_quarantined:,} in {summary.database}.quarantine",
        f"run {summary.run_id} ({summary.status}) in s3://{summary.bucket} at {summary.endpoint}",
        f"{summary.seconds:.1f} s: {stages}",
        "",
        "./lake query \"SELECT title, decade FROM works WHERE access_level = 'open' LIMIT 5\"",
        "./lake status      ./lake down",
    ]
    return Panel(Group(*(Text(line) for line in lines)), title="The lake is up", expand=False)
