"""Commands that show the lake: the report and Superset."""

import json
import webbrowser
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lake.cli.options import EnvOption, JsonOption, OpenOption
from lake.cli.targets import cloud_of, cloud_to_change
from lake.project import called_from, current_project
from lake.terminal.console import err, out


def report(
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to; .lake/report by default.")
    ] = None,
    images: Annotated[
        bool, typer.Option("--images", help="Also each chart as PNG, SVG and PDF.")
    ] = False,
    opens: OpenOption = False,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a report of the lake as one HTML page, and publish it under reports/.

    The page needs no network. Its figures are those of the views in analytics/views.
    """
    from lake.local.environments import environment
    from lake.reports.report import make_report
    from lake.terminal.progress import Progress

    project = current_project()
    cloud = cloud_to_change(project, env)
    progress = Progress(err)
    with progress.step("Prepare Plotly"):
        python = environment(project, "report")
    folder = called_from() / output if output else project.state / "report"
    with progress.step("Report") as say:
        made = make_report(cloud, python, project, folder.resolve(), images=images, on_step=say)
    if as_json:
        print(json.dumps(asdict(made), indent=2))
    else:
        out.print(f"The report is {made.page}", highlight=False, soft_wrap=True)
        if made.images:
            out.print(
                f"{len(made.images)} images are in the folder images next to it.", highlight=False
            )
        out.print(f"Published as {made.published[0]}", highlight=False, soft_wrap=True)
    if opens:
        webbrowser.open(Path(made.page).as_uri())


def superset(
    port: Annotated[
        int, typer.Option(min=1024, max=65535, help="Port of 127.0.0.1 to listen on.")
    ] = 8088,
    opens: OpenOption = False,
    checks: Annotated[
        bool,
        typer.Option(
            "--check", help="Compare what headless Chromium shows with the lake, and exit."
        ),
    ] = False,
    screenshot: Annotated[
        Path | None, typer.Option(help="With --check: file for a screenshot (PNG).")
    ] = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve Apache Superset on this machine, with the dashboard of the lake, until Ctrl-C.

    Superset gets an environment of its own (900 MB, at the first call). It shows the
    lake as it is at the call; on AWS it queries Athena.
    """
    from lake.reports.superset.command import Request, run
    from lake.terminal.progress import Progress

    if screenshot and not checks:
        raise typer.BadParameter("--screenshot needs --check.")
    project = current_project()
    picture = called_from() / screenshot if screenshot else None
    request = Request(port, checks, picture, opens, as_json)
    run(cloud_of(project, env), project, request, Progress(err), out)
