"""Progress on stderr: a line for each finished step, a spinner for the current one."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.text import Text

from lake.runs.ledger import PageCounts
from lake.steps import Say
from lake.terminal.console import settings

# What the spinner takes of a line.
SPINNER_WIDTH = 2


class Progress:
    """Shows steps and records how long each took.

    Parameters
    ----------
    console
        Where to show them; without a terminal, only finished steps are shown.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Say]:
        """Show one step; yields a function that shows its progress."""
        with self._running(title) as status:

            def show(detail: str) -> None:
                status.update(self._line(title, detail))
                if settings.verbose:
                    self._console.print(f"  [dim]{escape(detail)}[/]", highlight=False)

            yield show

    @contextlib.contextmanager
    def pages(self, title: str) -> Iterator[Callable[[PageCounts, bool], None]]:
        """Show a step that is measured in pages."""
        with self._running(title) as status:

            def show(counts: PageCounts, all_are_stored: bool) -> None:
                stored = (
                    f"{counts.stored} stored"
                    if all_are_stored
                    else f"{counts.stored} stored so far"
                )
                status.update(self._line(title, f"pages: {stored}, {counts.processed} processed"))

            yield show

    def note(self, text: str) -> None:
        """Show a line between steps."""
        self._console.print(f"  {escape(text)}", highlight=False)

    def _line(self, title: str, detail: str) -> Text:
        """Return a step and its detail in one line: what wraps would jump at each change."""
        line = Text.assemble(f"{title}: ", (detail, "dim"))
        line.truncate(self._console.width - SPINNER_WIDTH, overflow="ellipsis")
        return line

    @contextlib.contextmanager
    def _running(self, title: str) -> Iterator[Status]:
        started = time.monotonic()
        with self._console.status(title) as status:
            yield status
        self.seconds[title] = round(time.monotonic() - started, 2)
        self._console.print(
            f"[green]✓[/] {title} [dim]{self.seconds[title]:.1f} s[/]", highlight=False
        )
