from __future__ import annotations

import base64
import gzip
import json
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from process.errors import ConservationError, MissingObjectError
from process.logic import stage
from process.logic.outputs import PageOutput
from process.logic.quarantine import to_bytes
from process.logic.stage import Limits, process_page
from process.openlibrary.facets import MAX_ENTRIES
from process.records import Lineage
from process.testing.fakes import LIMITS, Lake
from process.testing.pages import RUN, make_metadata, make_page, make_work, packed
from schemas.keys import NO_DAY, RawKey, parse_run_id
from schemas.ledger.run import PageReceipt
from schemas.rows.quarantine import QuarantineRecord
from schemas.rows.work import WorkRow
from schemas.subjects import listing_key
from schemas.version import CONTRACT_VERSION

PAGE = RawKey.of(RUN, "love", 0)
QUARANTINE = PAGE.quarantine_key("works")


def rows(lake: Lake, table: str = "works", page: RawKey = PAGE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.tables.written[page.processed_key(table)].to_pylist()
    return found


def receipt(lake: Lake, page: RawKey = PAGE) -> PageReceipt:
    return PageReceipt.model_validate_json(lake.store.objects[page.receipt_key][0])


def test_a_work_becomes_a_row_of_the_contract(lake: Lake) -> None:
    process_page(lake.outputs, lake.put_raw(packed(make_page(make_work()))), LIMITS)

    row = rows(lake)[0]

    WorkRow.model_validate(row)
    assert row["authors"] == [{"key": "/authors/OL1A", "name": "Jane Austen"}]
    assert row["subjects"][1] == {"key": "england", "name": "England", "kind": "subject"}
    assert (row["decade"], row["access_level"], row["position"]) == (1810, "open", 0)
    assert (row["raw_key"], row["run_id"], row["source_subject"]) == (PAGE.key, RUN, "love")
    assert row["fetched_at"].isoformat() == "2026-11-23T06:00:09+00:00"


def test_subjects_are_unique_by_their_key(lake: Lake) -> None:
    names = ["Love", " LOVE", "", "Straße", "STRASSE", "love ", "C#", "C++", "###", "???", "###"]
    process_page(lake.outputs, lake.put_raw(packed(make_page(make_work(subject=names)))), LIMITS)

    found = [(subject["name"], subject["key"]) for subject in rows(lake)[0]["subjects"]]

    assert found == [
        ("Love", "love"),
        ("Straße", "straße"),
        ("STRASSE", "strasse"),
        ("C#", "c"),
        ("###", None),
        ("???", None),
    ]


def test_unknown_fields_are_kept_and_counted(lake: Lake) -> None:
    work = make_work(rating={"average": 4.5}, zz=None)

    result = process_page(lake.outputs, lake.put_raw(packed(make_page(work))), LIMITS)

    assert result.unknown_fields == 2
    assert json.loads(rows(lake)[0]["extra_fields"]) == {"rating": {"average": 4.5}, "zz": None}


def test_unknown_fields_of_authors_are_kept_at_their_authors_place(lake: Lake) -> None:
    authors = [{"key": "/authors/OL1A", "name": "A"}, {"key": "/authors/OL2A", "role": "editor"}]

    result = process_page(
        lake.outputs, lake.put_raw(packed(make_page(make_work(authors=authors)))), LIMITS
    )

    assert result.unknown_fields == 1
    assert json.loads(rows(lake)[0]["extra_fields"]) == {"authors": [{}, {"role": "editor"}]}


def test_a_hash_ignores_what_changes_without_the_work(lake: Lake) -> None:
    works = [
        make_work(),
        make_work(availability=None, checked_out=True),
        make_work(edition_count=4),
    ]
    process_page(lake.outputs, lake.put_raw(packed(make_page(*works))), LIMITS)

    same, volatile, changed = (row["record_hash"] for row in rows(lake))

    assert same == volatile
    assert same != changed


def test_a_bad_record_goes_to_quarantine_alone(lake: Lake) -> None:
    bad = make_work(edition_count="3", title=None)
    process_page(lake.outputs, lake.put_raw(packed(make_page(make_work(), bad))), LIMITS)

    found = lake.store.lines(QUARANTINE)

    record = QuarantineRecord.model_validate(found[0])
    assert len(found) == 1
    assert (record.reason_code, record.field, record.position) == ("record.field_type", "title", 1)
    assert (record.run_id, record.raw_key, record.contract_version) == (
        RUN,
        PAGE.key,
        CONTRACT_VERSION,
    )
    assert json.loads(record.payload) == bad
    assert len(rows(lake)) == 1


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (None, "record.not_an_object"),
        ({}, "record.missing_field"),
        (make_work(edition_count=2**40), "record.out_of_range"),
        (make_work(key="../x"), "record.invalid_key"),
        (make_work(subject="x"), "record.field_type"),
        (make_work(has_fulltext="maybe"), "record.field_type"),
        (make_work(edition_count=1.5), "record.field_type"),
    ],
)
def test_reasons_have_stable_codes(lake: Lake, record: object, code: str) -> None:
    process_page(lake.outputs, lake.put_raw(packed(make_page(record))), LIMITS)

    assert lake.store.lines(QUARANTINE)[0]["reason_code"] == code


