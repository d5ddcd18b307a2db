"""The steps of `./lake superset`."""

import json
import webbrowser
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from lake.aws import Cloud
from lake.errors import SupersetError
from lake.local.environments import environment
from lake.project import Project
from lake.reports.report import read_data
from lake.reports.superset.check import browser, check, raise_on_mismatch, to_json
from lake.reports.superset.server import USER, Site, keep_secret, serving, set_up, site_of
from lake.terminal.progress import Progress
from lake.terminal.tables import table


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    port: int
    checks: bool
    screenshot: Path | None
    opens: bool
    as_json: bool


def run(cloud: Cloud, project: Project, request: Request, progress: Progress, out: Console) -> None:
    """Set Superset up and serve it until it is ended; or check it and end it.

    Raises
    ------
    LakeError
        It cannot be set up or served, or differs from the lake.
    """
    if request.checks:
        # Before the set-up, which takes minutes.
        browser()
    with progress.step("Prepare Superset"):
        python = environment(project, "superset")
    site = site_of(cloud, project, python, request.port)
    with site.locked() as lock_fd:
        is_new = keep_secret(site.password_file)
        with progress.step("Set up Superset") as say:
            set_up(site, cloud, say)
        with ExitStack() as stack:
            with progress.step("Start Superset"):
                process = stack.enter_context(serving(site, lock_fd))
            if request.checks:
                _check(cloud, site, request, progress, out)
                return
            _announce(site, request, out, is_new=is_new)
            if request.opens:
                webbrowser.open(site.url)
            status = process.wait()
    raise SupersetError(
        f"Superset ended by itself (status {status}).", f"Its output is in {site.log}."
    )


def _announce(site: Site, request: Request, out: Console, *, is_new: bool) -> None:
    if request.as_json:
        place = {"url": site.url, "user": USER, "password_file": str(site.password_file)}
        print(json.dumps(place), flush=True)
        return
    out.print(f"Superset is at {site.url}", highlight=False, soft_wrap=True)
    password = f"{site.password_file.read_text()} (kept in {site.password_file})"
    shown = password if is_new else f"in {site.password_file}"
    out.print(f"User: {USER}   Password: {shown}", highlight=False, soft_wrap=True, markup=False)
    out.print("Ctrl-C ends it.")


def _check(cloud: Cloud, site: Site, request: Request, progress: Progress, out: Console) -> None:
    with progress.step("Read the lake") as say:
        data = read_data(cloud, say)
    with progress.step("Check the dashboard"):
        charts = check(site, data, request.screenshot)
    if request.as_json:
        print(to_json(charts, progress.seconds))
    else:
        columns = ["chart", "state", "figures", "first figure"]
        rows: list[list[object]] = [[c.chart, c.state, c.figures, c.first] for c in charts]
        out.print(table("The dashboard in a browser, compared with the lake", columns, rows))
        if request.screenshot:
            out.print(f"Screenshot: {request.screenshot}", highlight=False, soft_wrap=True)
    raise_on_mismatch(charts)
