from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import subjects
from schemas.keys import RawKey
from schemas.subjects import InvalidSubjectError

RUN = "20261123T060000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Science Fiction", "science_fiction"),
        ("  Love ", "love"),
        ("C++", "c"),
        ("Person: Jane Austen", "person:jane_austen"),
        ("place:New York (N.Y.)", "place:new_york_(n.y.)"),
        ("time:1939-1945", "time:1939-1945"),
        ("nyt:best sellers", "nytbest_sellers"),
        ("日本 文学", "日本_文学"),
    ],
)
def test_subjects_are_normalised_as_openlibrary_does(text: str, expected: str) -> None:
    assert subjects.canonical_subject(text) == expected


@pytest.mark.parametrize("text", ["", "  ", "###", "person:", "place: ?"])
def test_a_subject_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidSubjectError):
        subjects.canonical_subject(text)


@settings(deadline=None)
@given(st.text(max_size=12, alphabet=st.one_of(st.characters(), st.sampled_from(' "#:\u00a0pI'))))
@example('"\u00a0love\u00a0"')
@example("#\u2003love")
@example("person: #\u00a0x")
def test_normalising_twice_changes_nothing(text: str) -> None:
    try:
        once = subjects.canonical_subject(text)
    except InvalidSubjectError:
        return
    assert subjects.canonical_subject(once) == once


def test_a_filtered_listing_is_told_from_its_subject_and_from_others() -> None:
    assert subjects.listing_key("love", {}) == "love"
    one = subjects.listing_key(
        "place:london", {"published_in": "1990-1999", "has_fulltext": "true"}
    )
    assert one == "place:london?has_fulltext=true&published_in=1990-1999"
    assert subjects.subject_kind(one) == "place"
    assert RawKey.parse(RawKey.of(RUN, one, 0).key).subject == one


def test_kinds_follow_the_prefix() -> None:
    found = [subjects.subject_kind(key) for key in ("love", "person:x", "place:x", "time:x")]

    assert found == ["subject", *subjects.PREFIXED_KINDS]
    assert found == ["subject", "person", "place", "time"]
