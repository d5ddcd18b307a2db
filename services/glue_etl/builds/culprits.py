"""Finds the runs that keep a build from passing its rules, by halves; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

#: Each attempt is a build: what is not tried within so many waits for the next job. One more makes
#: sure that what is left of the runs is not held up for want of an attempt.
MOST_ATTEMPTS: Final = 8


@dataclass
class Found[Built]:
    """What came out of the search.

    Attributes
    ----------
    sound
        The last build that passed, of all runs that were found to be sound; ``None`` without one.
    culprits
        The builds that failed by one run more, by that run.
    """

    sound: Built | None = None
    culprits: dict[str, Built] = field(default_factory=dict)


def find_culprits[Built](
    runs: Sequence[str],
    attempt: Callable[[tuple[str, ...]], Built],
    fails: Callable[[Built], bool],
) -> Found[Built]:
    """Split runs, of which a build failed, into sound ones and culprits.

    Parameters
    ----------
    attempt
        Makes a build with some of the runs.
    fails
        Says whether it breaks a rule.
    """
    found: Found[Built] = Found()
    good: list[str] = []
    waiting = _halves(list(runs))
    for _ in range(MOST_ATTEMPTS):
        if not waiting:
            break
        part = waiting.pop(0)
        built = attempt((*good, *part))
        if not fails(built):
            good += part
            found.sound = built
        elif len(part) == 1:
            found.culprits[part[0]] = built
            # Most often it was the only one.
            rest = [run for other in waiting for run in other]
            waiting = [rest] if rest else []
        else:
            waiting = [*_halves(part), *waiting]
    if found.sound is None and found.culprits and len(waiting) == 1:
        # Found last, so nobody has tried all the others yet.
        built = attempt(tuple(waiting[0]))
        found.sound = None if fails(built) else built
    return found


def _halves(runs: list[str]) -> list[list[str]]:
    half = len(runs) // 2
    return [runs[:half], runs[half:]]
