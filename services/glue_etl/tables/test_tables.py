"""Each table by itself, on frames of a few rows: what is kept, counted, and what comes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

# pyspark is imported only where Spark is started: see conftest.
Frame = Callable[..., Any]

WORK = "work_key string, authors array<struct<key:string,name:string>>"
SUBJECTS = "array<struct<name:string,key:string>>"
OLD, NEW, LATE = "20260101T000000Z", "20260301T000000Z", "20260201T000000Z"


@pytest.fixture
def frame(spark: Any) -> Frame:
    """Make a frame of tuples."""

    def make(schema: str, *rows: Sequence[Any]) -> Any:
        return spark.createDataFrame(list(rows), schema)

    return make


def table(made: Any, *columns: str) -> list[tuple[Any, ...]]:
    """Return a frame's rows in an order of their own; nulls come first."""
    found = [tuple(row[name] for name in columns) for row in made.collect()]
    return sorted(found, key=lambda row: [(value is not None, value) for value in row])


def test_an_author_of_a_work_is_one_row_at_the_first_place(frame: Frame) -> None:
    from glue_etl.tables.work_authors import work_authors

    authors = [(None, "Anon"), ("A1", "Ann"), (None, None), ("A1", "Ann again")]

    made = work_authors(frame(WORK, ("w1", authors), ("w2", []), ("w3", None)))

    # The third has neither key nor name, and is nobody.
    assert table(made, "author_key", "work_key", "position") == [
        ("A1", "w1", 1),
        ("name:Anon", "w1", 0),
    ]


def test_an_author_has_the_newest_name_that_there_is(frame: Frame) -> None:
    from glue_etl.tables.authors import authors

    works = frame(
        f"{WORK}, first_publish_year int, fetched_at string",
        ("w1", [("A1", "Old name")], 1950, "2026-01"),
        ("w2", [("A1", "New name")], None, "2026-02"),
        ("w3", [("A1", None), ("A2", None)], 1900, "2026-03"),
    )

    columns = ("author_key", "name", "works", "first_publish_year", "last_publish_year")
    assert table(authors(works), *columns) == [
        ("A1", "New name", 3, 1900, 1950),
        ("A2", None, 1, 1900, 1900),
    ]


def test_a_work_has_the_subjects_that_it_names_and_those_that_list_it(frame: Frame) -> None:
    from glue_etl.tables.work_subjects import known_listings, work_subjects

    named = [("Love", "love"), ("!!!", None), ("LOVE.", "love"), ("War", "war")]
    works = frame(f"work_key string, subjects {SUBJECTS}", ("w1", named))
    listed = frame(
        "work_key string, subject_key string, listed_run_id string",
        ("w1", "love", OLD),
        ("w1", "love", NEW),
        ("w1", "fantasy", OLD),
    )

    made = work_subjects(works, listed)

    assert table(made, "subject_key", "position", "listed_run_id") == [
        ("fantasy", None, OLD),
        ("love", 0, NEW),
        ("war", 3, None),
    ]
    # What a build keeps of it is what made it.
    assert table(known_listings(made), "subject_key", "listed_run_id") == [
        ("fantasy", OLD),
        ("love", NEW),
    ]


HISTORY = (
    "subject_key string, run_id string, name string, work_count int, ebook_count int,"
    " raw_key string, fetched_at string, listed_works long"
)


def test_a_subject_has_its_source_s_name_or_the_usual_spelling(frame: Frame) -> None:
    from glue_etl.tables.subjects import subjects, tracked_subjects

    spelled = [[("Love", "love"), ("war", "war")], [("War", "war")], [("Paris", "place:paris")]]
    works = frame(
        f"work_key string, subjects {SUBJECTS}",
        *((f"w{number}", names) for number, names in enumerate(spelled)),
    )
    related = frame(
        "work_key string, subject_key string",
        *((f"w{number}", key) for number, names in enumerate(spelled) for _, key in names),
    )
    history = frame(
        HISTORY,
        ("love", OLD, "Of old", 5, 1, "r", "t", 5),
        ("love", NEW, "Love, by the source", 7, 2, "r", "t", 7),
        ("empty", OLD, "Empty", 0, 0, "r", "t", 0),
    )

    made = subjects(works, related, history)

    assert table(made, "subject_key", "name", "kind", "works", "work_count", "run_id") == [
        ("empty", "Empty", "subject", 0, 0, OLD),
        ("love", "Love, by the source", "subject", 1, 7, NEW),
        ("place:paris", "Paris", "place", 1, None, None),
        # Of two spellings used once the one that sorts first.
        ("war", "War", "subject", 2, None, None),
    ]
    # The largest, and beside it what was crawled.
    assert table(tracked_subjects(made, 1), "subject_key") == [("empty",), ("love",), ("war",)]