PAGES = {
    "page.not_gzip": b"{}",
    "page.damaged_gzip": packed(make_page(make_work()))[:-9],
    "page.too_large": gzip.compress(b" " * (LIMITS.page_bytes + 1)),
    "page.not_json": gzip.compress(b"nonsense"),
    "page.html": gzip.compress(b"<html>403 Forbidden</html>"),
    "page.not_subjects_page": packed({"error": "limit"}),
    "page.no_work_count": packed(make_page(work_count=None)),
}


@pytest.mark.parametrize(("code", "body"), PAGES.items(), ids=PAGES)
def test_a_page_that_cannot_be_processed_goes_to_quarantine_whole(
    lake: Lake, code: str, body: bytes
) -> None:
    result = process_page(lake.outputs, lake.put_raw(body), LIMITS)

    line = lake.store.lines(QUARANTINE)[0]
    assert (line["reason_code"], line["position"], line["raw_key"]) == (code, None, PAGE.key)
    assert (result.records, result.rows, result.quarantined) == (1, 0, 1)
    assert receipt(lake).page_status == "quarantined"


def test_an_object_that_is_too_large_is_not_read(lake: Lake) -> None:
    process_page(lake.outputs, lake.put_raw(b"x" * (LIMITS.object_bytes + 1)), LIMITS)

    line = lake.store.lines(QUARANTINE)[0]
    assert (line["reason_code"], line["payload"]) == ("page.too_large", "")
    assert line["payload_truncated"] is True


def test_a_page_of_nothing_is_kept_whole(lake: Lake) -> None:
    process_page(lake.outputs, lake.put_raw(gzip.compress(b"")), LIMITS)

    line = lake.store.lines(QUARANTINE)[0]
    assert (line["reason_code"], line["payload"]) == ("page.not_json", "")
    assert line["payload_truncated"] is False


def test_bytes_that_are_no_text_are_kept_as_base64(lake: Lake) -> None:
    process_page(lake.outputs, lake.put_raw(b"\xff\xfe"), LIMITS)

    line = lake.store.lines(QUARANTINE)[0]
    assert line["payload_encoding"] == "base64"
    assert base64.b64decode(line["payload"]) == b"\xff\xfe"


def test_bytes_other_than_the_provenance_s_are_quarantined(lake: Lake) -> None:
    process_page(lake.outputs, lake.put_raw(packed(make_page()), sha256="0" * 64), LIMITS)

    assert lake.store.lines(QUARANTINE)[0]["reason_code"] == "page.hash_mismatch"


def test_an_object_without_provenance_counts_as_fetched_at_its_run_s_time(lake: Lake) -> None:
    lake.store.objects[PAGE.key] = (packed(make_page(make_work())), {})

    process_page(lake.outputs, PAGE.key, LIMITS)

    assert rows(lake)[0]["fetched_at"].isoformat() == "2026-11-23T06:00:00+00:00"


