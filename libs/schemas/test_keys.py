from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import keys
from schemas.keys import InvalidKeyError, InvalidSubjectError, RawKey, SubjectKeyTooLongError

RUN = "20261123T060000Z"
HOSTILE = [
    "../../etc",
    "..",
    ".",
    "a/b",
    "a=b/c",
    "'; DROP",
    '"',
    "a\nb",
    "%2F",
    "😀",
    "\x00",
    "\ud800",
    "A",
]


@pytest.mark.parametrize("subject", HOSTILE)
def test_a_hostile_subject_stays_in_its_segment(subject: str) -> None:
    key = RawKey.of(RUN, subject, 0).key

    assert key.count("/") == 5
    assert "/.." not in key
    assert RawKey.parse(key).subject == subject


@given(st.text(min_size=1, max_size=16, alphabet=st.characters()))
def test_encoding_is_reversible(text: str) -> None:
    assert keys.decode_segment(keys.encode_segment(text)) == text


@given(st.text(max_size=30))
def test_decoding_accepts_canonical_segments_only(text: str) -> None:
    try:
        decoded = keys.decode_segment(text)
    except InvalidKeyError:
        return
    assert keys.encode_segment(decoded) == text


def test_a_subject_that_does_not_fit_a_file_name_is_refused() -> None:
    with pytest.raises(SubjectKeyTooLongError, match="choose a shorter subject"):
        keys.encode_segment("x" * 1000)


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
    assert keys.canonical_subject(text) == expected


@pytest.mark.parametrize("text", ["", "  ", "###", "person:", "place: ?"])
def test_a_subject_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidSubjectError):
        keys.canonical_subject(text)


def test_kinds_follow_the_prefix() -> None:
    found = [keys.subject_kind(key) for key in ("love", "person:x", "place:x", "time:x")]

    assert found == ["subject", "person", "place", "time"]


def test_a_run_id_is_the_scheduled_time_in_utc() -> None:
    scheduled = datetime(2026, 11, 23, 7, 0, 0, tzinfo=timezone(timedelta(hours=1)))

    assert keys.new_run_id(scheduled) == RUN
    assert keys.parse_run_id(RUN) == datetime(2026, 11, 23, 6, tzinfo=UTC)


def test_a_scheduled_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        keys.new_run_id(datetime(2026, 11, 23))


@pytest.mark.parametrize(
    "run_id", ["", "20261323T060000Z", "20261123T060000", RUN + "\n", "x" + RUN]
)
def test_what_is_no_run_id_is_refused(run_id: str) -> None:
    with pytest.raises(InvalidKeyError):
        keys.parse_run_id(run_id)


def test_every_key_of_a_page_follows_from_its_raw_key() -> None:
    page = RawKey(date(2026, 11, 23), RUN, "person:jane_austen", 500)

    assert page.key == (
        "raw_data/subjects/ingest_date=2026-11-23/run_id=20261123T060000Z"
        "/subject=person%3Ajane_austen/offset=000500.json.gz"
    )
    stem = "ingest_date=2026-11-23/20261123T060000Z-person%3Ajane_austen-000500"
    assert page.processed_key("works") == f"processed_data/works/{stem}.parquet"
    assert page.quarantine_key("works") == f"quarantine_data/works/{stem}.jsonl.gz"
    assert page.receipt_key == f"runs/run_id={RUN}/pages/person%3Ajane_austen-000500.json"


def test_offsets_above_six_digits_keep_all_digits() -> None:
    page = RawKey.of(RUN, "love", 1_234_567)

    assert RawKey.parse(page.key) == page


@pytest.mark.parametrize(
    "key",
    [
        "",
        "raw_data/subjects/",
        "raw_data/subjects/ingest_date=2026-11-24/run_id=20261123T060000Z/subject=a/offset=000000.json.gz",
        "raw_data/subjects/ingest_date=2026-11-23/run_id=20261123T060000Z/subject=a/offset=0.json.gz",
        "raw_data/subjects/ingest_date=2026-11-23/run_id=20261123T060000Z/subject=a/offset=0000001.json.gz",
        "raw_data/subjects/ingest_date=2026-11-23/run_id=20261123T060000Z/subject=../offset=000000.json.gz",
        "raw_data/subjects/ingest_date=2026-11-23/run_id=20261123T060000Z/subject=%61/offset=000000.json.gz",
        "raw_data/subjects/ingest_date=2026-11-23/run_id=20261123T060000Z/subject=a/offset=000000.json.gz\n",
        "raw_data/subjects/ingest_date=2026-13-45/run_id=20261345T060000Z/subject=a/offset=000000.json.gz",
    ],
)
def test_what_is_no_raw_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidKeyError):
        RawKey.parse(key)


def test_the_ledgers_of_a_run_lie_together() -> None:
    assert keys.manifest_key(RUN) == f"runs/run_id={RUN}/manifest.json"
    assert keys.processed_ledger_key(RUN) == f"runs/run_id={RUN}/processed.json"
    assert keys.curated_ledger_key(RUN) == f"runs/run_id={RUN}/curated.json"
    assert keys.parse_manifest_key(keys.manifest_key(RUN)) == RUN


def test_what_is_no_manifest_key_is_refused() -> None:
    with pytest.raises(InvalidKeyError):
        keys.parse_manifest_key(f"runs/run_id={RUN}/processed.json")
