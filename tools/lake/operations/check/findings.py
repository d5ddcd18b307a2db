"""What a check found: differences, each with the object to look at and what to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Difference:
    """Two parts of the lake that contradict each other.

    Attributes
    ----------
    code
        Stable name of the kind, such as `page.records_lost`.
    object
        URI or key of what to look at; a table's name for the catalogue.
    message
        What is wrong, with the figures.
    remedy
        What to do about it.
    """

    code: str
    object: str
    message: str
    remedy: str


@dataclass
class Counts:
    """What was looked at: all of it is compared, nothing is sampled."""

    pages: int = 0
    records: int = 0
    rows: int = 0
    quarantined: int = 0
    builds: int = 0
    objects: int = 0

    def add(self, other: Counts) -> None:
        """Add another part's counts."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Findings:
    """What a part of the check found, in the order in which it was found.

    Attributes
    ----------
    remarks
        What is no fault but worth knowing, such as a run that has not ended.
    kept
        Differences that are kept in full; of a fault in a million objects the first are enough.
    """

    kept: int = 1000
    differences: list[Difference] = field(default_factory=list)
    total: int = 0
    by_code: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def differ(self, code: str, place: str, message: str, remedy: str) -> None:
        """Record a difference."""
        self.total += 1
        self.by_code[code] += 1
        if len(self.differences) < self.kept:
            self.differences.append(Difference(code, place, message, remedy))

    def merge(self, other: Findings) -> None:
        """Add what another part found."""
        room = max(0, self.kept - len(self.differences))
        self.differences += other.differences[:room]
        self.total += other.total
        self.by_code += other.by_code
        self.remarks += other.remarks
        self.counts.add(other.counts)
