from __future__ import annotations

import unicodedata
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning import columns, values
from cleaning.hashing import HASHED_FIELDS, work_hash
from schemas.derive.arrow import arrow_schema
from schemas.tables import WORKS

SCHEMA = arrow_schema(WORKS.columns)

TEXTS = pa.list_(pa.string())
AUTHORS = SCHEMA.field("authors").type
# Letters that a page has, letters that Unicode NFC changes, and what is not shown at all.
letters = st.characters(exclude_categories=["Cs"]) | st.sampled_from(
    " ae\u00e9\u0301\u0327\u00a0\t"
)
texts = st.none() | st.text(letters, max_size=6)


@settings(deadline=None)
@given(st.lists(texts))
def test_a_column_is_cleaned_as_its_texts_are(column: list[str | None]) -> None:
    cleaned = columns.clean_column(pa.array(column, pa.string()))

    assert cleaned.to_pylist() == list(map(values.clean_text, column))


def test_letters_that_pass_unread_are_clean() -> None:
    start_end = [part.split("-") for part in _ranges(columns._CLEAN_LETTERS)]
    passed = [chr(code) for first, last in start_end for code in range(ord(first), ord(last) + 1)]

    assert [letter for letter in passed if values.clean_text(letter) != letter] == []
    assert [letter for letter in passed if unicodedata.combining(letter)] == []


def _ranges(letters: str) -> list[str]:
    return [letters[place : place + 3] for place in range(0, len(letters), 3)]


@settings(deadline=None)
@given(st.lists(st.none() | st.lists(st.text(letters, max_size=3), max_size=5)))
def test_lists_keep_each_text_once_in_order(lists: list[list[str] | None]) -> None:
    unique = columns.unique_texts(pa.array(lists, TEXTS)).to_pylist()

    cleaned = [map(values.clean_text, row or ()) for row in lists]
    assert unique == [list(dict.fromkeys(filter(None, row))) for row in cleaned]


@pytest.mark.parametrize(("number", "expected"), [(7, 7), (0, None), (-1, None), (None, None)])
def test_ids_are_positive(number: int | None, expected: int | None) -> None:
    assert columns.known_ids(pa.array([number], pa.int64())).to_pylist() == [expected]


@pytest.mark.parametrize(
    ("year", "expected"),
    [(1815, 1815), (2026, 2026), (2027, None), (0, None), (-5, None), (None, None)],
)
def test_impossible_years_are_unknown(year: int | None, expected: int | None) -> None:
    assert columns.known_years(pa.array([year], pa.int32()), 2026).to_pylist() == [expected]


@pytest.mark.parametrize(("year", "decade"), [(1994, 1990), (1990, 1990), (7, 0), (None, None)])
def test_a_decade_is_its_first_year(year: int | None, decade: int | None) -> None:
    assert columns.decades(pa.array([year], pa.int32())).to_pylist() == [decade]


def test_authors_are_kept_once_in_order() -> None:
    lists = [
        [
            {"key": "/authors/OL2A", "name": " B "},
            {"key": "/authors/OL1A", "name": "A"},
            {"key": "/authors/OL2A", "name": "B again"},
            {"key": None, "name": "Anon."},
            {"key": "", "name": "Anon."},
            {"key": None, "name": " "},
        ],
        None,
        [{"key": "/authors/OL2A", "name": None}],
    ]

    unique = columns.unique_authors(pa.array(lists, AUTHORS)).to_pylist()

    assert [[(author["key"], author["name"]) for author in row] for row in unique] == [
        [("/authors/OL2A", "B"), ("/authors/OL1A", "A"), (None, "Anon.")],
        [],
        [("/authors/OL2A", None)],
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((True, True, True, None, "open"), "open"),
        ((True, True, True, None, None), "open"),
        ((False, True, True, False, "open"), "open"),
        ((False, True, True, False, "borrow_available"), "borrowable"),
        ((False, True, True, False, "borrow_unavailable"), "borrowable"),
        ((False, True, False, True, None), "borrowable"),
        ((None, True, None, True, None), "borrowable"),
        ((False, True, True, False, "private"), "print_disabled"),
        ((False, True, False, False, "error"), "restricted"),
        ((False, False, False, False, None), "none"),
        ((None, None, None, None, None), "none"),
    ],
)
def test_the_access_level_is_the_most_generous(fields: Any, expected: str) -> None:
    types = [pa.bool_()] * 4 + [pa.string()]
    given_fields = [pa.array([value], kind) for value, kind in zip(fields, types, strict=True)]

    assert columns.access_levels(*given_fields).to_pylist() == [expected]


