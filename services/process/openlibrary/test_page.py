from __future__ import annotations

import gzip
import json
import os
import resource
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from process.errors import (
    DamagedGzipError,
    HtmlPageError,
    NotGzipError,
    NotJsonError,
    NotSubjectsPageError,
    NoWorkCountError,
    PageTooLargeError,
    TooManyRecordsError,
    TooManyValuesError,
)
from process.openlibrary.page import MAX_DEPTH, gunzip, parse
from process.openlibrary.typed import WORK as FAST_WORK
from process.records import Rejected
from process.testing.pages import make_page, make_work
from schemas.source.page import WORK

LIMIT = 1000
#: Values of the right type, of the wrong one, and on both sides of each bound.
values = (
    st.none()
    | st.booleans()
    | st.sampled_from([-1, 0, 1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**70, 1.0, 0.5, 1e300])
    | st.sampled_from(
        ["", "true", "false", "x", "/works/OL1W", "/works/OL1W\n", "\u0000", "\ud800"]
    )
    | st.sampled_from(
        [[], {}, ["x"], [1], [None], [{}], [{"key": "a"}], [{"name": 1}], {"status": 1}]
    )
)
documents = st.dictionaries(st.sampled_from([*make_work(), "rating"]), values, max_size=4).map(
    lambda changes: make_work(**changes)
)


def test_a_gzip_stream_is_decompressed() -> None:
    assert gunzip(gzip.compress(b"x" * LIMIT), LIMIT) == b"x" * LIMIT


def test_a_stream_of_several_members_is_one_page() -> None:
    assert gunzip(gzip.compress(b"a") + gzip.compress(b"b"), LIMIT) == b"ab"


@pytest.mark.parametrize("bomb", [gzip.compress(b"\0" * 10**8), gzip.compress(b"x" * 501) * 2])
def test_a_bomb_stops_at_the_limit(bomb: bytes) -> None:
    with pytest.raises(PageTooLargeError):
        gunzip(bomb, LIMIT)


@pytest.mark.parametrize("data", [b"", b"{}", b"<html>", b"\0" * 100])
def test_what_is_not_gzip_is_told(data: bytes) -> None:
    with pytest.raises(NotGzipError):
        gunzip(data, LIMIT)


@pytest.mark.parametrize("cut", [2, 11, -1, -8])
def test_a_truncated_stream_is_told(cut: int) -> None:
    with pytest.raises(DamagedGzipError, match="truncated"):
        gunzip(gzip.compress(b"hello" * 50)[:cut], LIMIT)


def test_a_wrong_checksum_is_told() -> None:
    data = bytearray(gzip.compress(b"hello"))
    data[-5] ^= 1

    with pytest.raises(DamagedGzipError):
        gunzip(bytes(data), LIMIT)


