"""What of a run is due to each page, to each subject, and to the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Runs that differ in one thing only: subjects, and pages of each.
FEW: Final = (1, 2)
MORE_PAGES: Final = (1, 12)
MORE_SUBJECTS: Final = (11, 2)
SHAPES: Final = (FEW, MORE_PAGES, MORE_SUBJECTS)
#: What a figure is due to.
PARTS: Final = ("page", "subject", "run")


def of(figures: Mapping[tuple[int, int], float]) -> dict[str, float]:
    """Return the shares by ``page``, ``subject`` and ``run``, of what three runs took.

    >>> of({(1, 2): 10, (1, 12): 30, (11, 2): 60})
    {'page': 2.0, 'subject': 1.0, 'run': 5.0}
    """
    (_, few), (_, many) = FEW, MORE_PAGES
    page = (figures[MORE_PAGES] - figures[FEW]) / (many - few)
    subjects = MORE_SUBJECTS[0] - FEW[0]
    subject = (figures[MORE_SUBJECTS] - figures[FEW]) / subjects - few * page
    return {"page": page, "subject": subject, "run": figures[FEW] - subject - few * page}
