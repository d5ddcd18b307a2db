"""The `lake` command: its commands, and how it ends."""

import signal
import sys
from types import FrameType

import typer

from lake.cli import deploy, etl, local, operations, query, reports
from lake.cli.console import err, show_error
from lake.errors import LakeError, LocalAwsDownError

app = typer.Typer(
    name="lake",
    help="An event-driven, serverless data lake: on this machine, and on AWS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    local.up,
    local.down,
    operations.status,
    operations.doctor,
    operations.verify,
    deploy.deploy,
    local.demo,
    etl.etl,
    etl.backfill,
    query.query,
    reports.report,
    reports.superset,
):
    app.command()(command)

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def _on_terminate(_number: int, _frame: FrameType | None) -> None:
    # Unwind the stack, so that started processes are ended.
    raise SystemExit(EXIT_TERMINATED)


def _on_interrupt(_number: int, _frame: FrameType | None) -> None:
    err.print("Interrupted.")
    raise SystemExit(EXIT_INTERRUPTED)


def main() -> None:
    """Run the command; every expected error becomes a line or two and an exit code."""
    signal.signal(signal.SIGTERM, _on_terminate)
    # A shell starts background jobs with it ignored.
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
                "'./lake status' shows whether the local AWS is running.",
            )
        )
        raise SystemExit(1) from None


def _is_connection_error(error: Exception) -> bool:
    if "botocore" not in sys.modules:
        return False
    from botocore.exceptions import ConnectionError as AwsConnectionError
    from botocore.exceptions import HTTPClientError

    return isinstance(error, AwsConnectionError | HTTPClientError)
