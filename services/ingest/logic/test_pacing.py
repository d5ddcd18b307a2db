"""Pacer, back-off, page sizes and circuit breaker, on a clock that only moves when asked."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import CrawlStoppingError
from ingest.logic.breaker import (
    COOL_DOWN_CAP_SECONDS,
    FAILURES_TO_OPEN,
    OPENINGS_TO_GIVE_UP,
    CircuitBreaker,
)
from ingest.logic.pacer import Pacer
from ingest.logic.retry import CAP_SECONDS, SMALLEST_PAGE, PageSizer, full_jitter
from ingest.ports import Timing
from ingest.testing.fakes import FakeClock


def send(pacer: Pacer, clock: FakeClock, times: int, takes: float = 0.0) -> list[float]:
    sent = []
    for _ in range(times):
        with pacer.slot():
            sent.append(clock.seconds)
            clock.seconds += takes
    return sent


@pytest.mark.parametrize("rate", [1, 2.5, 3, 10])
def test_no_window_of_a_second_has_more_than_the_rate(rate: float) -> None:
    clock = FakeClock()
    sent = send(Pacer(rate, clock.timing), clock, 50)
    most = int(rate)
    assert all(b - a > 1.0 for a, b in zip(sent, sent[most:], strict=False))


def test_rate_is_used_to_more_than_95_percent() -> None:
    clock = FakeClock()
    sent = send(Pacer(3, clock.timing), clock, 301)
    assert sent[-1] < 1.05 * 300 / 3


def test_rate_below_one_is_one_request_in_its_time() -> None:
    clock = FakeClock()
    sent = send(Pacer(0.25, clock.timing), clock, 4)
    assert all(b - a > 4.0 for a, b in itertools.pairwise(sent))


def test_late_sending_delays_what_follows() -> None:
    clock = FakeClock()
    pacer = Pacer(3, clock.timing)
    first = send(pacer, clock, 3, takes=2.0)
    assert send(pacer, clock, 1)[0] - (first[0] + 2.0) > 1.0


def test_hold_postpones_the_first_request() -> None:
    clock = FakeClock()
    pacer = Pacer(3, clock.timing)
    pacer.hold(7)
    assert send(pacer, clock, 1) == [7.0]


def test_request_is_not_sent_when_the_invocation_ends_while_it_waits() -> None:
    clock = FakeClock()
    pacer = Pacer(1, clock.timing, lambda: clock.seconds < 0.5)
    send(pacer, clock, 1)
    with pytest.raises(CrawlStoppingError):
        send(pacer, clock, 1)


def test_threads_share_one_rate() -> None:
    clock = FakeClock()
    pacer = Pacer(3, clock.timing)
    sent: list[float] = []

    def work() -> None:
        for _ in range(5):
            with pacer.slot():
                sent.append(clock.seconds)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(b - a > 1.0 for a, b in zip(sent, sent[3:], strict=False))


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1))
def test_full_jitter_lies_between_nothing_and_the_cap(attempt: int, chance: float) -> None:
    delay = full_jitter(attempt, lambda low, high: low + chance * (high - low))
    assert 0 <= delay <= CAP_SECONDS


def test_full_jitter_doubles_its_bound() -> None:
    bounds = [full_jitter(attempt, lambda low, high: high) for attempt in (1, 2, 3)]
    assert bounds == [1.0, 2.0, 4.0]


def test_page_size_halves_and_recovers() -> None:
    sizer = PageSizer(500)
    sizer.halve(500)
    sizer.halve(250)
    assert sizer.size == 125
    for _ in range(4):
        sizer.succeeded()
    assert sizer.size == 250
    for _ in range(40):
        sizer.succeeded()
    assert sizer.size == 500


def test_page_size_has_a_least() -> None:
    sizer = PageSizer(500)
    for _ in range(20):
        sizer.halve(sizer.size)
    assert sizer.size == SMALLEST_PAGE


def test_small_configured_page_is_never_enlarged() -> None:
    sizer = PageSizer(5)
    sizer.halve(5)
    assert sizer.size == 2
    for _ in range(40):
        sizer.succeeded()
    assert sizer.size == 5


def test_page_size_goes_on_where_an_earlier_invocation_left_it() -> None:
    assert PageSizer(500, 125).size == 125
    assert PageSizer(100, 125).size == 100


def failing(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(breaker.begin(), "love")


def test_circuit_opens_after_failures_in_a_row() -> None:
    breaker = CircuitBreaker(FakeClock().timing, subjects=1)
    failing(breaker, FAILURES_TO_OPEN - 1)
    assert breaker.allows
    failing(breaker, 1)
    assert not breaker.allows


def test_failures_of_one_subject_among_many_are_its_own() -> None:
    breaker = CircuitBreaker(FakeClock().timing, subjects=10)
    failing(breaker, 100)
    assert breaker.is_closed
    breaker.failed(breaker.begin(), "history")
    assert breaker.is_closed
    breaker.failed(breaker.begin(), "fantasy")
    assert not breaker.is_closed


def test_request_that_waited_while_the_circuit_opened_is_not_sent() -> None:
    clock = FakeClock()
    breaker = CircuitBreaker(clock.timing, subjects=1)
    early, late = breaker.begin(), breaker.begin()
    assert breaker.may_send(late)
    breaker.pause(early, 300.0)
    assert not breaker.may_send(late)
    clock.seconds += 301
    assert not breaker.may_send(late)
    assert breaker.may_send(breaker.begin())


def test_success_in_between_keeps_the_circuit_closed() -> None:
    breaker = CircuitBreaker(FakeClock().timing, subjects=1)
    for _ in range(5):
        failing(breaker, FAILURES_TO_OPEN - 1)
        breaker.succeeded(breaker.begin())
    assert breaker.allows


def test_half_open_circuit_lets_one_probe_pass() -> None:
    clock = FakeClock()
    breaker = CircuitBreaker(clock.timing, subjects=1)
    failing(breaker, FAILURES_TO_OPEN)
    clock.seconds += breaker.open_seconds
    probe = breaker.begin()
    assert not breaker.allows
    breaker.succeeded(probe)
    assert (breaker.allows, breaker.is_closed) == (True, True)


def test_probe_that_was_not_sent_leaves_room_for_another() -> None:
    breaker = CircuitBreaker(FakeClock().timing, subjects=1, half_open=True)
    breaker.not_sent(breaker.begin())
    assert breaker.allows


def test_volley_that_met_one_outage_counts_once() -> None:
    breaker = CircuitBreaker(FakeClock().timing, subjects=1)
    tickets = [breaker.begin() for _ in range(20)]
    for ticket in tickets:
        breaker.pause(ticket, None)
    assert breaker.opened == 1


def test_longest_pause_that_a_volley_is_asked_for_counts() -> None:
    # GIVEN requests under way together, which are answered with different times to wait
    clock = FakeClock()
    breaker = CircuitBreaker(clock.timing, subjects=1)
    tickets = [breaker.begin() for _ in range(4)]
    breaker.pause(tickets[0], None)
    breaker.pause(tickets[1], 300.0)
    clock.seconds += 10
    breaker.failed(tickets[2], "love", 600.0)
    breaker.pause(tickets[3], 20.0)
    # THEN the circuit opened once, until the last of them
    assert (breaker.opened, breaker.open_seconds) == (1, 600.0)


def test_late_failure_of_a_volley_does_not_shut_a_circuit_that_closed_again() -> None:
    clock = FakeClock()
    breaker = CircuitBreaker(clock.timing, subjects=1)
    early, late = breaker.begin(), breaker.begin()
    breaker.pause(early, None)
    clock.seconds += 60
    breaker.succeeded(breaker.begin())
    breaker.failed(late, "love", 600.0)
    assert breaker.allows


def test_what_was_begun_is_held_back() -> None:
    breaker = CircuitBreaker(FakeClock().timing, subjects=1)
    begun = breaker.begin()
    breaker.hold_back()
    assert not breaker.may_send(begun)
    assert breaker.may_send(breaker.begin())


def test_429_opens_the_circuit_at_once_and_for_as_long_as_asked() -> None:
    breaker = CircuitBreaker(FakeClock().timing, subjects=1)
    breaker.pause(breaker.begin(), 45.0)
    assert breaker.open_seconds == 45.0


def test_absurd_retry_after_is_cut() -> None:
    breaker = CircuitBreaker(FakeClock().timing, subjects=1)
    breaker.pause(breaker.begin(), 1e9)
    assert breaker.open_seconds == 3600.0


def test_source_is_down_after_probes_in_a_row_fail() -> None:
    clock = FakeClock()
    breaker = CircuitBreaker(clock.timing, subjects=1)
    failing(breaker, FAILURES_TO_OPEN)
    for _ in range(OPENINGS_TO_GIVE_UP):
        assert not breaker.source_is_down
        clock.seconds += COOL_DOWN_CAP_SECONDS
        failing(breaker, 1)
    assert breaker.source_is_down
    assert not breaker.allows


def test_timing_is_real_by_default() -> None:
    timing = Timing()
    assert timing.now().tzinfo is not None
    began = timing.monotonic()
    timing.sleep(0.002)
    assert 0.002 <= timing.monotonic() - began < 60
    assert 1 <= timing.uniform(1, 2) <= 2