@pytest.mark.parametrize(
    "key",
    [
        "raw_data/subjects/../../state/ingest.json.gz",
        "raw_data/subjects/ingest_date=2026-11-23/run_id=x/subject='\"\n/offset=0.json.gz",
        "raw_data/subjects/😀.json.gz",
        "raw_data/subjects/" + "x" * 1000 + ".json.gz",
    ],
)
def test_a_hostile_key_stays_in_its_partition(lake: Lake, key: str) -> None:
    lake.store.objects[key] = (b"{}", {})

    process_page(lake.outputs, key, LIMITS)

    (written,) = lake.store.writes
    assert written.startswith("quarantine_data/works/ingest_date=1970-01-01/")
    assert lake.store.lines(written)[0]["raw_key"] == key


def test_an_empty_page_gives_a_receipt_and_no_rows(lake: Lake) -> None:
    process_page(lake.outputs, lake.put_raw(packed(make_page())), LIMITS)

    assert (receipt(lake).records, receipt(lake).processed_key) == (0, None)
    assert PAGE.processed_key("works") not in lake.store.objects


def test_a_gone_object_says_so(lake: Lake) -> None:
    with pytest.raises(MissingObjectError, match="is gone"):
        process_page(lake.outputs, PAGE.key, LIMITS)


def test_the_receipt_comes_last(lake: Lake) -> None:
    key = lake.put_raw(packed(make_page(make_work(), None)))
    process_page(lake.outputs, key, LIMITS)

    assert lake.store.writes[-1] == PAGE.receipt_key
    assert receipt(lake).processed_key in lake.store.writes
    assert receipt(lake).quarantine_key in lake.store.writes


def test_another_delivery_changes_no_byte(lake: Lake) -> None:
    key = lake.put_raw(packed(make_page(make_work(), None)))
    process_page(lake.outputs, key, LIMITS)
    first = lake.store.snapshot()

    process_page(lake.outputs, key, LIMITS)

    assert lake.store.snapshot() == first