@pytest.mark.parametrize("body", [b"", b"nonsense", b'{"works": [', b"[" * 100_000, b"\xff\xfe"])
def test_what_is_not_json_is_told(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse(body)


def test_html_is_told() -> None:
    with pytest.raises(HtmlPageError):
        parse(b"\n<html><head><title>403 Forbidden</title></head></html>")


@pytest.mark.parametrize("document", [[], {}, {"error": "x"}, {"work_count": 1, "works": "no"}])
def test_what_is_not_a_subject_s_page_is_told(document: object) -> None:
    with pytest.raises(NotSubjectsPageError):
        parse(json.dumps(document).encode())


def test_a_page_of_a_failed_search_is_told() -> None:
    with pytest.raises(NoWorkCountError):
        parse(json.dumps(make_page(work_count=None)).encode())


BROKEN_TEXTS = {
    "a lone surrogate": rb'"\ud800"',
    "a byte that is not UTF-8": b'"\xff"',
    "a deep nest": b"[" * 500 + b"]" * 500,
    "an endless integer": b"9" * 10_000,
    "a number beyond all floats": b"1e999",
    "no number": b"NaN",
    "an infinite number": b"-Infinity",
    "a line end in a text": b'"\n"',
    "an unknown escape": rb'"\q"',
    "a word": b"nothing",
}


@pytest.mark.parametrize("title", BROKEN_TEXTS.values(), ids=BROKEN_TEXTS)
def test_what_the_fast_parser_refuses_costs_one_record_only(title: bytes) -> None:
    good = json.dumps(make_work()).encode()
    bad = b'{"key": "/works/OL2W", "edition_count": 1, "title": ' + title + b"}"

    records = parse(b'{"work_count": 3, "works": [' + b",".join([good, bad, good]) + b"]}").records

    assert [isinstance(record, Rejected) for record in records] == [False, True, False]


@pytest.mark.parametrize("between", [b"\0", b" ", b":", b"x"])
def test_two_records_without_a_comma_do_not_pass_for_one(between: bytes) -> None:
    good = json.dumps(make_work()).encode()

    with pytest.raises(NotJsonError, match="a comma is missing"):
        parse(b'{"work_count": 2, "works": [' + good + between + good + b"]}")


@pytest.mark.parametrize("bad", [b"{}", b'{"title":NaN}'])
def test_a_page_with_two_lists_of_works_is_refused(bad: bytes) -> None:
    lists = b'"works":[%s],"works" : [%s]' % (bad, json.dumps(make_work()).encode())

    with pytest.raises(NotSubjectsPageError, match="two lists of works"):
        parse(b'{"work_count":2,%s}' % lists)


def test_a_subject_called_works_is_no_list_of_works() -> None:
    work = make_work(subject=["works"], works=["works"])

    assert len(parse(json.dumps(make_page(work, name="works")).encode()).records) == 1


def test_a_comma_too_many_does_not_pass_for_a_record() -> None:
    good = json.dumps(make_work()).encode()

    with pytest.raises(NotJsonError, match="a value is missing"):
        parse(b'{"work_count": 2, "works": [' + good + b",," + good + b"]}")


@pytest.mark.parametrize("depth", [MAX_DEPTH, 300, 9_900, 10_000, 100_000])
@pytest.mark.parametrize("field", ["title", "new_field"])
def test_a_deep_record_costs_itself_only(field: str, depth: int) -> None:
    deep = b'{"key": "/works/OL2W", "title": "x", "edition_count": 1, "%s": ' % field.encode()
    deep += b"[" * depth + b"]" * depth + b"}"
    good = json.dumps(make_work()).encode()

    page = parse(b'{"work_count": 2, "works": [%s, %s]}' % (good, deep))

    kept, rejected = page.records
    assert not isinstance(kept, Rejected)
    assert isinstance(rejected, Rejected)
    assert rejected.reason.code == "record.too_deep"


def test_a_nest_within_the_bound_is_kept() -> None:
    nest = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    record = json.dumps(make_work())[:-1] + f', "new_field": {nest}}}'

    (kept,) = parse(f'{{"work_count": 1, "works": [{record}]}}'.encode()).records

    assert not isinstance(kept, Rejected)


@pytest.mark.parametrize(
    "body",
    [
        b'{"work_count":1,"works":[' + b"0," * 650_000 + b"0]}",
        b'{"work_count":1,"works":[' + b"{}," * 1000 + b"{}]}",
    ],
)
def test_more_records_than_the_api_sends_are_refused(body: bytes) -> None:
    with pytest.raises(TooManyRecordsError):
        parse(body)


def test_more_records_than_were_asked_for_are_refused() -> None:
    body = json.dumps(make_page(*[make_work()] * 50)).encode()

    assert len(parse(body, 50).records) == 50
    with pytest.raises(TooManyRecordsError, match="50 records, and 10 were asked for"):
        parse(body, 10)


@pytest.mark.parametrize("value", [b"0,", b"[],", b"{},", b'"",'])
def test_more_values_than_a_page_has_are_refused_before_they_are_read(value: bytes) -> None:
    many = value * 2_000_000

    with pytest.raises(TooManyValuesError):
        parse(b'{"work_count":1,"works":[],"subjects":[' + many + b"0]}")


@pytest.mark.parametrize("token", [b":", b'""', b"1 ", b'"":'])
def test_more_tokens_than_values_have_are_refused_before_they_are_split(token: bytes) -> None:
    with pytest.raises(TooManyValuesError):
        parse(b'{"work_count":1,"works":[' + token * 3_000_000)


def test_a_broken_page_of_as_many_values_as_a_page_may_have_is_split() -> None:
    good, named = json.dumps(make_work()).encode(), b'"%d":"x",'
    odd = b'{"title":NaN,' + b"".join(named % number for number in range(200_000)) + b'"a":1}'

    records = parse(b'{"work_count":1,"works":[' + odd + b"," + good + b"]}", 2).records

    assert [isinstance(record, Rejected) for record in records] == [True, False]


def test_memory_stays_far_below_that_of_the_function() -> None:
    """GIVEN the worst page within the bounds WHEN it is parsed THEN its objects are bounded."""
    record = b'{"subject":[' + b"0," * 650_000 + b"0]}"
    tracemalloc.start()
    try:
        parse(b'{"work_count":1,"works":[%s]}' % record)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 200 * 2**20


def test_a_long_text_beside_a_broken_record_takes_little_memory() -> None:
    # The pattern's own memory is not Python's, so tracemalloc does not see it.
    body = b'{"work_count":2,"works":[{"key":NaN},{"key":"%s"}]}' % (b"a" * 6_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    parse(body)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 2**10


def test_the_fast_parser_and_the_contract_agree_on_captured_pages(samples: Path) -> None:
    pages = list(samples.glob("subjects_*.json"))

    assert pages
    for path in pages:
        body = path.read_bytes()
        for record in json.loads(body)["works"]:
            text = json.dumps(record).encode()
            assert fast(text) == WORK.validate_json(text)


@settings(max_examples=int(os.environ.get("FUZZ_PAGES", "300")), deadline=None)
@given(documents)
def test_the_fast_parser_accepts_nothing_that_the_contract_refuses(record: dict[str, Any]) -> None:
    text = json.dumps(record).encode()
    try:
        value = fast(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return

    assert value == WORK.validate_json(text)


def fast(text: bytes) -> Any:
    return msgspec.to_builtins(FAST_WORK.decode(text))
