"""Where output goes: results to stdout, everything else to stderr."""

from rich.console import Console
from rich.markup import escape

from lake.errors import LakeError

out = Console()
err = Console(stderr=True)


def show_error(error: LakeError) -> None:
    """Print an error and what to do next."""
    err.print(f"[bold red]error:[/] {escape(error.message)}", highlight=False)
    if error.hint:
        err.print(f"[dim]{escape(error.hint)}[/]", highlight=False)
