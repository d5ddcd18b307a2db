"""Where output goes: results to stdout, everything else to stderr."""

from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from lake.errors import LakeError

out = Console()
err = Console(stderr=True)


@dataclass
class Settings:
    """Options of the whole command line.

    Attributes
    ----------
    debug
        Show tracebacks.
    verbose
        Keep the details of steps on the screen.
    endpoint
        URL of an emulator that is used in place of the embedded one.
    """

    debug: bool = False
    verbose: bool = False
    endpoint: str | None = None


settings = Settings()


def show_error(error: LakeError) -> None:
    """Print an error and what to do next."""
    err.print(f"[bold red]error:[/] {escape(error.message)}", highlight=False, soft_wrap=True)
    if error.hint:
        err.print(f"[dim]{escape(error.hint)}[/]", highlight=False, soft_wrap=True)
