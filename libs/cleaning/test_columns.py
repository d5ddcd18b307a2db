from __future__ import annotations

import unicodedata
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning import columns as column_rules
from cleaning import values as rules
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


@given(st.lists(texts))
def test_a_column_is_cleaned_as_its_texts_are(column: list[str | None]) -> None:
    cleaned = column_rules.clean_column(pa.array(column, pa.string()))

    assert cleaned.to_pylist() == list(map(rules.clean_text, column))


def test_letters_that_pass_unread_are_clean() -> None:
    start_end = [part.split("-") for part in _ranges(column_rules._CLEAN_LETTERS)]
    passed = [chr(code) for first, last in start_end for code in range(ord(first), ord(last) + 1)]

    assert [letter for letter in passed if rules.clean_text(letter) != letter] == []
    assert [letter for letter in passed if unicodedata.combining(letter)] == []


def _ranges(letters: str) -> list[str]:
    return [letters[place : place + 3] for place in range(0, len(letters), 3)]


@given(st.lists(st.none() | st.lists(st.text(letters, max_size=3), max_size=5)))
def test_lists_keep_each_text_once_in_order(lists: list[list[str] | None]) -> None:
    unique = column_rules.unique_texts(pa.array(lists, TEXTS)).to_pylist()

    cleaned = [map(rules.clean_text, row or ()) for row in lists]
    assert unique == [list(dict.fromkeys(filter(None, row))) for row in cleaned]


@pytest.mark.parametrize(("number", "expected"), [(7, 7), (0, None), (-1, None), (None, None)])
def test_ids_are_positive(number: int | None, expected: int | None) -> None:
    assert column_rules.known_ids(pa.array([number], pa.int64())).to_pylist() == [expected]


@pytest.mark.parametrize(
    ("year", "expected"),
    [(1815, 1815), (2026, 2026), (2027, None), (0, None), (-5, None), (None, None)],
)
def test_impossible_years_are_unknown(year: int | None, expected: int | None) -> None:
    assert column_rules.known_years(pa.array([year], pa.int32()), 2026).to_pylist() == [expected]


@pytest.mark.parametrize(("year", "decade"), [(1994, 1990), (1990, 1990), (7, 0), (None, None)])
def test_a_decade_is_its_first_year(year: int | None, decade: int | None) -> None:
    assert column_rules.decades(pa.array([year], pa.int32())).to_pylist() == [decade]


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

    unique = column_rules.unique_authors(pa.array(lists, AUTHORS)).to_pylist()

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
    columns = [pa.array([value], kind) for value, kind in zip(fields, types, strict=True)]

    assert column_rules.access_levels(*columns).to_pylist() == [expected]


def test_urls_follow_from_ids() -> None:
    covers = column_rules.cover_urls(pa.array([7, None], pa.int64()))
    works = column_rules.work_urls(pa.array(["/works/OL1W"]))

    assert covers.to_pylist() == ["https://covers.openlibrary.org/b/id/7-L.jpg", None]
    assert works.to_pylist() == ["https://openlibrary.org/works/OL1W"]


def test_a_hash_is_stable_over_releases() -> None:
    columns = [
        pa.array(["/works/OL1W"]),
        pa.array(["Emma"]),
        pa.array([3]),
        pa.array([None], pa.string()),
        pa.array([True]),
        pa.array([["Love", "War"]]),
    ]

    hashes = column_rules.record_hashes(columns).to_pylist()

    assert hashes == ["c48adcf6580c230e8bca0e728064a72a"]


def test_a_hash_tells_null_from_its_neighbour() -> None:
    one, other = (pa.array(column, pa.string()) for column in (["a", None], [None, "a"]))

    first, second = column_rules.record_hashes([one, other]).to_pylist()

    assert first != second
