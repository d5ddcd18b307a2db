from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from process import rules


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Emma", "Emma"),
        ("  Emma \t\n by  Jane\u00a0Austen ", "Emma by Jane Austen"),
        ("Bronte\u0308", "Bront\u00eb"),
        ("E\x00mm\x1fa\x7f\u009f", "Emma"),
        ("\ufeffEm\u200bma", "Emma"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("a\u0085b", "a b"),
        ("", None),
        (" \u3000\n", None),
        (None, None),
    ],
)
def test_texts_are_cleaned(text: str | None, expected: str | None) -> None:
    assert rules.clean_text(text) == expected


@given(st.text())
def test_cleaning_a_text_again_changes_nothing(text: str) -> None:
    cleaned = rules.clean_text(text)

    assert rules.clean_text(cleaned) == cleaned


@given(st.text())
def test_a_cleaned_text_is_normal_and_has_no_control_characters(text: str) -> None:
    cleaned = rules.clean_text(text) or "x"

    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(unicodedata.category(letter) == "Cc" for letter in cleaned)
    assert cleaned == cleaned.strip()


def test_blank_and_repeated_collections_go() -> None:
    assert rules.clean_texts(["", "b", "a", " b "]) == ["b", "a"]


def test_no_collections_are_an_empty_list() -> None:
    assert rules.clean_texts(None) == []


@pytest.mark.parametrize(("number", "expected"), [(7, 7), (0, None), (-1, None), (None, None)])
def test_ids_are_positive(number: int | None, expected: int | None) -> None:
    assert rules.known_id(number) == expected


@pytest.mark.parametrize(
    ("year", "expected"), [(1815, 1815), (2026, 2026), (2027, None), (0, None), (-5, None)]
)
def test_impossible_years_are_unknown(year: int, expected: int | None) -> None:
    assert rules.known_year(year, 2026) == expected


@pytest.mark.parametrize(("year", "decade"), [(1994, 1990), (1990, 1990), (7, 0), (None, None)])
def test_a_decade_is_its_first_year(year: int | None, decade: int | None) -> None:
    assert rules.decade_of(year) == decade


@pytest.mark.parametrize(
    ("value", "expected"), [("false", False), ("true", True), (True, True), (None, None)]
)
def test_flags_may_be_texts(value: Any, expected: bool | None) -> None:
    assert rules.flag(value) is expected


def test_authors_are_kept_once_in_order() -> None:
    authors: list[Any] = [
        {"key": "/authors/OL2A", "name": " B "},
        {"key": "/authors/OL1A", "name": "A"},
        {"key": "/authors/OL2A", "name": "B again"},
        {"key": None, "name": "Anon."},
        {"key": "", "name": "Anon."},
        {"key": None, "name": " "},
    ]

    assert rules.unique_authors(authors) == [
        ("/authors/OL2A", "B"),
        ("/authors/OL1A", "A"),
        (None, "Anon."),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Science Fiction", ("science_fiction", "Science Fiction", "subject")),
        ("place:France", ("place:france", "place:France", "place")),
        ("###", (None, "###", "subject")),
    ],
)
def test_subjects_have_keys_and_kinds(name: str, expected: tuple[str | None, str, str]) -> None:
    assert rules.subject_of(name) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((True, True, True, None, "open"), "open"),
        ((True, True, True, None, None), "open"),
        ((False, True, True, False, "open"), "open"),
        ((False, True, True, False, "borrow_available"), "borrowable"),
        ((False, True, True, False, "borrow_unavailable"), "borrowable"),
        ((False, True, False, True, None), "borrowable"),
        ((False, True, True, False, "private"), "print_disabled"),
        ((False, True, False, False, "error"), "restricted"),
        ((False, False, False, False, None), "none"),
        ((None, None, None, None, None), "none"),
    ],
)
def test_the_access_level_is_the_most_generous(fields: Any, expected: str) -> None:
    assert rules.access_level(*fields) == expected


def test_urls_follow_from_ids() -> None:
    assert rules.cover_url(7) == "https://covers.openlibrary.org/b/id/7-L.jpg"
    assert rules.cover_url(None) is None
    assert rules.work_url("/works/OL1W") == "https://openlibrary.org/works/OL1W"


def test_a_hash_is_stable_over_releases() -> None:
    subjects = rules.joined(["Love", "War"])
    values: list[str | int | None] = ["/works/OL1W", "Emma", 3, None, True, subjects]

    assert rules.record_hash(map(rules.hash_text, values)) == "c48adcf6580c230e8bca0e728064a72a"


def test_a_hash_tells_null_from_its_neighbour() -> None:
    assert rules.record_hash(["a", ""]) != rules.record_hash(["", "a"])
