from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import keys
from schemas.keys import InvalidKeyError, RawKey, SubjectKeyTooLongError

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


@settings(deadline=None)
@given(st.text(min_size=1, max_size=16, alphabet=st.characters()))
def test_encoding_is_reversible(text: str) -> None:
    assert keys.decode_segment(keys.encode_segment(text)) == text


@settings(deadline=None)
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


def test_every_place_of_the_lake_has_one_key() -> None:
    assert keys.raw_run_prefix(RUN) == f"raw_data/subjects/ingest_date=2026-11-23/run_id={RUN}/"
    assert keys.dump_key("ol_dump_works_2026-09-30.txt.gz") == (
        "raw_data/dumps/ol_dump_works_2026-09-30.txt.gz"
    )
    assert keys.processed_run_prefix("works", RUN) == (
        f"processed_data/works/ingest_date=2026-11-23/{RUN}-"
    )
    assert keys.dump_rows_prefix(RUN) == (
        f"processed_data/dump_works/ingest_date=2026-11-23/{RUN}/"
    )
    assert keys.dump_quarantine_prefix("quarantine_data/works/", RUN) == (
        f"quarantine_data/works/ingest_date=2026-11-23/{RUN}-dump/"
    )
    assert keys.curated_build_prefix("works", "b-1") == "curated_data/works/build=b-1/"
    assert keys.build_record_key("b-1") == "curated_data/_builds/b-1.json"
    assert keys.attempt_id("20261123T060000Z-0a1b", 17) == "20261123T060000Z-0a1b-17"
    assert keys.attempt_records_prefix("20261123T060000Z-0a1b") == (
        "curated_data/_builds/20261123T060000Z-0a1b-"
    )
    assert keys.CURRENT_BUILD_KEY == "curated_data/_current.json"
    assert keys.plan_key(RUN) == f"runs/run_id={RUN}/plan.json"
    assert keys.outcome_key(RUN, "place:a b") == (f"runs/run_id={RUN}/subjects/place%3Aa%20b.json")
    assert keys.baseline_key("place:a b") == "state/baselines/place%3Aa%20b.json"
    assert keys.compacted_prefix("works", "2026-11-23", "17") == (
        "compacted_data/works/ingest_date=2026-11-23/17/"
    )
    assert keys.compacted_day_key("2026-11-23") == "compacted_data/_days/2026-11-23.json"
    assert keys.compacted_pages_key("2026-11-23", "17") == (
        "compacted_data/_pages/ingest_date=2026-11-23/17.json.gz"
    )
    assert keys.report_key("latest.html") == "reports/latest.html"


def test_different_responses_for_one_page_are_kept_apart() -> None:
    page = keys.RawKey.of(RUN, "love", 1000)

    kept = {page.refused_response_key(digest * 16) for digest in ("ab12", "cd34")}

    assert kept == {
        f"quarantine_data/raw/ingest_date=2026-11-23/{RUN}-love-001000-{digest}.jsonl.gz"
        for digest in ("ab12ab12ab12", "cd34cd34cd34")
    }


@pytest.mark.parametrize("key", ["../../x", "raw_data/subjects/\ud800", ""])
def test_an_unrecognised_key_cannot_choose_its_place_in_quarantine(key: str) -> None:
    place = keys.unrecognised_object_key("quarantine_data/works/", key)

    assert re.fullmatch(
        r"quarantine_data/works/ingest_date=1970-01-01/[0-9a-f]{32}\.jsonl\.gz", place
    )


@pytest.mark.parametrize(
    ("location", "build"),
    [
        ("build=b-1", "b-1"),
        ("s3://lake/curated_data/works/build=b-1/", "b-1"),
        ("curated_data/works/build=b-1/part-0.parquet", "b-1"),
        ("curated_data/works/rebuild=b-1/", None),
        ("build=../x", None),
        ("works", None),
    ],
)
def test_a_build_is_read_from_its_place(location: str, build: str | None) -> None:
    assert keys.parse_build(location) == build


@pytest.mark.parametrize(
    ("folder", "run_id"),
    [
        (f"run_id={RUN}", RUN),
        ("run_id=20261399T000000Z", None),
        (RUN, None),
        ("run_id=x", None),
    ],
)
def test_a_run_is_read_from_its_folder(folder: str, run_id: str | None) -> None:
    assert keys.parse_run_folder(folder) == run_id


