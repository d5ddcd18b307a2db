"""Commands of the local lake: up, down and the demo."""

import sys
from typing import Annotated

import typer

from lake.aws import Cloud
from lake.cli.options import (
    ContactOption,
    JsonOption,
    LiveOption,
    PortOption,
    YesOption,
    contact_for,
)
from lake.cli.targets import local_aws
from lake.project import current_project
from lake.terminal.console import err, out


def up(port: PortOption) -> None:
    """Start the local AWS (it ends by itself after eight hours)."""
    local = local_aws(current_project())
    server = local.running()
    if server is not None:
        out.print(f"The local AWS is already running at {server.endpoint}.", highlight=False)
        return
    with err.status("Starting the local AWS"):
        server = local.start(port)
    out.print(f"The local AWS is running at {server.endpoint}.", highlight=False)


def down(yes: YesOption = False) -> None:
    """Stop the local AWS, which deletes its data, and the daemon of Pants.

    Asks first where the data holds a dump that was loaded, as that takes longest to make again.
    """
    from lake.deploy.packaging import stop_daemon
    from lake.local.contents import loaded_dumps

    project = current_project()
    local = local_aws(project)
    server = local.running()
    dumps = loaded_dumps(Cloud(endpoint=server.endpoint)) if server else []
    if dumps:
        err.print(f"This deletes the dumps loaded as {', '.join(dumps)}.", highlight=False)
        if not yes and sys.stdin.isatty() and not typer.confirm("Stop the local AWS?", err=True):
            raise typer.Exit(1)
    stop_daemon(project)
    stopped = local.stop()
    out.print("The local AWS is stopped." if stopped else "The local AWS was not running.")


def clean(
    caches: Annotated[
        bool, typer.Option("--caches", help="Also your user's caches, which other clones share.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Show what the project keeps on disk, and free what the next call makes again.

    Keeps the environments of ./lake itself, reports, Superset's data, and a running local AWS.
    """
    from lake.deploy.packaging import stop_daemon
    from lake.local.clean import find_stored, free
    from lake.terminal.tables import table

    project = current_project()
    running = local_aws(project).running() is not None
    stored = find_stored(project, caches=caches, keep_local_aws=running)
    rows = [[_megabytes(s.bytes), str(s.path), s.holds] for s in stored]
    out.print(table("Can be freed", ["size", "folder", "holds"], rows))
    total = _megabytes(sum(s.bytes for s in stored))
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Free {total}?", err=True)):
        again = "./lake clean --caches" if caches else "./lake clean"
        out.print(f"Nothing was removed. '{again} --yes' frees {total}.", highlight=False)
        return
    stop_daemon(project)
    out.print(f"{_megabytes(free(stored))} are free again.", highlight=False)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def demo(
    port: PortOption,
    live: LiveOption = False,
    contact: ContactOption = "",
    with_etl: Annotated[
        bool, typer.Option("--etl/--no-etl", help="Build curated tables and report; needs Java.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Run the whole lake once on this machine: deploy, crawl, process, ETL, query, report.

    Crawls a bundled stand-in of OpenLibrary, so it needs no network once everything is installed.
    """
    from lake.local.demo import Options, run_demo
    from lake.terminal import screens
    from lake.terminal.progress import Progress

    project = current_project()
    options = Options(
        port=port, live=live, contact=contact_for(live=live, contact=contact), etl=with_etl
    )
    summary = run_demo(project, local_aws(project), options, Progress(err))
    if as_json:
        print(summary.to_json())
    else:
        screens.show_summary(out, summary)
