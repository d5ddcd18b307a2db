"""A batch of lines: rows with their hashes, and rejected lines beside them."""

from __future__ import annotations

import json

from cleaning.hashing import work_hash
from glue_etl.dump.batch import parse_batch
from glue_etl.dump.record import Source
from glue_etl.testing.dumps import BAD_LINES, dump_lines
from schemas.derive.arrow import arrow_schema
from schemas.tables import WORKS

SOURCE = Source("20200531T000000Z", "dumps/ol_dump_works_2020-05-31.txt.gz")


def test_a_row_s_hash_is_that_of_its_values() -> None:
    lines = list(dump_lines(200))

    made = parse_batch(zip(lines, range(200), strict=True), SOURCE).rows.to_pylist()

    assert [row["record_hash"] for row in made] == list(map(work_hash, made))


def test_what_is_the_same_in_several_lines_becomes_the_same() -> None:
    short, long = "Love  stories", "Love " + "and war " * 20
    work = {"key": "/works/OL1W", "title": "Emma", "subjects": [short, "love stories", long, "  "]}
    line = f"/type/work\t/works/OL1W\t1\t2020-01-01\t{json.dumps(work)}".encode()

    first, second = parse_batch([(line, 0), (line, 1)], SOURCE).rows["subjects"].to_pylist()

    assert [subject["name"] for subject in first] == ["Love stories", long.strip()]
    assert second == first


def test_a_rejected_line_is_beside_the_rows() -> None:
    good, other = dump_lines(2)

    parsed = parse_batch([(good, 6), (BAD_LINES[2], 7), (other, 8)], SOURCE)

    (bad,) = parsed.rejected
    assert (bad.record.reason_code, bad.record.position, bad.work_key) == ("line.type", 7, None)
    assert parsed.rows["position"].to_pylist() == [6, 8]


def test_a_batch_without_rows_has_their_columns() -> None:
    for lines in ([], [(BAD_LINES[2], 7)]):
        rows = parse_batch(lines, SOURCE).rows
        assert (rows.num_rows, rows.schema) == (0, arrow_schema(WORKS.columns))
