from openlibrary_standin import StandIn, StandInConfig
from openlibrary_standin.conftest import Fetch
from openlibrary_standin.policies import RateLimit
from openlibrary_standin.works.caching import BoundedCache


def test_a_burst_is_let_through_delayed_and_then_refused() -> None:
    limit = RateLimit()
    delays = [limit.delay("client", 0.0) for _ in range(28)]
    assert delays[:11] == [0.0] * 11
    assert all(delay is not None and delay > 0 for delay in delays[11:26])
    assert delays[26:] == [None, None]


def test_three_requests_a_second_are_never_refused() -> None:
    limit = RateLimit()
    assert all(limit.delay("client", number / 3) == 0 for number in range(500))


def test_clients_are_told_apart_and_recover() -> None:
    limit = RateLimit()
    while limit.delay("greedy", 0.0) is not None:
        pass
    assert limit.delay("modest", 0.0) == 0
    assert limit.delay("greedy", 1.0) is not None


def test_rate_limit_over_http(fetch: Fetch) -> None:
    # GIVEN a bucket which is full, so that the test does not sit through the delays
    with StandIn(StandInConfig(enforce_rate_limit=True)) as standin:
        for _ in range(40):
            standin.application._rate_limit.delay("127.0.0.1", 1e12)
        answer = fetch(f"{standin.url}/subjects/love.json")
    assert answer.status == 429
    assert answer.json["status"] == 429
    assert "Retry-After" not in answer.headers


def test_cache_is_bounded_and_forgets_the_oldest() -> None:
    cache: BoundedCache[str, bytes] = BoundedCache(10, len)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: b"1234")
    assert cache.weight == 8
    assert cache.get("a", lambda: b"new") == b"1234"
    assert cache.get("b", lambda: b"new") == b"new"
    assert cache.get("huge", lambda: b"1" * 99) == b"1" * 99
    assert cache.weight <= 10
