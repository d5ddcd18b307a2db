"""The edits of a tutorial: its blocks of ``diff``, applied to a copy of the project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(
    r"^```diff\n--- \S+\n\+\+\+ b/(\S+)\n@@\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Edit:
    """One edit of a file; ``before`` is empty for a file that is new."""

    path: str
    before: str
    after: str

    def apply(self, root: Path) -> None:
        """Make the edit below a folder.

        Raises
        ------
        ValueError
            When what it names is not there exactly once: the tutorial has gone stale.
        """
        path = root / self.path
        if not self.before:
            path.write_text(self.after, "utf-8")
            return
        text = path.read_text("utf-8")
        if text.count(self.before) != 1:
            raise ValueError(f"{self.path} does not hold once:\n{self.before}")
        path.write_text(text.replace(self.before, self.after), "utf-8")


def edits_of(tutorial: str) -> list[Edit]:
    """Return a tutorial's edits, in order."""
    return [
        Edit(path, _side(lines, "+"), _side(lines, "-")) for path, lines in _BLOCK.findall(tutorial)
    ]


def _side(lines: str, other: str) -> str:
    kept = [line[1:] for line in lines.splitlines() if not line.startswith(other)]
    return "".join(f"{line}\n" for line in kept)
