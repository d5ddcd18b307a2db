"""A batch of lines: rows with their hashes, and rejected lines without."""

from __future__ import annotations

import json

from cleaning.hashing import work_hash
from glue_etl.dump.batch import REJECTED, parse_batch
from glue_etl.dump.record import Source
from glue_etl.testing.dumps import BAD_LINES, dump_lines
from schemas.rows.quarantine import QuarantineRecord

SOURCE = Source("20200531T000000Z", "dumps/ol_dump_works_2020-05-31.txt.gz")


def test_a_row_s_hash_is_that_of_its_values() -> None:
    lines = list(dump_lines(200))

    made = parse_batch(zip(lines, range(200), strict=True), SOURCE).to_pylist()

    assert [row["record_hash"] for row in made] == list(map(work_hash, made))


def test_a_remembered_subject_is_the_same_in_every_line() -> None:
    """GIVEN spellings that meet, short and too long to be remembered THEN each is what it was."""
    short, long = "Love  stories", "Love " + "and war " * 20
    work = {"key": "/works/OL1W", "title": "Emma", "subjects": [short, "love stories", long, "  "]}
    line = f"/type/work\t/works/OL1W\t1\t2020-01-01\t{json.dumps(work)}".encode()

    first, second = parse_batch([(line, 0), (line, 1)], SOURCE).column("subjects").to_pylist()

    assert [subject["name"] for subject in first] == ["Love stories", long.strip()]
    assert second == first


def test_a_rejected_line_has_its_record_and_nothing_of_a_work() -> None:
    (good,) = dump_lines(1)

    bad, kept = parse_batch([(BAD_LINES[2], 7), (good, 8)], SOURCE).to_pylist()

    assert QuarantineRecord.model_validate_json(bad.pop(REJECTED)).reason_code == "line.type"
    assert bad["position"] == 7
    assert {name for name, value in bad.items() if value} == {
        *("position", "run_id", "raw_key", "fetched_at", "contract_version", "access_level"),
        "record_hash",
    }
    assert (kept["position"], kept[REJECTED]) == (8, None)


def test_a_batch_of_no_lines_is_empty() -> None:
    assert parse_batch([], SOURCE).num_rows == 0
