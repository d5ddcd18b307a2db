from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.source.page import PAGE, WORK, WORK_FIELDS
from schemas.testing.samples import captured_samples

SUBJECT_PAGES = {
    "subjects_love_limit1000_2023-01.json": 1000,
    "subjects_love_limit12_2023-01.json": 12,
    "subjects_love_details_2017.json": 10,
    "subjects_love_2022-09_excerpt.json": 5,
    "subjects_unknown.json": 0,
}
WORK_1 = {"key": "/works/OL1W", "title": "Emma", "edition_count": 1}


@pytest.fixture(scope="module")
def samples() -> Path:
    return captured_samples()


def judge(work: object) -> Any:
    """Return the work as the contract has it; None where it does not fit."""
    try:
        return WORK.validate_json(json.dumps(work))
    except ValidationError:
        return None


@pytest.mark.parametrize(("name", "works"), SUBJECT_PAGES.items())
def test_captured_pages_of_every_era_fit(samples: Path, name: str, works: int) -> None:
    records = PAGE.validate_json((samples / name).read_bytes())["works"]

    assert len(records) == works
    assert [record for record in records if judge(record) is None] == []


@pytest.mark.parametrize(
    "name",
    [
        "400_limit_legacy_webpy.json",
        "403_nginx_observed_2026-05-26.html",
        "422_details_maybe.json",
        "429_nginx_source.json",
        "500_fastapi_bad_sort.txt",
    ],
)
def test_captured_errors_are_no_pages(samples: Path, name: str) -> None:
    with pytest.raises(ValidationError):
        PAGE.validate_json((samples / "errors" / name).read_bytes())


def test_every_known_field_is_there_however_little_a_record_has() -> None:
    assert set(judge(WORK_1)) == WORK_FIELDS


@pytest.mark.parametrize(
    "era",
    [
        {"has_fulltext": "false"},
        {"ia_collection": [""]},
        {"availability": None},
        {"availability": {"status": "error", "error_message": "x"}},
        {"availability": {"num_waitlist": "3"}},
        {"first_publish_year": 0},
        {"first_publish_year": None},
        {"lending_edition": ""},
        {"checked_out": True},
        {"cover_id": -1},
        {"authors": [{"name": "Anon."}]},
        {"authors": []},
        {"title": ""},
    ],
)
def test_the_oddities_of_each_era_fit(era: dict[str, object]) -> None:
    assert judge(WORK_1 | era) is not None


@pytest.mark.parametrize(
    "broken",
    [
        {"edition_count": "3"},
        {"edition_count": 2**31},
        {"edition_count": -1},
        {"edition_count": 1.5},
        {"cover_id": 2**63},
        {"title": None},
        {"key": "OL1W"},
        {"key": "/works/OL1W\n"},
        {"key": "/works/../OL1W"},
        {"subject": "love"},
        {"subject": [1]},
        {"authors": {"key": "x"}},
        {"public_scan": "yes"},
        {"has_fulltext": 1},
        {"availability": "open"},
        {"first_publish_year": "1815"},
    ],
)
def test_a_changed_type_is_refused(broken: dict[str, object]) -> None:
    assert judge(WORK_1 | broken) is None


@pytest.mark.parametrize("field", ["key", "title", "edition_count"])
def test_a_missing_required_field_rejects_the_record(field: str) -> None:
    record = {name: value for name, value in WORK_1.items() if name != field}

    assert judge(record) is None


@pytest.mark.parametrize("value", [None, 1, "x", [], [[]], True, 1e300, {}])
def test_a_value_that_is_not_a_record_is_refused(value: object) -> None:
    assert judge(value) is None


def test_an_unknown_field_is_kept_aside() -> None:
    record = judge(WORK_1 | {"rating": 4.5})

    assert record.keys() - WORK_FIELDS == {"rating"}


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"works": []},
        {"work_count": 1},
        {"work_count": "1", "works": []},
        {"work_count": True, "works": []},
        {"work_count": -1, "works": []},
        {"work_count": 1, "works": None},
        {"work_count": 1, "works": {}},
        [],
    ],
)
def test_what_is_no_page_of_a_subject_is_refused(page: object) -> None:
    with pytest.raises(ValidationError):
        PAGE.validate_json(json.dumps(page))


def test_the_contract_says_what_is_required() -> None:
    assert WORK.json_schema()["required"] == ["key", "title", "edition_count"]
