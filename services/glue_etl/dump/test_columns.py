"""The dump's columns say of each work what the rules say of its values, one by one."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning import values
from glue_etl.dump.columns import own_columns
from schemas.source.dump import DUMP_WORK, DumpWork

YEAR = 2020
KINDS = {"subject_people": "person:", "subject_places": "place:", "subject_times": "time:"}
TEXTS = st.text(st.sampled_from("aAeE\u0301\u00e9 \t#+/:.\u200b\u2003\u00df\U0001f600"), max_size=6)
SUBJECTS = TEXTS | st.sampled_from(
    ["Love", "LOVE", "place:Rome", "Place: Rome", "person:", "C++", "\u00ad", "###"]
)
AUTHORS = (
    st.sampled_from(["/authors/OL1A", "/a/OL1A", "/a/OL1A\n", "/a/x", "Jane", " Jane "]) | TEXTS
)
DATES = st.sampled_from(["1815", "March 1, 1815", "-0350", "0000", "2021", "none", ""])
WORKS = st.fixed_dictionaries(
    {"key": st.just("/works/OL1W"), "title": TEXTS},
    optional={
        "authors": st.none()
        | st.lists(
            AUTHORS
            | AUTHORS.map(lambda text: {"author": {"key": text}})
            | st.sampled_from([{}, {"author": None}, {"author": {}}]),
            max_size=4,
        ),
        "covers": st.none() | st.lists(st.none() | st.integers(-1, 3), max_size=3),
        "first_publish_date": st.none() | DATES,
        **{name: st.none() | st.lists(SUBJECTS, max_size=4) for name in ("subjects", *KINDS)},
    },
)


def authors_of(work: DumpWork) -> list[dict[str, Any]]:
    found = [values.clean_text(author.get("author")) for author in work.get("authors") or ()]
    unique = dict.fromkeys(
        re.sub(r"\A/a/(OL[0-9]+A)\Z", r"/authors/\1", text) for text in found if text
    )
    return [
        {"key": text, "name": None} if text.startswith("/") else {"key": None, "name": text}
        for text in unique
    ]


def subjects_of(work: DumpWork) -> list[dict[str, Any]]:
    spellings = list(work.get("subjects") or ())
    for field, prefix in KINDS.items():
        names: list[str] = work.get(field) or []  # type: ignore[assignment]  # lists of texts
        spellings += [prefix + name for name in names if values.clean_text(name)]
    unique: dict[str, dict[str, Any]] = {}
    for name in filter(None, map(values.clean_text, spellings)):
        key, name, kind = values.subject_of(name)
        prefixed = kind != "subject" or (key is None and name.startswith(tuple(KINDS.values())))
        shown = (prefixed and name.partition(":")[2].strip()) or name
        identity = values.subject_identity(key, name)
        unique.setdefault(identity, {"key": key, "name": shown, "kind": kind})
    return list(unique.values())


@settings(deadline=None, max_examples=300)
@given(st.lists(WORKS, max_size=5))
def test_columns_are_those_of_the_works_one_by_one(given: list[dict[str, Any]]) -> None:
    works = [DUMP_WORK.validate_python(work) for work in given]

    made = {name: column.to_pylist() for name, column in own_columns(works, YEAR).items()}

    dates = [values.year_of(work.get("first_publish_date")) for work in works]
    covers = [map(values.known_id, work.get("covers") or ()) for work in works]
    assert made == {
        "work_key": [work["key"] for work in works],
        "title": [values.clean_text(work["title"]) for work in works],
        "first_publish_year": [values.known_year(year, YEAR) for year in dates],
        "authors": [authors_of(work) for work in works],
        "subjects": [subjects_of(work) for work in works],
        "cover_id": [next(filter(None, found), None) for found in covers],
    }


def test_a_place_of_which_nothing_shows_is_none_and_its_prefix_is_never_shown() -> None:
    names = ["\u00ad", "\u200b", "###", "Rome"]
    work = {"key": "/works/OL1W", "title": "Emma", "subject_places": names}

    made = own_columns([DUMP_WORK.validate_python(work)], YEAR)

    assert made["subjects"].to_pylist() == [
        [
            {"key": None, "name": "###", "kind": "subject"},
            {"key": "place:rome", "name": "Rome", "kind": "place"},
        ]
    ]
