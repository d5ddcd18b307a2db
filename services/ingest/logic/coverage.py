"""What the stored pages of a subject cover, and whether neighbours hang together. Pure.

Pages overlap by one work. Under a total order that does not move, the overlap is the same work on
both sides; where it is not, the source changed between the two requests, and works may lie in
between that neither page has.
"""

from __future__ import annotations

import bisect
import itertools
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Seam:
    """Two neighbouring pages, by their offsets."""

    left: int
    right: int


@dataclass
class Coverage:
    """The stored pages of a subject.

    Attributes
    ----------
    pages
        Fingerprints of the works of each page, by its offset.
    ranges
        Start and end of what they cover, without overlaps, in order.
    """

    pages: dict[int, array[int]] = field(default_factory=dict)
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def add(self, offset: int, fingerprints: array[int]) -> None:
        """Take in a page; what it covers is what it holds, whatever was asked for."""
        if offset in self.pages or not fingerprints:
            return
        self.pages[offset] = fingerprints
        bisect.insort(self.ranges, (offset, self.end_of(offset)))
        merged: list[tuple[int, int]] = []
        for start, end in self.ranges:
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], end)
            else:
                merged.append((start, end))
        self.ranges = merged

    def end_of(self, offset: int) -> int:
        """Return the offset behind the last work of a stored page."""
        return offset + len(self.pages[offset])

    @property
    def end(self) -> int:
        """The offset behind the last work of all pages."""
        return self.ranges[-1][1] if self.ranges else 0

    def covers(self, start: int, end: int) -> bool:
        """Return whether every work of a range is in some page."""
        return any(first <= start and end <= last for first, last in self.ranges)

    @property
    def fetched(self) -> int:
        """Records in the pages."""
        return sum(len(page) for page in self.pages.values())

    @property
    def distinct(self) -> int:
        """Works among them."""
        return len(set(itertools.chain.from_iterable(self.pages.values())))

    def open_seams(self) -> list[Seam]:
        """Return the neighbours that share no work at the place where they meet."""
        offsets = sorted(self.pages)
        return [
            Seam(left, right)
            for left, right in itertools.pairwise(offsets)
            if not self._hang_together(left, right)
        ]

    def _hang_together(self, left: int, right: int) -> bool:
        before, after = self.pages[left], self.pages[right]
        # One is the common case, and searching a whole page the rare one.
        return before[-1] == after[0] or after[0] in set(before) or before[-1] in set(after)


def first_free(blocked: Iterable[tuple[int, int]], end: int) -> tuple[int, int] | None:
    """Return the first range below ``end`` that no blocked range covers, or ``None``.

    Parameters
    ----------
    blocked
        Start and end of each range, in any order; they may overlap.
    """
    free = 0
    for start, stop in sorted(blocked):
        if start > free:
            break
        free = max(free, stop)
    else:
        return (free, end) if free < end else None
    return (free, min(start, end)) if free < end else None