def test_a_late_run_changes_the_deltas_around_it_and_a_repeated_one_none(frame: Frame) -> None:
    from glue_etl.tables.subject_history import known_counts, subject_history

    old = ("love", OLD, "Love", 10, None, "r1", "2026-01", 10)
    new = ("love", NEW, "Love", 16, 9, "r3", "2026-03", 16)
    late = ("love", LATE, "Love", 19, 4, "r2", "2026-02", 19)
    columns = ("run_id", "previous_run_id", "work_count_delta", "ebook_count_delta")

    before = subject_history(frame(HISTORY, old, new, new))
    after = subject_history(known_counts(before).unionByName(frame(HISTORY, late)))

    assert table(before, *columns) == [(OLD, None, None, None), (NEW, OLD, 6, None)]
    assert table(after, *columns) == [
        (OLD, None, None, None),
        (LATE, OLD, 9, None),
        (NEW, LATE, -3, 5),
    ]


def test_a_count_stands_beside_the_works_that_the_listing_held(frame: Frame) -> None:
    from glue_etl.tables.subject_history import subject_counts

    snapshots = frame(
        "subject string, run_id string, name string, work_count int, ebook_count int,"
        " raw_key string, fetched_at string",
        *((subject, run, "Name", 3, 1, "r", "t") for subject in "ab" for run in (OLD, NEW)),
    )
    works = frame(
        "run_id string, source_subject string, work_key string",
        # Neighbouring pages overlap by one work.
        *((OLD, "a", work) for work in ("w1", "w2", "w2", "w3")),
        (NEW, "a", "w1"),
        (NEW, "b", "w1"),
    )

    made = subject_counts(snapshots, works)

    assert table(made, "subject_key", "run_id", "listed_works") == [
        ("a", OLD, 3),
        ("a", NEW, 1),
        ("b", OLD, 0),
        ("b", NEW, 1),
    ]


def test_pairs_are_the_most_frequent_of_the_largest_subjects(frame: Frame) -> None:
    from glue_etl.tables.subject_pairs import PairBounds, subject_pairs

    held = {"a": "1234", "b": "123", "c": "34", "d": "4"}
    subjects = frame("subject_key string, works long", *((k, len(w)) for k, w in held.items()))
    related = frame(
        "work_key string, subject_key string", *((w, key) for key in held for w in held[key])
    )
    columns = ("subject_key_a", "subject_key_b", "works", "works_a", "works_b", "lift_thousandths")

    def pairs(**bounds: int) -> list[tuple[Any, ...]]:
        wanted = {"subjects": 4, "min_works": 1, "pairs": 99} | bounds
        return table(subject_pairs(subjects, related, 6, PairBounds(**wanted)), *columns)

    # Of six works: 6 * 3 / (4 * 3) is one and a half times as many as by chance.
    a_b, a_c = ("a", "b", 3, 4, 3, 1500), ("a", "c", 2, 4, 2, 1500)
    rare = [("a", "d", 1, 4, 1, 1500), ("b", "c", 1, 3, 2, 1000), ("c", "d", 1, 2, 1, 3000)]
    assert pairs() == sorted([a_b, a_c, *rare])
    assert pairs(min_works=2) == [a_b, a_c]
    assert pairs(subjects=2) == [a_b]
    # Of pairs that are equally frequent, those whose keys sort first.
    assert pairs(pairs=3) == [a_b, a_c, rare[0]]


def test_years_are_counted_in_the_lake_and_told_by_the_newest_history(frame: Frame) -> None:
    from glue_etl.tables.publishing_history import newest_years, publishing_history

    works = frame(
        "work_key string, first_publish_year int", ("w1", 1900), ("w2", 1900), ("w3", None)
    )
    related = frame(
        "work_key string, subject_key string",
        *((work, "love") for work in ("w1", "w3")),
        ("w2", "untracked"),
    )
    told = frame(
        "subject_key string, year int, source_works long, source_run_id string",
        ("love", 1900, 5, NEW),
        ("love", 1900, 7, NEW),
        ("love", 1901, 3, NEW),
        ("love", 1902, 9, OLD),
    )

    made = publishing_history(
        works, related, frame("subject_key string", ("love",)), newest_years(told)
    )

    assert table(made, "subject_key", "year", "works", "source_works") == [
        ("#all", 1900, 2, None),
        ("love", 1900, 1, 7),
        ("love", 1901, 0, 3),
    ]


def test_authors_are_ranked_by_works_then_editions_then_key(frame: Frame) -> None:
    from glue_etl.tables.author_rankings import author_rankings

    works = frame("work_key string, edition_count int", ("w1", 9), ("w2", None), ("w3", 2))
    related = frame(
        "work_key string, subject_key string", ("w1", "love"), ("w3", "love"), ("w2", "other")
    )
    written = frame(
        "work_key string, author_key string",
        ("w1", "few"),
        ("w2", "many"),
        ("w3", "many"),
        ("w3", "b"),
        ("w3", "a"),
    )
    tracked = frame("subject_key string", ("love",))

    made = author_rankings(works, related, written, tracked, 3)

    assert table(made, "subject_key", "rank", "author_key", "works", "editions") == [
        ("#all", 1, "many", 2, 2),
        ("#all", 2, "few", 1, 9),
        ("#all", 3, "a", 1, 2),
        ("love", 1, "few", 1, 9),
        ("love", 2, "a", 1, 2),
        ("love", 3, "b", 1, 2),
    ]
