"""Whether a source is down, asked with a page that it served before."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ingest.logic.breaker import CircuitBreaker
from ingest.ports import SubjectSpec

if TYPE_CHECKING:
    from ingest.logic.crawl import Resumed
    from ingest.logic.subject_crawl import SubjectCrawl

#: Failures in a row, over all subjects, after which the canary is asked; and again after as many.
FAILURES_BETWEEN: Final = 4


class Canary:
    """Picks a subject that the source has served in this run, each in its turn.

    Its first work is asked for, and not stored. When that comes, the failures are those of the
    subjects that fail; when it does not, they are the source's.

    Parameters
    ----------
    subjects, resumed
        The subjects of the run, and what earlier invocations stored of them.
    """

    def __init__(self, subjects: Sequence[SubjectSpec], resumed: Resumed) -> None:
        known = [one for one in subjects if one.key in resumed.ended or one.key in resumed.pages]
        self._served = deque(known)
        self._keys = {one.key for one in known}

    @property
    def is_known(self) -> bool:
        """Whether the source has served anything in this run."""
        return bool(self._served)

    def served(self, spec: SubjectSpec) -> None:
        """Note a subject of which a page was served."""
        if spec.key not in self._keys:
            self._keys.add(spec.key)
            self._served.append(spec)

    def due(self, breaker: CircuitBreaker, active: Sequence[SubjectCrawl]) -> SubjectSpec | None:
        """Return the subject to ask for now; ``None``: there is none, or no need."""
        if not self._served or (breaker.is_closed and breaker.failures % FAILURES_BETWEEN != 3):
            return None
        failing = {crawl.spec.key for crawl in active if crawl.is_failing}
        for _ in range(len(self._served)):
            if self._served[0].key not in failing:
                break
            self._served.rotate(-1)
        spec = self._served[0]
        self._served.rotate(-1)
        return spec
