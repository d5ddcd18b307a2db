"""A line of the dump: a row that fits the contract, or a reason why not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from glue_etl.dump.batch import parse_batch
from glue_etl.dump.record import BadLineError, Source, record_of, work_of
from glue_etl.testing.dumps import BAD_LINES, dump_lines
from schemas.rows.quarantine import QuarantineRecord
from schemas.rows.work import WorkRow
from schemas.source.dump import DUMP_WORK

SOURCE = Source("20200531T000000Z", "dumps/ol_dump_works_2020-05-31.txt.gz")


def line(**changes: object) -> bytes:
    work: dict[str, Any] = {"key": "/works/OL1W", "title": "Emma"} | changes
    return f"/type/work\t{work['key']}\t1\t2020-01-01\t{json.dumps(work)}".encode()


def whole(line: bytes, position: int = 0) -> WorkRow:
    """Return the row that a good line becomes, or raise what is wrong with it."""
    return WorkRow.model_validate(row_of(line, position))


def row_of(line: bytes, position: int = 0) -> dict[str, Any]:
    """Return the row that a good line becomes, as it is written."""
    record_of(line)
    (row,) = parse_batch([(line, position)], SOURCE).rows.to_pylist()
    found: dict[str, Any] = row
    return found


def test_a_line_becomes_a_row_of_the_contract() -> None:
    made = whole(
        line(
            title=" Emma\u0301  ",
            authors=[
                {"type": "/type/author_role", "author": {"key": "/authors/OL1A"}},
                {"author": {"key": "/authors/OL1A"}},
                {"type": {"key": "/type/author_role"}},
            ],
            covers=[-1, None, 7],
            first_publish_date="March 1, 1815",
            subjects=["Love", "LOVE", "###", "C++"],
            subject_places=["France", " "],
            description={"value": "not used"},
        ),
        3,
    )

    assert made.title == "Emm\u00e1"
    assert [author.key for author in made.authors] == ["/authors/OL1A"]
    assert [subject.key for subject in made.subjects] == ["love", None, "c", "place:france"]
    assert (made.first_publish_year, made.decade, made.cover_id) == (1815, 1810, 7)
    assert made.cover_url == "https://covers.openlibrary.org/b/id/7-L.jpg"
    assert made.work_url == "https://openlibrary.org/works/OL1W"
    assert (made.edition_count, made.access_level, made.ia_collections) == (0, "none", [])
    assert (made.source_subject, made.position, made.run_id) == ("", 3, SOURCE.run_id)
    assert made.fetched_at == datetime(2020, 5, 31, tzinfo=UTC)


def test_authors_of_old_records_are_those_of_new_ones() -> None:
    row = row_of(
        line(
            authors=[
                {"author": {"key": "/a/OL1A"}},
                {"author": "/authors/OL1A"},
                "/a/OL2A",
                "Jane Austen",
            ]
        )
    )

    assert row["authors"] == [
        {"key": "/authors/OL1A", "name": None},
        {"key": "/authors/OL2A", "name": None},
        {"key": None, "name": "Jane Austen"},
    ]


def test_names_of_places_and_persons_show_no_prefix() -> None:
    row = row_of(line(subject_places=["France"], subject_people=["Jane  Austen"]))

    assert [(subject["key"], subject["name"]) for subject in row["subjects"]] == [
        ("person:jane_austen", "Jane Austen"),
        ("place:france", "France"),
    ]


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("-0350", None),
        ("c. -0350", None),
        ("0350 B.C.", None),
        ("Mar-1994", 1994),
        ("1994-03", 1994),
    ],
)
def test_a_year_before_the_common_era_is_not_known(date: str, year: int | None) -> None:
    assert row_of(line(first_publish_date=date))["first_publish_year"] == year


@pytest.mark.parametrize(
    ("bad", "code"),
    zip(
        BAD_LINES,
        (
            "line.columns",
            "line.columns",
            "line.type",
            "line.not_json",
            "line.key_mismatch",
            "record.missing_field",
            "record.field_type",
            "record.invalid_text",
            "line.not_utf8",
            "record.not_an_object",
        ),
        strict=True,
    ),
)
def test_a_bad_line_is_kept_with_its_reason(bad: bytes, code: str) -> None:
    with pytest.raises(BadLineError) as caught:
        record_of(bad)

    record = SOURCE.rejected(bad, 7, caught.value)
    assert (record.reason_code, record.position, record.run_id) == (code, 7, SOURCE.run_id)
    assert record.payload_encoding == ("base64" if code == "line.not_utf8" else "text")
    assert record.model_dump_json().encode()


def test_the_payload_of_a_long_line_is_whole_or_says_that_it_is_not() -> None:
    """GIVEN lines within the limit and beyond it THEN only those that are cut say so."""
    error = BadLineError("line.columns", "the line has 1 columns instead of 5")
    whole = [b"\xff" * 750_001, b"\xff" * 1_000_000, "é".encode() * 500_000]
    cut = [b"\xff" * 1_000_001, "é".encode() * 500_001]

    kept = [SOURCE.rejected(line, 0, error) for line in whole]

    assert [record.payload_truncated for record in kept] == [False, False, False]
    assert [base64.b64decode(record.payload) for record in kept[:2]] == whole[:2]
    assert kept[2].payload.encode() == whole[2]
    assert [SOURCE.rejected(line, 0, error).payload_truncated for line in cut] == [True, True]


@pytest.mark.parametrize(
    ("bad", "work"),
    [
        (BAD_LINES[3], "/works/OL1W"),
        (BAD_LINES[4], "/works/OL1W"),
        (BAD_LINES[8], "/works/OL1W"),
        (BAD_LINES[0], None),
        (BAD_LINES[2], None),
        (b"/type/work\t/books/OL1M\t1\t2020-01-01\t{}", None),
    ],
    ids=["cut", "another key inside", "not UTF-8", "empty", "redirect", "edition"],
)
def test_a_line_that_cannot_be_read_may_still_say_which_work_it_is_of(
    bad: bytes, work: str | None
) -> None:
    assert work_of(bad) == work


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=50).map(lambda text: line(title=text)))
def test_every_line_is_a_row_or_rejected(data: bytes) -> None:
    made = outcome(data)

    assert made.model_dump_json().encode()


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["title", "authors", "covers", "subjects", "first_publish_date", "other"]),
        st.none() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.none()),
    ),
)
def test_the_fast_parser_accepts_what_the_careful_one_does(changes: dict[str, Any]) -> None:
    """GIVEN a field that is not used and breaks the fast one THEN the same row comes out."""
    quick, careful = (outcome(line(**changes, unused=text)) for text in ("", "\ud800"))

    if isinstance(quick, WorkRow) or isinstance(careful, WorkRow):
        assert quick == careful
    else:
        assert (quick.reason_code, quick.field) == (careful.reason_code, careful.field)


def outcome(data: bytes) -> WorkRow | QuarantineRecord:
    try:
        return whole(data)
    except BadLineError as error:
        return SOURCE.rejected(data, 0, error)


def test_generated_lines_are_works() -> None:
    rows = list(map(whole, dump_lines(300)))

    assert len({row.work_key for row in rows}) == 300


def test_every_real_line_is_a_row(samples: Path) -> None:
    for name, count in (("works_head_1000_2020.txt", 1000), ("works_tail_30_2020.txt", 30)):
        lines = (samples / "dump" / name).read_bytes().splitlines()
        rows = list(map(whole, lines))
        assert len(rows) == count
        assert all(row.authors for row in rows)


@pytest.mark.parametrize("field", ["authors", "covers", "subjects"])
def test_a_list_of_nonsense_is_refused_at_its_first_item(field: str) -> None:
    """GIVEN a million of them THEN an error for each would take more memory than the lists."""
    work = {"key": "/works/OL1W", "title": "Emma", field: [{}, []] * 3}

    with pytest.raises(ValidationError) as caught:
        DUMP_WORK.validate_python(work)

    assert caught.value.error_count() <= 2


def raw(document: str) -> bytes:
    return f"/type/work\t/works/OL1W\t1\t2020-01-01\t{document}".encode()


@pytest.mark.parametrize(
    "unused",
    ["7" * 5000, "-" + "7" * 5000, '"Infinity and NaN"', "[" * 5000 + "]" * 5000, '"\\ud800"'],
    ids=["digits", "negative digits", "words", "nested", "surrogate"],
)
def test_what_is_not_used_is_not_checked(unused: str) -> None:
    line = raw('{"key": "/works/OL1W", "title": "Emma", "w": ' + unused + "}")

    assert record_of(line)["title"] == "Emma"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('{"key": "/works/OL1W", "title": "Emma", "w": NaN}', "line.not_json"),
        ('{"key": "/works/OL1W", "title": "Emma", "w": [-Infinity]}', "line.not_json"),
        ('{"key": "/works/OL1W", "title": "Emma", "covers": [NaN]}', "line.not_json"),
        (
            '{"key": "/works/OL1W", "title": "Emma", "covers": [' + "7" * 5000 + "]}",
            "record.out_of_range",
        ),
        (
            '{"key": "/works/OL1W", "title": 7, "w": ' + "[" * 200_000 + "]" * 200_000 + "}",
            "record.too_deep",
        ),
    ],
    ids=["NaN", "Infinity", "NaN in use", "digits in use", "deep and wrong"],
)
def test_what_cannot_be_read_is_called_what_it_is(document: str, code: str) -> None:
    with pytest.raises(BadLineError) as caught:
        record_of(raw(document))

    assert caught.value.code == code
