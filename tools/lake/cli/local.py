"""Commands of the local lake: up, down and the demo."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lake.cli.options import (
    ContactOption,
    JsonOption,
    LiveOption,
    PortOption,
    YesOption,
    contact_for,
)
from lake.cli.targets import emulator, local_aws
from lake.errors import LocalAwsError
from lake.local.emulators import GivenEmulator
from lake.local.state.notes import notes_on_start, notes_on_stop
from lake.project import current_project
from lake.settings import resolve
from lake.terminal.console import err, out


def up(port: PortOption) -> None:
    """Start the local AWS with what it saved (it ends by itself after eight hours)."""
    project = current_project()
    chosen = emulator(project)
    if isinstance(chosen, GivenEmulator):
        raise LocalAwsError(
            f"The emulator at {chosen.endpoint} is used, so there is nothing to start.",
            "Leave --endpoint, AWS_ENDPOINT_URL and the setting endpoint out for the embedded one.",
        )
    local = chosen
    server = local.running()
    if server is not None:
        out.print(f"The local AWS is already running at {server.endpoint}.", highlight=False)
        return
    notes = notes_on_start(local)
    with err.status("Starting the local AWS"):
        server = local.start(port)
    out.print(f"The local AWS is running at {server.endpoint}.", highlight=False)
    for note in notes:
        out.print(note, highlight=False)


def down(
    wipe: Annotated[
        bool, typer.Option("--wipe", help="Delete the lake, with all that was saved before.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Stop the local AWS, which saves the lake for the next './lake up', and the daemon of Pants.

    With --wipe it asks first, unless the lake has no more than one run of a demo.
    """
    from lake.deploy.packaging import stop_daemon
    from lake.local.state.contents import loss_to_confirm

    project = current_project()
    local = local_aws(project)
    if wipe and not yes and (loss := loss_to_confirm(local, resolve(project).values.app)):
        _confirm_loss(loss)
    stop_daemon(project)
    with err.status("Stopping the local AWS"):
        stopped = local.stop(save=not wipe)
    out.print("The local AWS is stopped." if stopped else "The local AWS was not running.")
    if wipe:
        local.wipe()
        out.print("The lake is deleted: the next one begins from scratch.")
        return
    for note in notes_on_stop(local, stopped=stopped):
        out.print(note, highlight=False)


def _confirm_loss(loss: str) -> None:
    err.print(f"This deletes {loss}.", highlight=False)
    if not sys.stdin.isatty():
        raise LocalAwsError("There is no terminal to ask on.", "Add --yes to delete it.")
    if not typer.confirm("Delete the lake?", err=True):
        raise typer.Exit(1)


def clean(
    caches: Annotated[
        bool, typer.Option("--caches", help="Also your user's caches, which other clones share.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Show what the project keeps on disk, and free what the next call makes again.

    Keeps the environments of ./lake itself, reports, Superset's data, and the local lake, which
    './lake down --wipe' deletes.
    """
    from lake.deploy.packaging import stop_daemon
    from lake.local.clean import find_stored, free
    from lake.terminal.tables import table

    project = current_project()
    alive = local_aws(project).is_alive()
    stored = find_stored(project, caches=caches, keep_local_aws=alive)
    rows = [[_megabytes(s.bytes), _short(s.path, project.root), s.holds] for s in stored]
    out.print(table("Can be freed", ["size", "folder", "holds"], rows, wraps=True))
    total = _megabytes(sum(s.bytes for s in stored))
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Free {total}?", err=True)):
        again = "./lake clean --caches" if caches else "./lake clean"
        out.print(f"Nothing was removed. '{again} --yes' frees {total}.", highlight=False)
        return
    stop_daemon(project)
    out.print(f"{_megabytes(free(stored))} are free again.", highlight=False)


def _short(path: Path, root: Path) -> str:
    """Return a path as one would write it: from the clone, or from the home."""
    for base, prefix in ((root, ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return f"{prefix}{path.relative_to(base)}"
    return str(path)


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
    summary = run_demo(project, emulator(project), options, Progress(err))
    if as_json:
        print(summary.to_json())
    else:
        screens.show_summary(out, summary)
