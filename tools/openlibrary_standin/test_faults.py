import gzip
import http.client
import json
import time

import pytest

from openlibrary_standin import FAULTS, FaultRule, StandIn, StandInConfig
from openlibrary_standin.conftest import AGENT, Fetch
from openlibrary_standin.faults import FaultPlan, parse_fault, rules_from_json

ALWAYS = FaultRule(rate=1)


def _page_with(fault: str, rule: FaultRule = ALWAYS) -> StandIn:
    return StandIn(StandInConfig(works=500, faults={fault: rule}))


@pytest.mark.parametrize(
    ("fault", "statuses", "content_type"),
    [
        ("down", {503}, "text/html"),
        ("429", {429}, "application/json"),
        ("403", {403}, "text/html"),
        ("5xx", {502, 503, 504}, "text/html"),
        ("500", {500}, "text/plain"),
        ("html", {200}, "text/html"),
    ],
)
def test_answers_in_place_of_a_page(
    fetch: Fetch, fault: str, statuses: set[int], content_type: str
) -> None:
    with _page_with(fault) as standin:
        answers = [fetch(f"{standin.url}/subjects/love.json") for _ in range(12)]
        assert {answer.status for answer in answers} == statuses
        assert all(answer.headers["Content-Type"].startswith(content_type) for answer in answers)
        assert all("Retry-After" not in answer.headers for answer in answers)
        assert standin.requests()[0].faults == (fault,)


def test_null_count(fetch: Fetch) -> None:
    with _page_with("null-count") as standin:
        answer = fetch(f"{standin.url}/subjects/love.json")
    assert answer.status == 200
    assert answer.json["key"] == "/subjects/love"
    assert (answer.json["work_count"], answer.json["works"]) == (None, [])


def test_other_shape(fetch: Fetch) -> None:
    with _page_with("other-shape") as standin:
        answer = fetch(f"{standin.url}/subjects/love.json")
    assert answer.status == 200
    assert "works" not in answer.json


def test_slow(fetch: Fetch) -> None:
    with _page_with("slow", FaultRule(rate=1, seconds=0.15)) as standin:
        start = time.monotonic()
        assert fetch(f"{standin.url}/subjects/love.json").status == 200
    assert time.monotonic() - start >= 0.15


def test_cut(fetch: Fetch) -> None:
    with _page_with("cut") as standin, pytest.raises(http.client.IncompleteRead):
        fetch(f"{standin.url}/subjects/love.json")


def test_truncated_gzip_has_a_valid_length(fetch: Fetch) -> None:
    with _page_with("truncated-gzip") as standin:
        answer = fetch(f"{standin.url}/subjects/love.json", Accept_Encoding="gzip")
        plain = fetch(f"{standin.url}/subjects/love.json")
    assert answer.status == 200
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    with pytest.raises(EOFError):
        gzip.decompress(answer.body)
    with pytest.raises(json.JSONDecodeError):
        _ = plain.json


def test_churn_shifts_pages(fetch: Fetch) -> None:
    rule = FaultRule(requests=(2, 4))
    with _page_with("churn", rule) as standin:
        base = f"{standin.url}/subjects/love.json?sort=editions,key&limit=15"
        pages = [fetch(f"{base}&offset={15 * i}").json for i in range(6)]
    counts = [page["work_count"] for page in pages]
    keys = [work["key"] for page in pages for work in page["works"]]
    assert counts[0] == counts[2] == counts[4] == 90
    assert min(counts[1], counts[3]) >= 85
    assert max(counts[1], counts[3]) < 90
    assert len(set(keys)) < len(keys), "works that came back are met twice"


def test_faults_over_http(fetch: Fetch) -> None:
    with StandIn() as standin:
        url = f"{standin.url}/subjects/love.json"
        admin = f"{standin.url}/_standin"
        answer = fetch(f"{admin}/faults", "PUT", '{"429": {"requests": [2], "burst": 2}}')
        assert answer.json["429"]["requests"] == [2]
        assert [fetch(url).status for _ in range(4)] == [200, 429, 429, 200]
        assert fetch(f"{admin}/faults").json == answer.json
        assert [r["status"] for r in fetch(f"{admin}/requests").json] == [200, 429, 429, 200]
        fetch(f"{admin}/reset", "POST")
        assert standin.requests() == []
        assert [fetch(url).status for _ in range(2)] == [200, 429]
        fetch(f"{admin}/faults", "PUT", "{}")
        assert standin.faults == {}


@pytest.mark.parametrize(
    "body", ['{"nonsense": 1}', '{"5xx": {"often": 1}}', "[]", "{", '{"5xx": 2}', '{"5xx": null}']
)
def test_bad_rules_are_refused(fetch: Fetch, body: str) -> None:
    with StandIn() as standin:
        answer = fetch(f"{standin.url}/_standin/faults", "PUT", body)
    assert answer.status == 400
    assert answer.json["error"]


def _statuses(plan: FaultPlan, pages: list[int]) -> dict[int, bool]:
    return {page: bool(plan.next_fate("love", page).faults) for page in pages}


def test_rates_depend_on_the_seed_and_not_on_the_order() -> None:
    rules = {"5xx": FaultRule(rate=0.2)}
    pages = list(range(1000))
    forwards = _statuses(FaultPlan(1, rules), pages)
    backwards = _statuses(FaultPlan(1, rules), pages[::-1])
    assert forwards == backwards
    assert 150 < sum(forwards.values()) < 250
    assert forwards != _statuses(FaultPlan(2, rules), pages)


def test_a_repeated_request_has_another_fate() -> None:
    plan = FaultPlan(1, {"5xx": FaultRule(rate=0.5)})
    assert len({bool(plan.next_fate("love", 0).faults) for _ in range(30)}) == 2


def test_rules_can_be_narrowed() -> None:
    plan = FaultPlan(1, {"500": FaultRule(rate=1, times=1, subject="love", offset=10)})
    targets = [("war", 10), ("love", 0), ("love", 10), ("love", 10)]
    assert [bool(plan.next_fate(*target).faults) for target in targets] == [
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "name", "rule"),
    [
        ("down", "down", FaultRule(rate=1)),
        ("5xx=0.05", "5xx", FaultRule(rate=0.05)),
        ("429=@3,9:burst=5", "429", FaultRule(requests=(3, 9), burst=5)),
        ("slow=0.1:seconds=3", "slow", FaultRule(rate=0.1, seconds=3)),
        (
            "cut=1:times=2:offset=20:subject=place:london",
            "cut",
            FaultRule(rate=1, times=2, offset=20, subject="place:london"),
        ),
    ],
)
def test_faults_of_the_command_line(text: str, name: str, rule: FaultRule) -> None:
    assert parse_fault(text) == (name, rule)


def test_every_fault_can_be_named_in_json() -> None:
    assert set(rules_from_json(dict.fromkeys(FAULTS, 0.1))) == set(FAULTS)


def test_a_fault_does_not_break_the_next_request_on_a_connection() -> None:
    with _page_with("5xx", FaultRule(requests=(1,))) as standin:
        connection = http.client.HTTPConnection(standin.url.removeprefix("http://"), timeout=5)
        statuses = []
        for _ in range(2):
            connection.request("GET", "/subjects/love.json", headers={"User-Agent": AGENT})
            response = connection.getresponse()
            response.read()
            statuses.append(response.status // 100)
        connection.close()
    assert statuses == [5, 2]