def test_what_an_earlier_version_made_is_not_counted_twice(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a page of which one record was rejected
    key = lake.put_raw(packed(make_page(make_work(), None)))
    process_page(lake.outputs, key, LIMITS)
    # WHEN a later version, here one that makes nothing of the page, processes it again
    monkeypatch.setattr(stage, "build_output", lambda page, lineage: PageOutput(0, None, [], [], 0))
    process_page(lake.outputs, key, LIMITS)
    # THEN nothing of before is left to be read
    assert rows(lake) == []
    assert lake.store.lines(QUARANTINE) == []
    assert receipt(lake).records == 0


def test_what_a_cut_off_attempt_of_another_version_left_is_emptied(lake: Lake) -> None:
    # GIVEN rejected records of an attempt that was cut off before its receipt
    key = lake.put_raw(packed(make_page(make_work())))
    lake.store.objects[QUARANTINE] = (to_bytes([]) + b"rejected", {})
    # WHEN this version, which rejects nothing, processes the page
    process_page(lake.outputs, key, LIMITS)
    # and the message of that attempt is delivered again
    process_page(lake.outputs, key, LIMITS)
    # THEN the record is in the rows alone
    assert lake.store.objects[QUARANTINE][0] == to_bytes([])
    assert len(rows(lake)) == 1


def test_rows_of_a_cut_off_attempt_at_a_page_that_is_rejected_are_emptied(lake: Lake) -> None:
    # GIVEN rows of an attempt that was cut off before its receipt
    process_page(lake.outputs, lake.put_raw(packed(make_page(make_work()))), LIMITS)
    del lake.store.objects[PAGE.receipt_key]
    # WHEN the page is rejected whole, twice
    key = lake.put_raw(b"broken")
    process_page(lake.outputs, key, LIMITS)
    process_page(lake.outputs, key, LIMITS)
    # THEN none of them is left
    assert rows(lake) == []
    assert receipt(lake).page_status == "quarantined"


def test_a_record_that_vanishes_is_a_defect(lineage: Lineage) -> None:
    made = PageOutput(2, None, [], [], 0)

    with pytest.raises(ConservationError):
        stage._check_conservation(made)


def test_facets_feed_their_tables(lake: Lake) -> None:
    page = make_page(
        ebook_count=5,
        places=[{"name": " France ", "count": 9, "key": "/subjects/place:france"}],
        languages=[{"name": "eng", "count": 3}],
        publishing_history=[[1999, 4], ["x", 1]],
        authors="broken",
    )
    process_page(lake.outputs, lake.put_raw(packed(page)), LIMITS)

    assert rows(lake, "subject_snapshots")[0]["ebook_count"] == 5
    found = [
        (row["facet"], row["key"], row["name"], row["year"], row["count"])
        for row in rows(lake, "subject_facets")
    ]
    assert found == [
        ("places", "place:france", "France", None, 9),
        ("languages", None, "eng", None, 3),
        ("publishing_history", None, "1999", 1999, 4),
    ]
    assert [(line["table_name"], line["field"]) for line in lake.store.lines(QUARANTINE)] == [
        ("subject_facets", "authors"),
        ("subject_facets", "publishing_history.0"),
    ]
    counts = receipt(lake).tables["subject_facets"]
    assert (counts.records, counts.rows, counts.quarantined) == (5, 3, 2)


def test_a_facet_that_is_not_unicode_costs_itself_only(lake: Lake) -> None:
    places = [{"name": "\ud800", "count": 1}, {"name": "France", "count": 1}]
    page = make_page(make_work(), name="\udfff", places=places)

    process_page(lake.outputs, lake.put_raw(packed(page)), LIMITS)

    tables = receipt(lake).tables
    assert (tables["subject_facets"].rows, tables["subject_facets"].quarantined) == (1, 1)
    assert tables["subject_snapshots"].quarantined == 1


@pytest.mark.parametrize("told", [b"NaN", b"9" * 5000, b"[" * 101 + b"]" * 101])
def test_a_snapshot_of_which_a_field_is_broken_is_rejected(lake: Lake, told: bytes) -> None:
    body = gzip.compress(b'{"work_count":3,"name":"Love","ebook_count":%s,"works":[]}' % told)

    process_page(lake.outputs, lake.put_raw(body), LIMITS)

    (line,) = lake.store.lines(QUARANTINE)
    assert (line["table_name"], line["field"]) == ("subject_snapshots", "ebook_count")
    assert line["position"] is None
    assert receipt(lake).tables["subject_snapshots"].rows == 0


def test_what_is_rejected_of_a_subject_is_kept_as_it_came(lake: Lake) -> None:
    entry = b'{"name" : 7, "count":1e999,"rate":1.10, "name ":"\\u0061"}'
    body = b'{"name":7, "work_count": 1,"works":[],"zz":1,"places":[null , %s]}' % entry

    process_page(lake.outputs, lake.put_raw(gzip.compress(body)), LIMITS)

    assert [line["payload"] for line in lake.store.lines(QUARANTINE)] == [
        '{"name":7,"work_count":1}',
        "null",
        entry.decode(),
    ]


def test_a_facet_of_more_entries_than_any_is_rejected_whole(lake: Lake) -> None:
    page = make_page(
        make_work(), authors=[0] * (MAX_ENTRIES + 1), places=[{"name": "France", "count": 1}]
    )

    process_page(lake.outputs, lake.put_raw(packed(page)), LIMITS)

    (line,) = lake.store.lines(QUARANTINE)
    assert (line["reason_code"], line["field"]) == ("record.too_many_entries", "authors")
    counts = receipt(lake).tables["subject_facets"]
    assert (counts.records, counts.rows, counts.quarantined) == (2, 1, 1)


def test_only_a_first_page_tells_about_its_subject(lake: Lake) -> None:
    page = RawKey.of(RUN, "love", 500)
    body = packed(make_page(make_work(), ebook_count=5))
    lake.store.objects[page.key] = (body, {})

    process_page(lake.outputs, page.key, LIMITS)

    assert receipt(lake, page).tables == {}


def test_a_page_of_as_many_works_as_the_api_sends_is_conserved(lake: Lake) -> None:
    works = [
        make_work(key=f"/works/OL{number}W") if number % 7 else number for number in range(1000)
    ]
    process_page(lake.outputs, lake.put_raw(packed(make_page(*works))), LIMITS)

    made = receipt(lake)
    assert (made.records, made.rows, made.quarantined) == (1000, 857, 143)


def test_captured_facets_fit(lake: Lake, samples: Path) -> None:
    body = gzip.compress((samples / "subjects_love_details_2017.json").read_bytes(), mtime=0)
    process_page(lake.outputs, lake.put_raw(body), LIMITS)

    facets = receipt(lake).tables["subject_facets"]

    assert (facets.rows, facets.quarantined) == (524, 0)


def test_captured_errors_go_to_quarantine(lake: Lake, samples: Path) -> None:
    for number, path in enumerate(sorted((samples / "errors").iterdir())):
        page = RawKey.of(RUN, "love", number)
        lake.store.objects[page.key] = (gzip.compress(path.read_bytes(), mtime=0), {})

        assert process_page(lake.outputs, page.key, LIMITS).reason_code, path.name


def test_no_day_is_a_partition_of_its_own() -> None:
    assert NO_DAY == "1970-01-01"


BODY = packed(make_page(make_work()))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"http_status": 500}, "page.other_provenance"),
        ({"subject": "war"}, "page.other_provenance"),
        ({"run_id": "20261122T060000Z"}, "page.other_provenance"),
        ({"offset": 1000}, "page.other_provenance"),
        ({"limit": 0}, "page.too_many_records"),
        ({"sha256": "0" * 64}, "page.hash_mismatch"),
    ],
)
def test_a_provenance_of_something_else_is_told(
    lake: Lake, changes: dict[str, Any], code: str
) -> None:
    result = process_page(lake.outputs, lake.put_raw(BODY, **changes), LIMITS)

    assert (result.reason_code, result.rows) == (code, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": sha256(BODY).hexdigest().upper()},
        {"sha256": "0" * 63},
        {"sha256": "0" * 64, "limit": ""},
        {"fetched-at": "yesterday"},
        {"fetched-at": "0001-01-01T00:00:00+14:00"},
        {"fetched-at": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_a_provenance_in_part_is_refused(lake: Lake, changes: dict[str, str]) -> None:
    key = lake.put_raw(BODY)
    metadata = {**lake.store.objects[key][1], **changes}
    lake.store.objects[key] = (BODY, {name: value for name, value in metadata.items() if value})

    result = process_page(lake.outputs, key, LIMITS)

    assert result.reason_code == "page.invalid_provenance"


def test_an_object_put_by_hand_counts_as_fetched_at_its_runs_time(lake: Lake) -> None:
    key = lake.put_raw(BODY)
    lake.store.objects[key] = (BODY, {"note": "restored"})

    process_page(lake.outputs, key, LIMITS)

    assert rows(lake)[0]["fetched_at"] == parse_run_id(RUN)


def test_the_year_of_the_fetch_is_that_of_utc(lake: Lake) -> None:
    """GIVEN a fetch whose local year is over WHEN a work is of that year THEN it is the future."""
    fetched = datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    body = packed(make_page(make_work(first_publish_year=2027)))

    process_page(lake.outputs, lake.put_raw(body, fetched_at=fetched), LIMITS)

    assert rows(lake)[0]["first_publish_year"] is None


@pytest.mark.parametrize("named", ["/subjects/war", "/subjects/person:love"])
def test_a_page_of_another_subject_is_refused(lake: Lake, named: str) -> None:
    body = packed(make_page(make_work(), key=named))

    result = process_page(lake.outputs, lake.put_raw(body), LIMITS)

    assert result.reason_code == "page.other_subject"


@pytest.mark.parametrize("named", ["/subjects/LOVE", "/subjects/", "love", None, 7])
def test_a_page_that_names_its_subject_in_another_form_is_taken(lake: Lake, named: Any) -> None:
    body = packed(make_page(make_work(), key=named))

    result = process_page(lake.outputs, lake.put_raw(body), LIMITS)

    assert (result.reason_code, result.rows) == (None, 1)


def test_a_filtered_listing_is_about_its_subject(lake: Lake) -> None:
    page = RawKey.of(RUN, listing_key("love", {"has_fulltext": "true"}), 0)
    lake.store.objects[page.key] = (BODY, make_metadata(BODY, page))

    result = process_page(lake.outputs, page.key, LIMITS)

    assert (result.reason_code, result.rows) == (None, 1)


def test_a_lone_surrogate_in_a_key_is_a_hostile_key(lake: Lake) -> None:
    key = RawKey.of(RUN, "love", 0).key.replace("subject=love", "subject=%ED%A0%80")
    lake.store.objects[key] = (BODY, {})

    result = process_page(lake.outputs, key, LIMITS)

    assert (result.reason_code, result.run_id) == ("page.hostile_key", None)


def test_a_page_too_large_to_be_read_has_the_digest_that_it_claims(lake: Lake) -> None:
    page = RawKey.of(RUN, "love", 0)
    key = lake.put_raw(BODY)

    process_page(lake.outputs, key, Limits(object_bytes=10, page_bytes=10))

    assert receipt(lake, page).raw_sha256 == sha256(BODY).hexdigest()
    assert receipt(lake, page).reason_code == "page.too_large"


ODD_NUMBERS = ["1e999", "-1e999", "9" * 5000]


@pytest.mark.parametrize("number", ODD_NUMBERS)
def test_what_is_written_of_an_odd_number_is_strict_json(lake: Lake, number: str) -> None:
    work = json.dumps(make_work())[:-1]
    text = f'{{"work_count": 2, "works": [{work}, "x": [{number}]}}, {work}, "title": {number}}}]}}'
    body = gzip.compress(text.encode(), mtime=0)

    process_page(lake.outputs, lake.put_raw(body), LIMITS)

    (row,) = rows(lake)
    assert json.loads(row["extra_fields"], parse_constant=pytest.fail) == {"x": [number]}
    (line,) = lake.store.lines(RawKey.of(RUN, "love", 0).quarantine_key("works"))
    assert line["payload"] == f'{work}, "title": {number}}}'
    assert line["payload_encoding"] == "json"


def test_a_payload_that_is_not_json_says_so(lake: Lake) -> None:
    text = b'{"work_count": 1, "works": [{"key": NaN}]}'

    process_page(lake.outputs, lake.put_raw(gzip.compress(text, mtime=0)), LIMITS)

    (line,) = lake.store.lines(RawKey.of(RUN, "love", 0).quarantine_key("works"))
    assert (line["payload"], line["payload_encoding"]) == ('{"key": NaN}', "text")


def test_a_payload_cut_inside_a_character_stays_text(lake: Lake) -> None:
    text = "<html>" + "é" * 40_000

    process_page(lake.outputs, lake.put_raw(gzip.compress(text.encode(), mtime=0)), LIMITS)

    (line,) = lake.store.lines(RawKey.of(RUN, "love", 0).quarantine_key("works"))
    assert line["payload_encoding"] == "text"
    assert line["payload_truncated"]
    assert text.startswith(line["payload"])
    assert len(line["payload"].encode()) == 48_000


def test_a_payload_that_is_cut_is_no_json(lake: Lake) -> None:
    """GIVEN more bytes than are kept, and fewer characters THEN the record is cut and says so."""
    text = b'{"work_count": 1, "works": [{"key": 1, "title": "%s"}]}' % ("é" * 600_000).encode()

    process_page(lake.outputs, lake.put_raw(gzip.compress(text, mtime=0)), LIMITS)

    (line,) = lake.store.lines(RawKey.of(RUN, "love", 0).quarantine_key("works"))
    assert (line["payload_encoding"], line["payload_truncated"]) == ("text", True)
    assert len(line["payload"].encode()) in {999_999, 1_000_000}


@pytest.mark.parametrize("entry", [["1990", "5"], [1990.0, True], [1990], [1990, 5, 1], "1990"])
def test_a_year_of_another_type_is_refused_and_not_guessed(lake: Lake, entry: Any) -> None:
    body = packed(make_page(publishing_history=[[1989, 2], entry]))

    process_page(lake.outputs, lake.put_raw(body), LIMITS)

    facets = rows(lake, "subject_facets")
    assert [(row["year"], row["count"]) for row in facets] == [(1989, 2)]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"authors": [None]}, "record.field_type", "authors.0"),
        ({"has_fulltext": 1}, "record.field_type", "has_fulltext"),
        ({"availability": "open"}, "record.field_type", "availability"),
    ],
)
def test_the_field_to_blame_is_named(
    lake: Lake, change: dict[str, Any], code: str, field: str
) -> None:
    process_page(lake.outputs, lake.put_raw(packed(make_page(make_work(**change)))), LIMITS)

    (line,) = lake.store.lines(RawKey.of(RUN, "love", 0).quarantine_key("works"))
    assert (line["reason_code"], line["field"]) == (code, field)
