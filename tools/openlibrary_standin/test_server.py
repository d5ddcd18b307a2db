import http.client
import json
import sys
import time
from collections.abc import Iterator

import pytest

from openlibrary_standin import StandIn, StandInConfig
from openlibrary_standin.conftest import AGENT, Fetch


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with StandIn(StandInConfig(works=2000)) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(standin: StandIn) -> None:
    standin.reset()


def test_default_page(standin: StandIn, fetch: Fetch) -> None:
    answer = fetch(f"{standin.url}/subjects/love.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    page = answer.json
    assert page["key"] == "/subjects/love"
    assert page["name"] == "love"
    assert page["subject_type"] == "subject"
    assert page["solr_query"] == 'subject_key:"love"'
    assert page["work_count"] == 360
    assert len(page["works"]) == 12
    assert "ebook_count" not in page


@pytest.mark.parametrize(
    ("key", "kind", "name"),
    [
        ("person:sherlock_holmes", "person", "sherlock holmes"),
        ("place:london", "place", "london"),
        ("time:19th_century", "time", "19th century"),
        ("science%20fiction", "subject", "science fiction"),
    ],
)
def test_kinds_of_subjects(standin: StandIn, fetch: Fetch, key: str, kind: str, name: str) -> None:
    page = fetch(f"{standin.url}/subjects/{key}.json").json
    assert (page["subject_type"], page["name"]) == (kind, name)
    assert page["work_count"] > 0


def test_keys_which_normalise_alike(standin: StandIn, fetch: Fetch) -> None:
    for key in ("c%23", "c%2B%2B", "c"):
        assert fetch(f"{standin.url}/subjects/{key}.json").json["key"] == "/subjects/c"


def test_upper_case_is_redirected(standin: StandIn, fetch: Fetch) -> None:
    answer = fetch(f"{standin.url}/subjects/place:London.json?limit=3")
    assert answer.status == 301
    assert answer.headers["Location"] == "/subjects/place:london.json?limit=3"


def test_unknown_subject_is_an_empty_page(standin: StandIn, fetch: Fetch) -> None:
    answer = fetch(f"{standin.url}/subjects/loveasd.json?details=true")
    assert answer.status == 200
    assert answer.json["work_count"] == 0
    assert answer.json["works"] == []


def test_page_beyond_the_end_is_empty(standin: StandIn, fetch: Fetch) -> None:
    page = fetch(f"{standin.url}/subjects/love.json?offset=99999999999").json
    assert (page["work_count"], page["works"]) == (360, [])


@pytest.mark.parametrize("sort", ["editions,key", "key"])
def test_pages_of_a_total_order_cover_all_works_once(
    standin: StandIn, fetch: Fetch, sort: str
) -> None:
    base = f"{standin.url}/subjects/love.json?sort={sort}&limit=100"
    works = [work for i in range(4) for work in fetch(f"{base}&offset={i * 100}").json["works"]]
    assert len({work["key"] for work in works}) == len(works) == 360


def test_editions_order_changes_between_requests(standin: StandIn, fetch: Fetch) -> None:
    url = f"{standin.url}/subjects/love.json?limit=300"
    first, second, third = (fetch(url).json["works"] for _ in range(3))
    assert first != second
    assert first == third
    assert [w["edition_count"] for w in first] == [w["edition_count"] for w in second]


@pytest.mark.parametrize(
    ("query", "kind", "name", "extra"),
    [
        ("limit=1001", "less_than_equal", "limit", {"ctx": {"le": 1000}}),
        ("limit=-1", "greater_than_equal", "limit", {"ctx": {"ge": 0}}),
        ("limit=abc", "int_parsing", "limit", {}),
        ("offset=-5", "greater_than_equal", "offset", {"ctx": {"ge": 0}}),
        ("details=maybe", "bool_parsing", "details", {}),
        ("has_fulltext=2", "bool_parsing", "has_fulltext", {}),
    ],
)
def test_invalid_parameters(
    standin: StandIn, fetch: Fetch, query: str, kind: str, name: str, extra: object
) -> None:
    answer = fetch(f"{standin.url}/subjects/love.json?{query}")
    assert answer.status == 422
    (problem,) = answer.json["detail"]
    assert (problem["type"], problem["loc"]) == (kind, ["query", name])
    assert problem["input"] == query.split("=")[1]
    assert problem.get("ctx", {}) == (extra or {"ctx": {}})["ctx"]  # type: ignore[index]


def test_all_invalid_parameters_are_reported_at_once(standin: StandIn, fetch: Fetch) -> None:
    answer = fetch(f"{standin.url}/subjects/love.json?limit=x&offset=-1&sort=nonsense")
    assert [problem["loc"][1] for problem in answer.json["detail"]] == ["limit", "offset"]


def test_unknown_sort_is_a_server_error(standin: StandIn, fetch: Fetch) -> None:
    answer = fetch(f"{standin.url}/subjects/love.json?sort=nonsense")
    assert (answer.status, answer.body) == (500, b"Internal Server Error")


def test_ignored_parameters(standin: StandIn, fetch: Fetch) -> None:
    url = f"{standin.url}/subjects/love.json?published_in=soon&ebooks=true&x=1&limit=0"
    page = fetch(url).json
    assert (page["work_count"], page["works"]) == (360, [])


def test_published_in_narrows_the_page(standin: StandIn, fetch: Fetch) -> None:
    page = fetch(f"{standin.url}/subjects/love.json?published_in=1800-1850&limit=1000").json
    assert 0 < page["work_count"] == len(page["works"]) < 360
    assert all(1800 <= work["first_publish_year"] <= 1850 for work in page["works"])


def test_details_add_facets(standin: StandIn, fetch: Fetch) -> None:
    page = fetch(f"{standin.url}/subjects/love.json?details=true").json
    assert page["name"] == "Love"
    for name in ("authors", "subjects", "places", "people", "times", "publishers", "languages"):
        assert 0 < len(page[name]) <= 25
        assert {"count", "name"} <= set(page[name][0])
    assert sum(count for _, count in page["publishing_history"]) > page["work_count"]
    assert 0 < page["ebook_count"] < page["work_count"]


def test_gzip_only_when_asked(standin: StandIn, fetch: Fetch) -> None:
    url = f"{standin.url}/subjects/love.json?sort=key&limit=100"
    plain = fetch(url)
    packed = fetch(url, Accept_Encoding="gzip, deflate")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 2
    assert packed.json == plain.json


@pytest.mark.parametrize(
    ("agent", "status"),
    [
        ("python-requests/2.32", 403),
        ("MyLake/1.0", 403),
        ("", 403),
        ("MyLake/1.0 (me@example.org)", 200),
        ("MyLake/1.0 (+https://example.org/lake)", 200),
    ],
)
def test_user_agent_policy(standin: StandIn, fetch: Fetch, agent: str, status: int) -> None:
    answer = fetch(f"{standin.url}/subjects/love.json", User_Agent=agent)
    assert answer.status == status
    assert (b"<h1>403 Forbidden</h1>" in answer.body) == (status == 403)


def test_user_agent_policy_can_be_switched_off(fetch: Fetch) -> None:
    with StandIn(StandInConfig(enforce_user_agent=False)) as standin:
        assert fetch(f"{standin.url}/subjects/love.json", User_Agent="x").status == 200


def test_connection_is_kept_alive(standin: StandIn) -> None:
    connection = http.client.HTTPConnection(standin.url.removeprefix("http://"), timeout=5)
    connection.connect()
    socket = connection.sock
    for _ in range(3):
        connection.request("GET", "/subjects/love.json", headers={"User-Agent": AGENT})
        connection.getresponse().read()
    assert connection.sock is socket
    connection.close()


def test_requests_are_logged(standin: StandIn, fetch: Fetch) -> None:
    fetch(f"{standin.url}/subjects/love.json?limit=3")
    fetch(f"{standin.url}/subjects/love.json?limit=x")
    first, second = standin.requests()
    assert (first.path, first.params, first.status) == ("/subjects/love.json", {"limit": "3"}, 200)
    assert first.user_agent == AGENT
    assert second.status == 422
    assert first.time <= second.time


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux notes arrivals at the socket")
def test_requests_are_logged_at_their_arrival_not_when_a_thread_gets_to_them() -> None:
    standin = StandIn()
    connection = http.client.HTTPConnection(standin.url.removeprefix("http://"), timeout=5)
    connection.request("GET", "/subjects/love.json", headers={"User-Agent": AGENT})
    sent = time.monotonic()
    time.sleep(0.3)
    with standin:
        connection.getresponse().read()
        (logged,) = standin.requests()
    connection.close()
    assert logged.time == pytest.approx(sent, abs=0.1)


def test_a_later_revision_can_be_switched_to(fetch: Fetch) -> None:
    with StandIn(StandInConfig(works=1000)) as standin:
        url = f"{standin.url}/subjects/love.json"
        before = fetch(url).json["work_count"]
        answer = fetch(f"{standin.url}/_standin/revision", "PUT", json.dumps({"revision": 2}))
        assert answer.json == {"revision": 2}
        assert fetch(url).json["work_count"] > before
        assert standin.revision == 2


def test_other_paths_are_not_found(standin: StandIn, fetch: Fetch) -> None:
    assert fetch(f"{standin.url}/search.json").status == 404
    assert fetch(f"{standin.url}/_standin/nothing").status == 404


def test_a_stopped_stand_in_answers_no_more() -> None:
    with StandIn() as standin:
        connection = http.client.HTTPConnection(standin.url.removeprefix("http://"), timeout=5)
        connection.request("GET", "/subjects/love.json", headers={"User-Agent": AGENT})
        connection.getresponse().read()
    with pytest.raises((OSError, http.client.HTTPException)):  # noqa: PT012 - two ways to notice
        connection.request("GET", "/subjects/love.json", headers={"User-Agent": AGENT})
        connection.getresponse()
    connection.close()
