"""Waits for a run, against a lake that does what the test says, with a clock of its own."""

from collections.abc import Callable
from typing import Any

import pytest

from lake.aws import Cloud
from lake.errors import RunFailedError, RunStalledError
from lake.runs import crawl, heartbeat
from lake.runs.heartbeat import Answer, Target
from lake.runs.ledger import PageCounts, Run

RUN = "20261126T060000Z"
CLOUD = Cloud(endpoint="http://127.0.0.1:1")


class Clock:
    """Time that passes while one sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Pending:
    """An invocation that never answers."""

    def done(self) -> bool:
        return False


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(crawl, "time", clock)
    monkeypatch.setattr(crawl, "last_error", lambda _cloud, service: f"{service} is broken")
    monkeypatch.setattr(heartbeat, "schedule_target", lambda _cloud: Target("arn", "{}"))
    monkeypatch.setattr(crawl, "dead_letters", lambda *_: 0)
    return clock


def ignore(_counts: PageCounts, _stored: bool) -> None:
    """Ignore progress."""


def stored(count: Callable[[], int]) -> Callable[..., PageCounts]:
    return lambda *_: PageCounts(stored=count(), processed=0)


def manifest() -> Any:
    return type("Manifest", (), {"run_id": RUN})


def test_a_crawl_that_stores_no_page_ends_with_the_last_error_of_ingest(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(crawl, "_in_background", lambda _call: Pending())
    monkeypatch.setattr(crawl, "count_pages", stored(lambda: 7))

    with pytest.raises(RunStalledError, match="ingest stored no page for 180 s") as caught:
        crawl.run_now(CLOUD, "bucket", ignore)

    assert caught.value.hint == "Its last error: ingest is broken"
    assert clock.now == pytest.approx(180, abs=1)


def test_the_lease_of_a_crawler_that_was_killed_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    # GIVEN a crawler that was killed: ingest answers at once, for 300 s, that it is busy
    class Answered(Pending):
        def __init__(self) -> None:
            self.asked = clock.now

        def done(self) -> bool:
            return clock.now > self.asked

        def result(self) -> Answer:
            action = "busy" if clock.now < 300 else "started"
            return Answer(action, RUN, action == "started", "complete")

    monkeypatch.setattr(crawl, "_in_background", lambda _call: Answered())
    monkeypatch.setattr(crawl, "new_run_id", lambda _time: RUN)
    monkeypatch.setattr(crawl, "count_pages", stored(lambda: 7))
    monkeypatch.setattr(crawl, "read_run", lambda *_: Run(RUN, manifest(), None))

    assert crawl.run_now(CLOUD, "bucket", ignore).run_id == RUN


def test_a_crawl_that_goes_on_is_waited_for(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    # GIVEN a crawl that stores a page every 100 s, for 1000 s
    class Answered(Pending):
        def done(self) -> bool:
            return clock.now > 1000

        def result(self) -> Answer:
            return Answer("started", RUN, True, "complete")

    monkeypatch.setattr(crawl, "_in_background", lambda _call: Answered())
    monkeypatch.setattr(crawl, "new_run_id", lambda _at: RUN)
    monkeypatch.setattr(crawl, "count_pages", stored(lambda: int(clock.now) // 100))
    monkeypatch.setattr(crawl, "read_run", lambda *_: Run(RUN, manifest(), None))

    assert crawl.run_now(CLOUD, "bucket", ignore).run_id == RUN


def test_an_earlier_run_that_is_finished_first_counts_as_progress(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    # GIVEN an interrupted run that each heartbeat takes on, and that stores pages until 500 s
    class Resumed(Pending):
        def __init__(self) -> None:
            self.until = clock.now + 50

        def done(self) -> bool:
            return clock.now > self.until

        def result(self) -> Answer:
            return Answer("resumed", "20200101T000000Z", False, None)

    def count(_cloud: Cloud, _bucket: str, run_id: str) -> PageCounts:
        return PageCounts(min(int(clock.now), 500) if run_id == "20200101T000000Z" else 0, 0)

    monkeypatch.setattr(crawl, "_in_background", lambda _call: Resumed())
    monkeypatch.setattr(crawl, "count_pages", count)

    # WHEN it stores no more THEN that is a stall, and not before
    with pytest.raises(RunStalledError):
        crawl.run_now(CLOUD, "bucket", ignore)
    assert clock.now == pytest.approx(680, abs=2)


def test_processing_that_stops_ends_with_the_last_error_of_process(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(crawl, "count_pages", stored(lambda: 7))
    monkeypatch.setattr(crawl, "read_run", lambda *_: Run(RUN, manifest(), None))

    with pytest.raises(RunStalledError, match="process stopped at 0 of 7 pages") as caught:
        crawl.wait_until_processed(CLOUD, "bucket", manifest(), ignore)

    assert caught.value.hint == "Its last error: process is broken"
    assert clock.now == pytest.approx(60, abs=1)


def test_dead_letters_end_the_wait_at_once(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(crawl, "count_pages", stored(lambda: 7))
    monkeypatch.setattr(crawl, "read_run", lambda *_: Run(RUN, manifest(), None))
    monkeypatch.setattr(crawl, "dead_letters", lambda *_: 2)

    with pytest.raises(RunFailedError, match="queue of process has 2 more than before"):
        crawl.wait_until_processed(CLOUD, "bucket", manifest(), ignore)

    assert clock.now == 0


def test_dead_letters_of_other_runs_do_not_end_the_wait(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    # GIVEN three dead letters of last week, of which two are moved back, and one more of this run
    monkeypatch.setattr(crawl, "count_pages", stored(lambda: int(clock.now) // 10))
    monkeypatch.setattr(crawl, "read_run", lambda *_: Run(RUN, manifest(), None))
    monkeypatch.setattr(
        crawl, "dead_letters", lambda *_: 3 if clock.now < 100 else 1 if clock.now < 200 else 2
    )

    with pytest.raises(RunFailedError, match="has 1 more than before"):
        crawl.wait_until_processed(CLOUD, "bucket", manifest(), ignore, dead=3)

    assert clock.now == pytest.approx(200, abs=1)
