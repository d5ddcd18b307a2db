"""The `lake` command: its commands, and how it ends."""

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated

import typer

from lake.cli import (
    check,
    config,
    deploy,
    destroy,
    etl,
    local,
    operations,
    query,
    replay,
    reports,
    runs,
    status,
)
from lake.errors import LakeError
from lake.project import current_project
from lake.terminal.console import err, settings, show_error
from lake.terminal.failures import explain, write_log

app = typer.Typer(
    name="lake",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    local.up,
    local.down,
    local.clean,
    config.config,
    status.status,
    status.logs,
    operations.doctor,
    operations.verify,
    check.check,
    deploy.deploy,
    destroy.destroy,
    local.demo,
    runs.ingest,
    etl.etl,
    etl.backfill,
    query.query,
    query.tables,
    query.describe,
    reports.report,
    reports.superset,
):
    app.command()(command)

app.add_typer(replay.replay, name="replay")
COMPLETION = "_LAKE_COMPLETE"
EXIT_FAILED = 1
# EX_SOFTWARE of sysexits.h: a defect of the command line.
EXIT_UNEXPECTED = 70
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    from lake.deploy.changes import describe_commit

    project = current_project()
    print(f"openlake {describe_commit(project)}")
    for service in project.services():
        print(f"{service} {project.version(service)}")
    raise typer.Exit


@app.callback(help="An event-driven, serverless data lake: on this machine, and on AWS.")
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Keep the details of every step on the screen.")
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint",
            metavar="URL",
            help="Use an emulator of AWS that already runs, in place of the embedded one; also"
            " AWS_ENDPOINT_URL.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show commit and versions.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Set the options of the whole command line."""
    settings.debug, settings.verbose, settings.endpoint = debug, verbose, endpoint


def main() -> None:
    """Run the command; every error becomes a line or two and an exit code."""
    signal.signal(signal.SIGTERM, _on_terminate)
    # A shell starts background jobs with it ignored.
    signal.signal(signal.SIGINT, _on_interrupt)
    try:
        # Shells complete a command by its bare name.
        completes = COMPLETION in os.environ or any("-completion" in word for word in sys.argv)
        app(prog_name="lake" if completes else "./lake")
    except Exception as error:
        raise SystemExit(_report(error)) from None


def _report(error: Exception) -> int:
    """Print an error and return the exit code."""
    explained = explain(error)
    if settings.debug:
        traceback.print_exception(error)
    if explained is not None:
        show_error(explained)
        return EXIT_FAILED
    log = write_log(current_project().state, error)
    cause = f"{type(error).__name__}: {error}".splitlines()[0]
    show_error(LakeError(f"Unexpected error: {cause}", f"The traceback is in {log}."))
    return EXIT_UNEXPECTED


def _on_terminate(_number: int, _frame: FrameType | None) -> None:
    # Unwind the stack, so that started processes are ended.
    raise SystemExit(EXIT_TERMINATED)


def _on_interrupt(_number: int, _frame: FrameType | None) -> None:
    err.print("Interrupted.")
    raise SystemExit(EXIT_INTERRUPTED)
