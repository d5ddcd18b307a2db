from __future__ import annotations

import sys
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning import values


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
        ("\u00a0\u00ad", None),
        *((blank, None) for blank in "\u3164\u115f\u1160\u2800\ufe0f\u034f\uffa0\U000e0100"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
        (None, None),
    ],
)
def test_texts_are_cleaned(text: str | None, expected: str | None) -> None:
    assert values.clean_text(text) == expected


@settings(deadline=None)
@given(st.text())
def test_cleaning_a_text_again_changes_nothing(text: str) -> None:
    cleaned = values.clean_text(text)

    assert values.clean_text(cleaned) == cleaned


@settings(deadline=None)
@given(st.text())
def test_a_cleaned_text_is_normal_and_has_no_control_characters(text: str) -> None:
    cleaned = values.clean_text(text) or "x"

    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(unicodedata.category(letter) == "Cc" for letter in cleaned)
    assert cleaned == cleaned.strip()


@settings(deadline=None)
@given(
    st.text(
        "a\u00e4\u0300\u0301\u0316\u0344\u0345\u0f73\u0f75\u1fa7\u3099\U0001f600\u200d", min_size=20
    )
)
def test_long_runs_of_marks_give_the_normal_text(text: str) -> None:
    marks = text.replace("a", "") * 3

    assert values.clean_text(f"a{marks}b") == unicodedata.normalize("NFC", f"a{marks}b")


@pytest.mark.parametrize("mark", ["\u0301\u0316", "\u0f73"])
def test_a_text_of_many_marks_takes_a_moment(mark: str) -> None:
    start = time.process_time()

    values.clean_text("a" + "".join(letter * 50_000 for letter in mark))

    assert time.process_time() - start < 2.0


def test_every_mark_that_is_ordered_is_found_in_a_run() -> None:
    letters = map(chr, range(sys.maxunicode + 1))
    ordered = [
        one for one in letters if unicodedata.combining(unicodedata.normalize("NFD", one)[0])
    ]

    assert len(ordered) > 900
    assert values._MARKS.fullmatch("".join(ordered))


@pytest.mark.parametrize(
    ("value", "expected"), [("false", False), ("true", True), (True, True), (None, None)]
)
def test_flags_may_be_texts(value: Any, expected: bool | None) -> None:
    assert values.flag(value) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Science Fiction", ("science_fiction", "Science Fiction", "subject")),
        ("place:France", ("place:france", "place:France", "place")),
        ("###", (None, "###", "subject")),
    ],
)
def test_subjects_have_keys_and_kinds(name: str, expected: tuple[str | None, str, str]) -> None:
    assert values.subject_of(name) == expected


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("1994", 1994),
        ("c1994?", 1994),
        ("1994-03-01", 1994),
        ("[1890s]", 1890),
        ("Mar-1994", 1994),
        ("Jan.-1994", 1994),
        ("Dec-1994", 1994),
        ("1990\u20131994", 1990),
        ("-0350", None),
        ("(-0350)", None),
        ("[-0350]", None),
        ("c-0350", None),
        ("ca-0350", None),
        ("\u22120350", None),
        ("c. \u20130350", None),
        ("0350 B.C.", None),
        ("199", None),
        ("20199", None),
        ("\u0661\u0669\u0669\u0664", None),
        ("", None),
        (None, None),
    ],
)
def test_a_year_is_found_in_what_editors_type(date: str | None, year: int | None) -> None:
    assert values.year_of(date) == year
