"""Sources of every kind that was seen or can be thought of, each crawled whole over real HTTP.

Whatever a source does: nothing is called complete that is not, a run ends within its time, and the
subjects that the source serves are whole. docs/ingest.md has the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from ingest.testing.adversary import (
    Adversary,
    AdversaryLake,
    Asked,
    Behaviour,
    FastClock,
    Reply,
    document,
    page_of,
    text,
)
from ingest.testing.misbehaving_sources import CASES, GOOD, WORKS, Case
from schemas.ledger.run import RunManifest


def lake_of(case: Case, clock: FastClock, url: str, source: Adversary) -> AdversaryLake:
    first = [subject for subject in case.bad if "first" in case.name]
    last = [subject for subject in case.bad if subject not in first]
    return AdversaryLake(source, clock, [*first, *GOOD, *last], url)


def crawl_again(
    lake: AdversaryLake, behaviour: Behaviour, days: int = 1
) -> list[Mapping[str, tuple[str, str]]]:
    """Crawl once a day with another behaviour; return status and reason by subject of each run."""
    lake.adversary.behaviour = behaviour
    found: list[Mapping[str, tuple[str, str]]] = []
    for _ in range(days):
        lake.clock.sleep(86_400)
        manifest = lake.crawl()
        found.append({one.subject: (one.status, str(one.reason)) for one in manifest.subjects})
    return found


@pytest.fixture
def crawled() -> Iterator[AdversaryLake]:
    """A lake with a good run of three subjects of 100 works each."""
    clock = FastClock()
    source = Adversary({subject: range(WORKS) for subject in GOOD}, clock)
    with source.serving() as url:
        lake = AdversaryLake(source, clock, list(GOOD), url)
        assert lake.crawl().status == "complete"
        yield lake


def test_source_that_says_zero_to_everything_after_a_good_run_is_partial_every_day(
    crawled: AdversaryLake,
) -> None:
    zero = document({"work_count": 0, "works": []})
    for outcomes in crawl_again(crawled, lambda asked: zero, days=4):
        for status, reason in outcomes.values():
            assert status == "partial"
            assert reason.startswith("source_shrunk: work_count is 0, and was 100 in the last run")


def test_source_that_says_zero_in_passing_after_a_good_run_is_asked_again(
    crawled: AdversaryLake,
) -> None:
    seen: list[Asked] = []

    def behaviour(asked: Asked) -> Reply | None:
        seen.append(asked)
        return document({"work_count": 0, "works": []}) if len(seen) <= 7 else None

    (outcomes,) = crawl_again(crawled, behaviour)
    assert set(outcomes.values()) == {("complete", "None")}


def test_count_that_falls_by_half_is_believed_on_the_third_day(crawled: AdversaryLake) -> None:
    crawled.adversary.works["love"] = list(range(50))
    days = crawl_again(crawled, lambda asked: None, days=4)
    assert [outcomes["love"] for outcomes in days] == [
        ("partial", "source_shrunk: work_count is 50, and was 100 in the last run"),
        ("partial", "source_shrunk: work_count is 50, and was 100 in the last run"),
        ("complete", "source_shrunk: work_count is 50, and was 100 3 runs ago"),
        ("complete", "None"),
    ]


def test_day_that_fails_besides_does_not_make_the_lower_count_the_old_one(
    crawled: AdversaryLake,
) -> None:
    # GIVEN a subject that falls to half, and serves less than that on the first day
    crawled.adversary.works["love"] = list(range(50))
    short = crawl_again(
        crawled,
        lambda asked: (page_of(range(45), asked, 50) if asked.subject == "love" else None),
    )
    days = crawl_again(crawled, lambda asked: None, days=3)
    # THEN it counts as one of the days that see it
    assert [outcomes["love"][0] for outcomes in [*short, *days]] == [
        "partial",
        "partial",
        "complete",
        "complete",
    ]
    assert days[0]["love"][1] == "source_shrunk: work_count is 50, and was 100 in the last run"


def test_run_that_failed_does_not_make_the_next_one_forget_the_count(
    crawled: AdversaryLake,
) -> None:
    crawl_again(crawled, lambda asked: text(404) if asked.subject == "love" else None)
    crawled.adversary.works["love"] = list(range(5))
    (outcomes,) = crawl_again(crawled, lambda asked: None)
    assert outcomes["love"][0] == "partial"
    assert "was 100" in outcomes["love"][1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_source(case: Case) -> None:
    # GIVEN three good subjects, perhaps another one, and a source with a will of its own
    clock = FastClock()
    works = {subject: range(WORKS) for subject in GOOD}
    works |= {subject: range(count) for subject, count in case.bad.items()}
    source = Adversary(works, clock)
    before = {subject: set(numbers) for subject, numbers in source.works.items()}
    source.behaviour = case.behave(source)
    # WHEN it is crawled
    with source.serving() as url:
        lake = lake_of(case, clock, url, source)
        manifest = lake.crawl()
    # THEN the manifest says what is true
    assert manifest.status == case.status
    assert_reasons(manifest, case)
    assert_truth(manifest, lake, before)
    # AND it took no more than it may
    assert len(source.asked) <= case.most_requests
    assert clock.seconds <= case.most_seconds


def assert_reasons(manifest: RunManifest, case: Case) -> None:
    for outcome in manifest.subjects:
        expected = case.reasons.get(outcome.subject)
        if expected is None:
            assert (outcome.subject, outcome.status, outcome.reason) == (
                outcome.subject,
                "complete",
                None,
            )
        else:
            assert str(outcome.reason).startswith(expected)


def assert_truth(
    manifest: RunManifest, lake: AdversaryLake, before: Mapping[str, set[int]]
) -> None:
    for outcome in manifest.subjects:
        stored = lake.stored_works(outcome)
        assert outcome.distinct == len(stored)
        after = set(lake.adversary.works.get(outcome.subject, ()))
        if outcome.status in {"complete", "empty"}:
            # Every work that was there all the time is there.
            assert before[outcome.subject] & after - stored == set()
