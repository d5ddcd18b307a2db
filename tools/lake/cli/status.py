"""Commands that show how the lake is: its state, once or again and again, and its logs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from lake.aws import Cloud
from lake.cli.options import EnvOption, JsonOption
from lake.cli.targets import cloud_of
from lake.project import current_project
from lake.terminal.console import out
from lake.terminal.tables import table

if TYPE_CHECKING:
    from lake.operations.logs.records import LogLine
    from lake.operations.status.reading import EtlStatus, LakeStatus

COMMIT_LENGTH = 10
GAPS_SHOWN = 10
STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}


def status(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it again and again, until Ctrl-C.")
    ] = False,
    interval: Annotated[
        float, typer.Option(min=0.5, help="With --watch: seconds between two looks.")
    ] = 3.0,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the runs by stage, what waits, what is quarantined, and the curated tables.

    With --watch, what is deployed is left out, and the rest is kept up to date.
    """
    if watch and (as_json or not out.is_terminal):
        raise typer.BadParameter("--watch needs a terminal; call --json again for machines.")
    cloud = cloud_of(current_project(), env)
    read = _reader(cloud)
    if as_json:
        print(json.dumps(asdict(read()), indent=2))
    elif watch:
        with Live(console=out, auto_refresh=False) as live:
            while True:
                live.update(Group(*status_view(read(), units=False)), refresh=True)
                time.sleep(interval)
    else:
        out.print(Group(*status_view(read())))


