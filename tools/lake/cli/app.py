"""The `lake` command."""

import json
import signal
import sys
import webbrowser
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from lake.aws import Cloud
from lake.cli.console import err, out, show_error
from lake.errors import LakeError, LocalAwsDownError
from lake.local.local_aws import DEFAULT_PORT, LocalAws
from lake.project import Project, called_from, current_project

app = typer.Typer(
    name="lake",
    help="An event-driven, serverless data lake: on this machine, and on AWS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

PortOption = Annotated[
    int, typer.Option(min=1024, max=65535, help="Port of 127.0.0.1 to listen on.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for machines.")]
EnvOption = Annotated[
    str | None, typer.Option(help="Environment on AWS; without it, the local AWS.")
]
MemoryOption = Annotated[str, typer.Option(help="Memory of Spark on this machine, such as 8g.")]
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class OutputFormat(StrEnum):
    """Forms of a query's result."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def local_aws(project: Project) -> LocalAws:
    """Return the local AWS of a clone, run by MiniStack's own environment."""
    python = project.state / "venv/ministack/bin/python"
    return LocalAws(project.state / "local", [str(python), "-m", "ministack"])


def local_cloud(project: Project) -> Cloud:
    """Return the running local AWS."""
    return Cloud(endpoint=local_aws(project).require().endpoint)


def cloud_of(project: Project, env: str | None) -> Cloud:
    """Return an environment on AWS, or the running local AWS."""
    return Cloud(env=env) if env else local_cloud(project)


@app.command()
def up(port: PortOption = DEFAULT_PORT) -> None:
    """Start the local AWS (it ends by itself after eight hours)."""
    local = local_aws(current_project())
    server = local.running()
    if server is not None:
        out.print(f"The local AWS is up already, at {server.endpoint}.", highlight=False)
        return
    with err.status("Starting the local AWS"):
        server = local.start(port)
    out.print(f"The local AWS is up at {server.endpoint}.", highlight=False)


@app.command()
def down() -> None:
    """Stop the local AWS (what it holds is gone then) and the daemon of Pants."""
    from lake.deploy.packaging import stop_daemon

    project = current_project()
    stop_daemon(project)
    stopped = local_aws(project).stop()
    out.print("The local AWS is stopped." if stopped else "The local AWS was not running.")


@app.command()
def status(env: EnvOption = None, as_json: JsonOption = False) -> None:
    """Show what is deployed, the runs, what waits in queues, and the curated tables."""
    from lake.cli import screens
    from lake.etl.glue_jobs import newest_job_runs
    from lake.etl.refresh import folder_of, job_log
    from lake.operations.status import read_status

    project = current_project()
    cloud = cloud_of(project, env)
    if cloud.is_local:
        found = read_status(cloud, job_log(folder_of(project)).newest)
    else:
        found = read_status(cloud, lambda _bucket, count: newest_job_runs(cloud, count))
    if as_json:
        print(json.dumps(asdict(found), indent=2))
    else:
        screens.show_status(out, found)


@app.command()
def deploy(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[UNIT]...", help="Default: all that changed.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Deploy to the local AWS.")] = False,
    env: Annotated[str, typer.Option(help="Environment on AWS.")] = "dev",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="UNIT.PARAMETER=VALUE", help="Set a template parameter."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Change without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show changes, make none.")] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Go back to the release before the current one.")
    ] = False,
    allow_reused_version: Annotated[
        bool, typer.Option(help="Deploy other content under a version that was deployed before.")
    ] = False,
) -> None:
    """Package units with Pants, show what would change, and bring their stacks up to date.

    A package is built anew where something that it depends on has changed since the commit that is
    deployed. A parameter that is not set keeps its value. On AWS, the usual profile and region hold
    (AWS_PROFILE, AWS_REGION).
    """
    from lake.deploy.command import Request, release

    project = current_project()
    cloud = local_cloud(project) if local else Cloud(env=env)
    request = Request(
        names=names or [],
        settings=settings or [],
        asks=not (yes or local),
        dry_run=dry_run,
        rollback=rollback,
        allow_reused_version=allow_reused_version or local,
    )
    release(cloud, project, request, err, out)


