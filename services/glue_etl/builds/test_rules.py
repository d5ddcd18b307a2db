"""The data-quality rules: each bites on what it is for, and on nothing else."""

from __future__ import annotations

import math

import pytest

from glue_etl.builds.rules import RowBounds, TableFacts, check
from schemas.ledger.curated_build import TableOutcome

BOUNDS = RowBounds(min_ratio=0.5, max_ratio=2.0, slack=10)


def broken(name: str, facts: TableFacts, last: int | None = None) -> list[str]:
    before = {} if last is None else {name: TableOutcome(rows=last, files=1, bytes=1)}
    return [outcome.rule for outcome in check({name: facts}, before, BOUNDS) if not outcome.passed]


def test_a_sound_table_breaks_no_rule() -> None:
    assert broken("work_subjects", TableFacts(5, 5, {"work_key": 0}, {"subject_key": 0}), 5) == []


@pytest.mark.parametrize(
    ("table", "facts", "rule"),
    [
        ("works", TableFacts(0, 0), "not_empty:works"),
        ("authors", TableFacts(3, 2), "keys_unique:authors"),
        ("works", TableFacts(3, 3, {"title": 0, "run_id": 2}), "required_columns:works"),
        (
            "work_subjects",
            TableFacts(3, 3, {}, {"work_key": 0, "subject_key": 1}),
            "references_whole:work_subjects.subject_key",
        ),
    ],
)
def test_a_rule_bites(table: str, facts: TableFacts, rule: str) -> None:
    assert broken(table, facts) == [rule]


def test_a_table_that_may_be_empty_may() -> None:
    assert broken("subject_history", TableFacts(0, 0)) == []


@pytest.mark.parametrize(
    ("last", "now", "passes"),
    [
        (100, 50, True),
        (100, 49, False),
        (100, 200, True),
        (100, 201, False),
        (3, 13, True),
        (3, 14, False),
        (3, 1, True),
        (0, 0, True),
        (5, 0, True),
        (21, 11, True),
        (21, 10, False),
    ],
)
def test_rows_stay_within_bounds_of_the_last_build(last: int, now: int, passes: bool) -> None:
    assert (broken("authors", TableFacts(now, now), last) == []) is passes


def test_a_dump_may_bring_any_number_of_rows() -> None:
    outcomes = check(
        {"authors": TableFacts(10**7, 10**7)},
        {"authors": TableOutcome(rows=3, files=1, bytes=1)},
        RowBounds(0.5, math.inf, 10),
    )

    assert [outcome.passed for outcome in outcomes] == [True] * 3
    assert outcomes[-1].detail == "10000000 rows after 3, where 0 to any number may be"


def test_details_are_sentences_with_figures() -> None:
    outcomes = {
        outcome.rule: outcome.detail
        for outcome in check(
            {"authors": TableFacts(3, 2, {"works": 1, "author_key": 0})},
            {"authors": TableOutcome(rows=9, files=1, bytes=1)},
            BOUNDS,
        )
    }

    assert outcomes == {
        "keys_unique:authors": "1 of 3 rows repeat a key (author_key)",
        "required_columns:authors": "works is null 1 times",
        "rows_within_bounds:authors": "3 rows after 9, where 0 to 19 may be",
    }