def logs(
    service: Annotated[
        str | None, typer.Argument(help="ingest, process or glue_etl; default: all.")
    ] = None,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Only lines about a run.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Such as 30m, 2h or 7d; default: 1h, or since the run."),
    ] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only warnings and errors.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written, until Ctrl-C.")
    ] = False,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the services have logged, oldest first (UTC).

    Of the local AWS the jobs' log is that of their last run on this machine.
    """
    from lake.etl.workspace import folder_of
    from lake.operations.logs.reading import LogReader, Wanted, chosen_services
    from lake.operations.replay.selection import checked_run

    project = current_project()
    services = chosen_services(service)
    if run_id is not None:
        checked_run(run_id)
    wanted = Wanted(services, _begin(since, run_id), run_id, errors)
    cloud = cloud_of(project, env)
    reader = LogReader(cloud, folder_of(project) if cloud.is_local else None)
    found: Iterator[LogLine] = reader.follow(wanted) if follow else iter(reader.lines(wanted))
    shown = 0
    for line in found:
        shown += 1
        _show_line(line, as_json=as_json)
    if not shown and not as_json:
        begin = datetime.fromtimestamp(wanted.since / 1000, UTC)
        out.print(
            f"No such line since {begin:%Y-%m-%d %H:%M} UTC; --since 7d looks further back.",
            highlight=False,
        )


def _begin(since: str | None, run_id: str | None) -> int:
    from lake.operations.logs.reading import parse_age
    from schemas.keys import parse_run_id

    if since is None and run_id is not None:
        return int(parse_run_id(run_id).timestamp() * 1000)
    return int((datetime.now(UTC) - parse_age(since or "1h")).timestamp() * 1000)


def _show_line(line: LogLine, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(line), ensure_ascii=False), flush=True)
    else:
        out.print(Text(line.formatted(), style=STYLES.get(line.level, "")), soft_wrap=True)


def _reader(cloud: Cloud) -> Callable[[], LakeStatus]:
    from lake.etl.glue_jobs import newest_job_runs
    from lake.etl.workspace import folder_of, job_log
    from lake.operations.status.quarantine import QuarantineReader
    from lake.operations.status.reading import read_status

    quarantine = QuarantineReader()
    if cloud.is_local:
        jobs = job_log(folder_of(current_project())).newest
        return lambda: read_status(cloud, jobs, quarantine)
    return lambda: read_status(cloud, lambda _, count: newest_job_runs(cloud, count), quarantine)


def status_view(status: LakeStatus, *, units: bool = True) -> Iterator[RenderableType]:
    """Yield the state of an environment, part by part."""
    place = f"local AWS at {status.endpoint}" if status.endpoint else f"AWS, {status.region}"
    yield Text.from_markup(f"[green]●[/] environment {status.env}, {place}")
    if units:
        yield table(
            "Units",
            ["unit", "stack", "deployed", "version", "commit"],
            [
                [u.unit, u.state, u.deployed_at, u.version, u.commit and u.commit[:COMMIT_LENGTH]]
                for u in status.units
            ],
        )
    if status.queues:
        yield table(
            "Queues",
            ["queue", "waiting", "in flight", "oldest, s"],
            [[q.queue, q.waiting, q.in_flight, q.oldest_seconds] for q in status.queues],
        )
    cloud = Cloud(env=status.env, endpoint=status.endpoint)
    if not status.runs:
        starts = f"'{cloud.command('ingest')}' makes one"
        yield Text(f"No runs yet: {starts if cloud.is_local else 'the schedule starts one'}.")
        return
    yield from _runs(status)
    yield from _etl(status.etl, cloud.command("etl"), jobs=units)


def _runs(status: LakeStatus) -> Iterator[RenderableType]:
    yield table(
        "Runs, newest first",
        ["run", "stage", "crawl", "pages", "records", "rows", "quarantined"],
        [
            [
                r.run_id,
                r.stage,
                r.crawl,
                f"{r.pages_processed}/{r.pages_stored}",
                r.records,
                r.rows,
                r.quarantined,
            ]
            for r in status.runs
        ],
    )
    for run in status.runs:
        if run.damage:
            yield Text(f"Run {run.run_id}: {run.damage}", style="red")
    if status.gaps:
        rows: list[list[object]] = [[g.subject, g.status, g.reason] for g in status.gaps]
        count = f"{len(rows)} subject{'' if len(rows) == 1 else 's'}"
        title = f"Not whole in run {status.gaps[0].run_id}: {count}"
        yield table(title, ["subject", "status", "reason"], rows[:GAPS_SHOWN], wraps=True)
    quarantine = status.quarantine
    if quarantine and quarantine.reasons:
        more = "" if quarantine.complete else ", of its first pages"
        counts: list[list[object]] = [[code, n] for code, n in quarantine.reasons.items()]
        yield table(f"Quarantine of run {quarantine.run_id}{more}", ["reason", "records"], counts)
    if status.freshness_hours is not None:
        yield Text(f"\nThe newest processed run was crawled {_ago(status.freshness_hours)}.")


def _ago(hours: float) -> str:
    """Return an age in words: of a lake that was just made, in minutes."""
    return f"{hours * 60:.0f} min ago" if hours < 1 else f"{hours:.1f} h ago"


def _etl(etl: EtlStatus, command: str, *, jobs: bool) -> Iterator[RenderableType]:
    """Yield the state of the curated tables and of the jobs that build them."""
    waiting = len(etl.waiting_runs)
    lag = f"{waiting} processed run{'' if waiting == 1 else 's'} not in it" if waiting else "no lag"
    if etl.build:
        age = "" if etl.age_hours is None else f" ({_ago(etl.age_hours)})"
        yield Text.from_markup(
            f"[bold]Curated tables[/] build {etl.build}, published {etl.published_at}{age}, {lag}"
        )
    else:
        yield Text.from_markup(f"[bold]Curated tables[/] none yet: '{command}' builds them.")
    if etl.pinned:
        yield Text(f"Pinned: {etl.pinned}. '{command} --unpin' ends it.")
    for run, reason in etl.excluded_runs.items():
        yield Text(f"Run {run} is excluded: {reason}")
    if etl.job_runs and jobs:
        rows: list[list[object]] = [
            [r.started_at, r.job, r.state, None if r.seconds is None else int(r.seconds), r.error]
            for r in etl.job_runs
        ]
        columns = ["started", "job", "state", "seconds", "error"]
        yield table("Job runs, newest first", columns, rows)