def test_urls_follow_from_ids() -> None:
    covers = columns.cover_urls(pa.array([7, None], pa.int64()))
    works = columns.work_urls(pa.array(["/works/OL1W"]))

    assert covers.to_pylist() == ["https://covers.openlibrary.org/b/id/7-L.jpg", None]
    assert works.to_pylist() == ["https://openlibrary.org/works/OL1W"]


def test_a_hash_is_stable_over_releases() -> None:
    fields = [
        pa.array(["/works/OL1W"]),
        pa.array(["Emma"]),
        pa.array([3]),
        pa.array([None], pa.string()),
        pa.array([True]),
        pa.array([["Love", "War"]]),
    ]

    hashes = columns.record_hashes(fields).to_pylist()

    assert hashes == ["c48adcf6580c230e8bca0e728064a72a"]


def test_a_hash_tells_null_from_its_neighbour() -> None:
    one, other = (pa.array(column, pa.string()) for column in (["a", None], [None, "a"]))

    first, second = columns.record_hashes([one, other]).to_pylist()

    assert first != second


numbers = st.none() | st.integers(-(2**31), 2**31 - 1)


@settings(deadline=None)
@given(st.lists(numbers), st.integers(1, 9999))
def test_numbers_are_known_in_a_column_as_one_by_one(
    column: list[int | None], fetched_year: int
) -> None:
    array = pa.array(column, pa.int32())
    years = [values.known_year(number, fetched_year) for number in column]

    assert columns.known_ids(array).to_pylist() == list(map(values.known_id, column))
    assert columns.known_years(array, fetched_year).to_pylist() == years
    assert columns.decades(pa.array(years, pa.int32())).to_pylist() == list(
        map(values.decade_of, years)
    )


@settings(deadline=None)
@given(st.none() | st.integers(1, 2**63 - 1))
def test_urls_are_those_of_single_values(number: int | None) -> None:
    covers = columns.cover_urls(pa.array([number], pa.int64()))
    works = columns.work_urls(pa.array([f"/works/OL{number}W"]))

    assert covers.to_pylist() == [values.cover_url(number)]
    assert works.to_pylist() == [values.work_url(f"/works/OL{number}W")]


#: What a row of works may hold in the fields that are hashed.
hashed_rows = st.fixed_dictionaries(
    {
        "edition_count": st.integers(0, 99),
        "first_publish_year": numbers,
        "cover_id": numbers,
        "public_scan": st.none() | st.booleans(),
        "has_fulltext": st.none() | st.booleans(),
        "print_disabled": st.none() | st.booleans(),
        "work_key": st.just("/works/OL1W"),
        "title": texts,
        "cover_edition_key": texts,
        "ia": texts,
        "lending_edition": texts,
        "lending_identifier": texts,
        "authors": st.lists(st.fixed_dictionaries({"key": texts, "name": texts}), max_size=3),
        "subjects": st.lists(
            st.fixed_dictionaries(
                {"key": texts, "name": st.text(letters, min_size=1), "kind": st.just("subject")}
            ),
            max_size=3,
        ),
        "ia_collections": st.lists(st.text(letters, min_size=1), max_size=3),
    }
)


@settings(deadline=None)
@given(st.lists(hashed_rows, max_size=3))
def test_works_are_hashed_in_columns_as_one_by_one(rows: list[dict[str, Any]]) -> None:
    """GIVEN rows WHEN a page and a dump hash them, in columns and one by one THEN all are equal."""
    made = {
        name: pa.array([row[name] for row in rows], SCHEMA.field(name).type)
        for name in HASHED_FIELDS
    }

    assert columns.work_hashes(made).to_pylist() == list(map(work_hash, rows))
