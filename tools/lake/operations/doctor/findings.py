"""What the doctor finds: each line is fine, or says what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# A problem stops a command; advice does not; unknown could not be looked at.
State = Literal["fine", "advice", "problem", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    name
        What was looked at.
    state
        How it is.
    text
        What was found.
    remedy
        What to do; empty where it is fine.
    """

    name: str
    state: State
    text: str
    remedy: str = ""


def is_ready(findings: Sequence[Finding]) -> bool:
    """Return whether nothing that was found stops a command."""
    return all(finding.state != "problem" for finding in findings)