def test_a_key_is_taken_below_its_own_prefix_only() -> None:
    assert keys.below("curated_data/", "curated_data/_current.json") == "_current.json"
    with pytest.raises(keys.InvalidKeyError, match="does not lie below"):
        keys.below("curated_data/", "runs/x")


def test_a_location_names_another_build_and_nothing_else_of_it_changes() -> None:
    location = "s3://lake/curated_data/works/build=d/part-0"

    assert keys.at_build(location, "b-2") == "s3://lake/curated_data/works/build=b-2/part-0"


def test_the_pages_of_a_part_have_a_key_that_reads_back() -> None:
    key = keys.part_pages_key(RUN, 7)

    assert key == f"runs/run_id={RUN}/parts/0007/pages.json"
    assert keys.parse_part_pages_key(key) == (RUN, 7)
    for other in (keys.part_sum_key(RUN, 7), keys.parts_key(RUN), key.replace("0007", "00007")):
        with pytest.raises(keys.InvalidKeyError):
            keys.parse_part_pages_key(other)


@pytest.mark.parametrize("subject", ["love", "a-b-000001", "person:jane_austen", "日本"])
def test_a_page_is_read_from_the_path_of_its_file(subject: str) -> None:
    page = RawKey.of(RUN, subject, 1_234_567)

    path = keys.page_path("works", page.key)

    assert f"processed_data/{path}" == page.processed_key("works")
    assert keys.parse_page_path(path) == page


@pytest.mark.parametrize(
    "path",
    [
        f"works/ingest_date=2026-11-23/{RUN}-love.parquet",
        f"works/ingest_date=2026-11-23/{RUN}-love-000000.parquet.tmp",
        f"works/ingest_date=2026-11-24/{RUN}-love-000000.parquet",
        f"works/ingest_date=2026-11-23/{RUN}-%61-000000.parquet",
        f"dump_works/ingest_date=2026-11-23/{RUN}/part-0.parquet",
    ],
)
def test_what_is_no_file_of_a_page_is_passed_over(path: str) -> None:
    assert keys.parse_page_path(path) is None


@pytest.mark.parametrize(
    ("key", "is_marker"),
    [
        ("curated_data/works/", True),
        ("curated_data_$folder$", True),
        ("curated_data/works/part-0.parquet", False),
        ("curated_data/_current.json", False),
    ],
)
def test_markers_of_folders_are_known(key: str, is_marker: bool) -> None:
    assert keys.is_folder_marker(key) is is_marker


def test_a_compacted_day_is_read_from_its_record_s_name() -> None:
    assert keys.parse_compacted_day_name("2026-11-23.json") == "2026-11-23"
    assert keys.parse_compacted_day_name("x.json") is None


@pytest.mark.parametrize(
    ("path", "run"),
    [
        (keys.below(keys.RAW_PREFIX, RawKey.of(RUN, "love", 0).key), RUN),
        (keys.below("processed_data/works/", RawKey.of(RUN, "a/b", 0).processed_key("works")), RUN),
        (keys.below("processed_data/dump_works/", keys.dump_rows_prefix(RUN)), RUN),
        (keys.dump_quarantine_prefix("", RUN), RUN),
        (f"ingest_date=2020-01-01/{RUN}-love-000000.parquet", None),
        ("ingest_date=2026-13-99/20261399T060000Z-love-000000.parquet", None),
        (f"{RUN}-love-000000.parquet", None),
        ("ingest_date=2026-11-23/part-0.parquet", None),
    ],
)
def test_the_run_of_an_object_is_read_from_its_path(path: str, run: str | None) -> None:
    assert keys.run_of_path(path) == run


def test_quarantined_objects_of_foreign_keys_are_told_by_their_path() -> None:
    key = keys.unrecognised_object_key("quarantine_data/works/", "raw_data/x\n")
    path = keys.below("quarantine_data/works/", key)

    assert keys.is_unrecognised_object(path)
    assert not keys.is_unrecognised_object(path.replace(keys.NO_DAY, "2026-11-23"))
    assert not keys.is_unrecognised_object(path.replace(".jsonl", ".json"))
