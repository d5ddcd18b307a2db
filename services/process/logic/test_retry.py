"""A burst of refusals costs seconds, and no message waits for the queue's own time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from process.errors import MissingObjectError, StorageDeniedError, StorageError
from process.logic.batch import Batch
from process.logic.retry import ATTEMPTS, Retry
from process.ports import StoredObject
from process.testing.fakes import LIMITS, Lake, MemoryQueue, MemoryStore, MemoryTableStore
from process.testing.pages import (
    BUCKET,
    RUN,
    make_batch,
    make_event,
    make_page,
    make_work,
    packed,
)
from schemas.keys import RawKey, manifest_key

#: Attempts that the stack gives a message.
MAX_RECEIVES = 5
PAGES = [RawKey.of(RUN, "love", offset) for offset in range(20)]


@dataclass
class Clock:
    """An invocation of so many seconds; sleeping spends them."""

    left: float = 300.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.left -= seconds

    def retry(self) -> Retry:
        return Retry(lambda: self.left, self.sleep, lambda low, high: high)


@dataclass
class ThrottlingStore(MemoryStore):
    """Refuses requests with 503 until it has refused so many."""

    refusals: int = 0

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        if self.refusals:
            self.refusals -= 1
            raise StorageError(f"S3 failed on {key}: SlowDown")
        return super().get(key, max_bytes)


def throttled(refusals: int) -> Lake:
    body: tuple[bytes, Mapping[str, str]] = (packed(make_page(make_work())), {})
    store = ThrottlingStore({page.key: body for page in PAGES}, refusals=refusals)
    return Lake(store, MemoryTableStore(store))


def run(lake: Lake, clock: Clock, queue: MemoryQueue) -> list[str]:
    batch = Batch(lake.outputs, LIMITS, BUCKET, queue, clock.retry())
    return batch.process(make_batch(*(make_event(page.key) for page in PAGES)))


def test_a_burst_of_refusals_costs_seconds_and_no_message() -> None:
    lake, clock, queue = throttled(refusals=ATTEMPTS - 1), Clock(), MemoryQueue()

    assert run(lake, clock, queue) == []

    assert queue.again == {}
    assert sum(clock.slept) < 30


def test_what_fails_all_the_same_comes_back_soon() -> None:
    lake, clock, queue = throttled(refusals=10_000), Clock(left=100.0), MemoryQueue()

    failed = run(lake, clock, queue)

    assert failed == [f"m{number}" for number in range(20)]
    assert queue.again == {f"h{number}": 60 for number in range(20)}
    assert clock.left > 30, "there is time left to answer"


@dataclass
class ForbiddingStore(MemoryStore):
    """Lets nobody read."""

    asked: list[str] = field(default_factory=list)

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        self.asked.append(key)
        raise StorageDeniedError(f"S3 denied GetObject on {key}")


def test_a_right_that_is_missing_is_asked_for_once_and_the_message_comes_back() -> None:
    """GIVEN no right to read WHEN pages come THEN each waits for the queue's own time, and for the
    dead letters, with no attempt wasted on what does not pass.
    """
    store = ForbiddingStore()
    lake, clock, queue = Lake(store, MemoryTableStore(store)), Clock(), MemoryQueue()

    failed = run(lake, clock, queue)

    assert failed == [f"m{number}" for number in range(20)]
    assert store.asked == [page.key for page in PAGES]
    assert (clock.slept, queue.again) == ([], {})


@dataclass
class HangingStore(MemoryStore):
    """Lets each request hang until the client has tried four times."""

    clock: Clock = field(default_factory=Clock)

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        self.clock.sleep(90.0)
        raise StorageError(f"S3 failed on {key}: read timeout")


def test_a_batch_ends_in_time_when_s3_hangs() -> None:
    """GIVEN an S3 that answers nothing WHEN a batch comes THEN it is reported, and tried soon."""
    store = HangingStore()
    lake, queue = Lake(store, MemoryTableStore(store)), MemoryQueue()

    failed = run(lake, store.clock, queue)

    assert store.clock.left > 0
    assert failed == [f"m{number}" for number in range(20)]
    assert queue.again == {f"h{number}": 60 for number in range(20)}


def test_a_run_is_not_ended_when_the_time_is_over() -> None:
    store = HangingStore()
    clock, queue = store.clock, MemoryQueue()
    batch = Batch(
        Lake(store, MemoryTableStore(store)).outputs, LIMITS, BUCKET, queue, clock.retry()
    )
    clock.left = 90.0

    assert batch.process(make_batch(make_event(manifest_key(RUN)))) == ["m0"]
    assert clock.slept == []


@pytest.mark.parametrize("timeout", [60.0, 300.0, 900.0])
def test_a_short_invocation_has_time_to_repeat_as_well(timeout: float) -> None:
    clock = Clock(left=timeout)

    assert clock.retry().run(failing(ATTEMPTS - 1, StorageError("x"))) == "done"


def endured(uniform: Callable[[float, float], float]) -> float:
    """Return the seconds between the first and the last attempt that a message gets."""
    lake, seconds = throttled(refusals=10_000), 0.0
    for receives in range(1, MAX_RECEIVES):
        queue = MemoryQueue()
        retry = Retry(sleep=lambda _: None, uniform=uniform)
        (message,) = make_batch(make_event(PAGES[0].key))
        attributes = {"ApproximateReceiveCount": str(receives)}
        Batch(lake.outputs, LIMITS, BUCKET, queue, retry).process(
            [{**message, "attributes": attributes}]
        )
        seconds += queue.again["h0"]
    return seconds


def test_an_outage_of_minutes_brings_no_message_to_the_dead_letters() -> None:
    assert endured(min) > 30 * 60
    assert endured(max) < 60 * 60


def test_a_message_that_came_more_often_waits_no_longer() -> None:
    assert Clock().retry().again(1000) == Clock().retry().again(MAX_RECEIVES - 1)


def test_a_failure_that_no_retry_helps_is_not_repeated() -> None:
    lake, clock, queue = throttled(0), Clock(), MemoryQueue()
    lake.store.objects.clear()

    failed = run(lake, clock, queue)

    assert len(failed) == 20
    assert clock.slept == []
    assert queue.again == {}


def failing(times: int, error: Exception) -> Callable[[], str]:
    left = [times]

    def call() -> str:
        if left[0]:
            left[0] -= 1
            raise error
        return "done"

    return call


@pytest.mark.parametrize("times", range(ATTEMPTS))
def test_a_call_is_repeated_with_growing_pauses(times: int) -> None:
    clock = Clock()

    assert clock.retry().run(failing(times, StorageError("x"))) == "done"

    assert clock.slept == pytest.approx([0.2, 0.6, 1.8, 5.0, 5.0][:times])


def test_the_last_failure_is_raised() -> None:
    with pytest.raises(StorageError):
        Clock().retry().run(failing(ATTEMPTS, StorageError("x")))


def test_a_terminal_failure_is_raised_at_once() -> None:
    clock = Clock()

    with pytest.raises(MissingObjectError):
        clock.retry().run(failing(1, MissingObjectError("x")))
    assert clock.slept == []
