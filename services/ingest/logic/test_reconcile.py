"""What a subject's counts come to, and what the next run is compared with."""

from __future__ import annotations

import pytest

from ingest.logic.reconcile import Baseline, reconcile
from ingest.logic.subject_crawl import PageLimits, SubjectCrawl
from ingest.ports import SubjectSpec


def stopped_at(count: int | None) -> SubjectCrawl:
    crawl = SubjectCrawl(SubjectSpec(subject="love"), 1000, PageLimits(10, 1000))
    crawl.count = count
    crawl.stop("http_503")
    return crawl


@pytest.mark.parametrize(
    ("count", "left"),
    [(None, (100, 1)), (50, (100, 2)), (0, (100, 2)), (95, (95, 0)), (200, (200, 0))],
)
def test_run_that_fails_counts_as_one_that_saw_far_less(
    count: int | None, left: tuple[int, int]
) -> None:
    outcome = reconcile(stopped_at(count), Baseline(100, 1))
    assert (outcome.status, outcome.baseline, outcome.shrunk_runs) == ("failed", *left)
