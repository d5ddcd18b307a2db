from __future__ import annotations

import gzip
import json

import pytest

from process.errors import (
    DamagedGzipError,
    HtmlPageError,
    NotGzipError,
    NotJsonError,
    NotSubjectsPageError,
    NoWorkCountError,
    PageTooLargeError,
)
from process.openlibrary.page import gunzip, parse
from process.testing.pages import make_page, make_work
from schemas.source.page import Rejected

LIMIT = 1000


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
}


@pytest.mark.parametrize("title", BROKEN_TEXTS.values(), ids=BROKEN_TEXTS)
def test_what_the_fast_parser_refuses_costs_one_record_only(title: bytes) -> None:
    good = json.dumps(make_work()).encode()
    bad = b'{"key": "/works/OL2W", "edition_count": 1, "title": ' + title + b"}"

    records = parse(b'{"work_count": 3, "works": [' + b",".join([good, bad, good]) + b"]}").records

    assert [isinstance(record, Rejected) for record in records] == [False, True, False]
