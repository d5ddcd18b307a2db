"""Commands of the local lake: up, down and the demo."""

from typing import Annotated

import typer

from lake.cli.console import err, out
from lake.cli.options import ContactOption, JsonOption, LiveOption, PortOption, contact_for
from lake.cli.targets import local_aws
from lake.project import current_project


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


def down() -> None:
    """Stop the local AWS, which deletes its data, and the daemon of Pants."""
    from lake.deploy.packaging import stop_daemon

    project = current_project()
    stop_daemon(project)
    stopped = local_aws(project).stop()
    out.print("The local AWS is stopped." if stopped else "The local AWS was not running.")


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
    from lake.cli import screens
    from lake.cli.progress import Progress
    from lake.local.demo import Options, run_demo

    project = current_project()
    options = Options(
        port=port, live=live, contact=contact_for(live=live, contact=contact), etl=with_etl
    )
    summary = run_demo(project, local_aws(project), options, Progress(err))
    if as_json:
        print(summary.to_json())
    else:
        screens.show_summary(out, summary)