@app.command()
def demo(
    port: PortOption = DEFAULT_PORT,
    live: Annotated[bool, typer.Option("--live", help="Crawl the real OpenLibrary API.")] = False,
    contact: Annotated[
        str, typer.Option(help="With --live: your e-mail address or URL, told to OpenLibrary.")
    ] = "",
    with_etl: Annotated[
        bool, typer.Option("--etl/--no-etl", help="Build curated tables and report; needs Java.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Run the whole lake once on this machine: deploy, crawl, process, ETL, query, report.

    Crawls a bundled stand-in of OpenLibrary, so it needs no network once everything is installed.
    """
    from lake.cli import screens
    from lake.cli.progress import Progress
    from lake.local.demo import Options, run_demo

    if live and not contact:
        raise typer.BadParameter(
            "--live needs --contact: OpenLibrary wants to know whom to write to."
        )
    project = current_project()
    options = Options(port=port, live=live, contact=contact, etl=with_etl)
    summary = run_demo(project, local_aws(project), options, Progress(err))
    if as_json:
        print(summary.to_json())
    else:
        screens.show_summary(out, summary)


@app.command()
def etl(
    env: EnvOption = None,
    full: Annotated[bool, typer.Option("--full", help="Build all anew, from all runs.")] = False,
    max_ratio: Annotated[
        float | None,
        typer.Option(min=1, help="Rows that a table may have, of its last build's; default: 10."),
    ] = None,
    memory: MemoryOption = "2g",
    as_json: JsonOption = False,
) -> None:
    """Bring the curated tables up to date: by Spark on this machine, or by Glue on AWS.

    Takes the runs that are processed and not yet in the tables. Readers go from one whole build to
    the next; a build that breaks a data-quality rule is not published.
    """
    from lake.cli import screens
    from lake.cli.progress import Progress
    from lake.etl.refresh import EtlOptions, run_etl, run_on_glue, workspace_of
    from lake.local.spark import prepare

    project = current_project()
    cloud = cloud_of(project, env)
    options = EtlOptions(full, memory, max_ratio)
    progress = Progress(err)
    if cloud.is_local:
        with progress.step("Set up Spark"):
            prepare(project)
        with progress.step("ETL") as say:
            result = run_etl(cloud, workspace_of(cloud, project), options, say)
    else:
        with progress.step("ETL") as say:
            result = run_on_glue(cloud, options, say)
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    else:
        screens.show_etl(out, result)


@app.command()
def backfill(
    dump: Annotated[
        str, typer.Argument(metavar="PATH_OR_URL", help="ol_dump_works_DATE.txt.gz, or .txt.")
    ],
    env: EnvOption = None,
    run_id: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Run that it makes; default: the date in its name."),
    ] = None,
    memory: MemoryOption = "2g",
    as_json: JsonOption = False,
) -> None:
    """Load a dump of works into the curated tables: the bulk route.

    Each line becomes a row or a record in quarantine. A dump that is empty, cut off, or none of
    works is refused whole.
    """
    from lake.cli import screens
    from lake.cli.progress import Progress
    from lake.etl.backfill import run_backfill
    from lake.etl.bulk import ANY_GROWTH, route_of
    from lake.etl.dump import is_url
    from lake.etl.refresh import EtlOptions
    from lake.local.spark import prepare

    project = current_project()
    cloud = cloud_of(project, env)
    progress = Progress(err)
    if cloud.is_local:
        with progress.step("Set up Spark"):
            prepare(project)
    route = route_of(cloud, project, EtlOptions(memory=memory, max_ratio=ANY_GROWTH))
    place = dump if is_url(dump) else str(called_from() / dump)
    result = run_backfill(route, project.state / "dumps", place, run_id, progress.step)
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    else:
        screens.show_backfill(out, result)


@app.command()
def query(
    sql: Annotated[str | None, typer.Argument(help="One SELECT, in Athena's dialect.")] = None,
    view: Annotated[
        str | None, typer.Option(metavar="NAME", help="Answer a view of the dashboard instead.")
    ] = None,
    list_views: Annotated[
        bool, typer.Option("--list-views", help="Tell which views there are.")
    ] = False,
    output: Annotated[OutputFormat, typer.Option("--output", "-o", help="Form of the result.")] = (
        OutputFormat.TABLE
    ),
    env: EnvOption = None,
) -> None:
    """Answer a SELECT over the tables of the catalogue, or one of the views."""
    from lake.query import tabular
    from lake.query.execute import run_query
    from lake.query.view_queries import described_views, wanted_query

    if list_views:
        for line in described_views():
            out.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    wanted = wanted_query(sql, view)
    result = run_query(cloud_of(current_project(), env), wanted)
    if output is OutputFormat.JSON:
        print(tabular.to_json(result))
    elif output is OutputFormat.CSV:
        print(tabular.to_csv(result), end="")
    else:
        out.print(tabular.to_table(result, out.width))


@app.command()
def report(
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to; .lake/report by default.")
    ] = None,
    images: Annotated[
        bool, typer.Option("--images", help="Also each chart as PNG, SVG and PDF.")
    ] = False,
    opens: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what the lake holds as one HTML page, and publish it under reports/.

    The page needs no network. Its figures are those of the views in analytics/views.
    """
    from lake.cli.progress import Progress
    from lake.local.environments import environment
    from lake.reports.report import make_report

    project = current_project()
    cloud = cloud_of(project, env)
    progress = Progress(err)
    with progress.step("Prepare Plotly"):
        python = environment(project, "report")
    folder = output or project.state / "report"
    with progress.step("Report") as say:
        made = make_report(cloud, python, project, folder.resolve(), images=images, on_step=say)
    if as_json:
        print(json.dumps(asdict(made), indent=2))
    else:
        out.print(f"The report is {made.page}", highlight=False, soft_wrap=True)
        if made.images:
            out.print(f"{len(made.images)} images are beside it.", highlight=False)
        out.print(f"Published as {made.published[0]}", highlight=False, soft_wrap=True)
    if opens:
        webbrowser.open(Path(made.page).as_uri())


@app.command()
def superset(
    port: Annotated[
        int, typer.Option(min=1024, max=65535, help="Port of 127.0.0.1 to listen on.")
    ] = 8088,
    opens: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    checks: Annotated[
        bool, typer.Option("--check", help="Look at it in headless Chromium, compare, and end.")
    ] = False,
    screenshot: Annotated[
        Path | None, typer.Option(help="With --check: where to put a picture of it (PNG).")
    ] = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve Apache Superset on this machine, with the dashboard of the lake, until Ctrl-C.

    Superset gets an environment of its own (900 MB, at the first call). What it shows is what the
    lake holds when this is called; on AWS it asks Athena.
    """
    from lake.cli.progress import Progress
    from lake.reports.superset.command import Request, run

    if screenshot and not checks:
        raise typer.BadParameter("--screenshot needs --check.")
    project = current_project()
    picture = called_from() / screenshot if screenshot else None
    request = Request(port, checks, picture, opens, as_json)
    run(cloud_of(project, env), project, request, Progress(err), out)


def _on_terminate(_number: int, _frame: FrameType | None) -> None:
    # Unwinds the stack, so that what was started is ended.
    raise SystemExit(EXIT_TERMINATED)


def _on_interrupt(_number: int, _frame: FrameType | None) -> None:
    err.print("Interrupted.")
    raise SystemExit(EXIT_INTERRUPTED)


def main() -> None:
    """Run the command; every expected error becomes a line or two and an exit code."""
    signal.signal(signal.SIGTERM, _on_terminate)
    # A shell starts background jobs deaf to it.
    signal.signal(signal.SIGINT, _on_interrupt)
    try:
        app(prog_name="./lake")
    except LakeError as error:
        show_error(error)
        raise SystemExit(1) from None
    except Exception as error:
        if not _is_connection_error(error):
            raise
        show_error(
            LocalAwsDownError(
                f"The connection to AWS was lost: {error}",
                "'./lake status' tells whether the local AWS is up.",
            )
        )
        raise SystemExit(1) from None


def _is_connection_error(error: Exception) -> bool:
    if "botocore" not in sys.modules:
        return False
    from botocore.exceptions import ConnectionError as AwsConnectionError
    from botocore.exceptions import HTTPClientError

    return isinstance(error, AwsConnectionError | HTTPClientError)
