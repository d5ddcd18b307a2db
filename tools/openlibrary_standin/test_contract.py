"""The stand-in's answers have the shape of captured ones."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from openlibrary_standin import StandIn, StandInConfig
from openlibrary_standin.conftest import Fetch
from schemas.testing.samples import captured_samples

_CAPTURE = "subjects_love_limit1000_2023-01.json"


@pytest.fixture(scope="module")
def samples() -> Path:
    return captured_samples()


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _types(records: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """Types seen by field, nested objects and lists included."""
    seen: dict[str, set[str]] = {}
    for record in records:
        for name, value in record.items():
            seen.setdefault(name, set()).add(type(value).__name__)
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    for inner, kinds in _types([item]).items():
                        seen.setdefault(f"{name}.{inner}", set()).update(kinds)
                elif isinstance(value, list):
                    seen.setdefault(f"{name}[]", set()).add(type(item).__name__)
    return seen


def test_works_have_the_fields_and_types_of_captured_works(samples: Path, fetch: Fetch) -> None:
    # GIVEN works as they were captured, when lendinglibrary still was among their fields
    captured = _types(_load(samples / _CAPTURE)["works"])
    # WHEN the stand-in serves as many
    config = StandInConfig(subject_works={"love": 16_212}, legacy_fields=True)
    with StandIn(config) as standin:
        page = fetch(f"{standin.url}/subjects/love.json?limit=1000&sort=editions,key").json
    generated = _types(page["works"])
    # THEN there is no field and no type which was not captured, but the nulls of other years
    assert set(generated) == set(captured)
    other_years = {"availability": {"NoneType"}, "first_publish_year": {"NoneType"}}
    for name, kinds in generated.items():
        assert kinds <= captured[name] | other_years.get(name, set()), name


def test_top_level_has_the_fields_of_a_captured_page(samples: Path, fetch: Fetch) -> None:
    captured = _load(samples / _CAPTURE)
    with StandIn() as standin:
        page = fetch(f"{standin.url}/subjects/love.json").json
    assert set(page) - {"solr_query"} == set(captured)
    assert all(isinstance(page[name], type(captured[name])) for name in captured)


def test_facets_have_the_shape_of_captured_facets(samples: Path, fetch: Fetch) -> None:
    captured = _load(samples / "subjects_love_details_2017.json")
    with StandIn() as standin:
        page = fetch(f"{standin.url}/subjects/love.json?details=true").json
    assert set(page) - {"solr_query"} == set(captured)
    facets = set(captured) - {"works", "publishing_history"}
    for name in facets:
        if isinstance(captured[name], list):
            assert _types(page[name]) == _types(captured[name]), name
    assert all(isinstance(n, int) for pair in page["publishing_history"] for n in pair)


@pytest.mark.parametrize(
    ("sample", "query"),
    [
        ("422_limit_1001.json", "limit=1001"),
        ("422_limit_abc.json", "limit=abc"),
        ("422_offset_negative.json", "offset=-5"),
        ("422_details_maybe.json", "details=maybe"),
        ("500_fastapi_bad_sort.txt", "sort=nonsense"),
    ],
)
def test_errors_equal_the_recorded_ones(
    samples: Path, fetch: Fetch, sample: str, query: str
) -> None:
    with StandIn() as standin:
        answer = fetch(f"{standin.url}/subjects/love.json?{query}")
    assert answer.body.decode() == (samples / "errors" / sample).read_text().strip()


def test_unknown_subject_equals_the_captured_one(samples: Path, fetch: Fetch) -> None:
    with StandIn() as standin:
        page = fetch(f"{standin.url}/subjects/loveasd.json").json
    del page["solr_query"]
    assert page == _load(samples / "subjects_unknown.json")


def test_captured_works_can_be_paged_through(samples: Path, fetch: Fetch) -> None:
    path = samples / _CAPTURE
    with StandIn(StandInConfig(captured={"love": path})) as standin:
        base = f"{standin.url}/subjects/love.json?limit=300"
        pages = [fetch(f"{base}&offset={offset}").json for offset in range(0, 1200, 300)]
        assert fetch(f"{standin.url}/subjects/history.json").json["work_count"] > 0
    captured = _load(path)["works"]
    assert {page["work_count"] for page in pages} == {len(captured)}
    assert [work for page in pages for work in page["works"]] == captured


def test_captured_bodies_are_served_without_samples(tmp_path: Path, fetch: Fetch) -> None:
    body = {"name": "Cats", "work_count": 99, "works": [{"key": "a"}, {"key": "b"}], "times": []}
    path = tmp_path / "cats.json"
    path.write_text(json.dumps(body))
    with StandIn(StandInConfig(captured={"cats": path})) as standin:
        page = fetch(f"{standin.url}/subjects/cats.json?offset=1&details=true").json
    assert (page["work_count"], page["works"], page["times"]) == (2, [{"key": "b"}], [])
