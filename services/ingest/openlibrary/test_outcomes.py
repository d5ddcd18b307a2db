"""The table of outcomes that a client of OpenLibrary must tell apart, case by case."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.json import Decoder

from cleaning.gunzip import MAX_MEMBERS
from ingest.errors import BodyRefusedError, IngestError
from ingest.openlibrary import body as module
from ingest.openlibrary.api import OpenLibrary
from ingest.openlibrary.body import read_page
from ingest.openlibrary.outcomes import refusal
from ingest.ports import SourceResponse
from ingest.testing.fakes import START, json_response, page
from schemas.testing.samples import captured_samples


def response(
    status: int, body: bytes, kind: str, content_encoding: str = "", retry_after: str = ""
) -> SourceResponse:
    return SourceResponse(
        "https://source.example", status, body, START, kind, content_encoding, retry_after
    )


@pytest.mark.parametrize(
    ("status", "kind", "tag", "code"),
    [
        (429, "application/json", "transient", "rate_limited"),
        (403, "text/html", "terminal", "user_agent_refused"),
        (422, "application/json", "terminal", "http_422"),
        (400, "application/json", "terminal", "http_400"),
        (404, "text/html", "terminal", "http_404"),
        (500, "text/plain; charset=utf-8", "transient", "http_500"),
        (500, "text/html", "transient", "http_500"),
        (502, "text/html", "transient", "http_502"),
        (503, "text/html", "transient", "http_503"),
        (504, "text/html", "transient", "http_504"),
        (408, "text/html", "transient", "http_408"),
        (301, "text/html", "terminal", "redirected"),
    ],
)
def test_status_decides(status: int, kind: str, tag: str, code: str) -> None:
    error = refusal(response(status, b"", kind))
    assert error is not None
    assert (error.tag, error.code) == (tag, code)


def test_status_200_leaves_it_to_the_body() -> None:
    assert refusal(response(200, b"", "text/html")) is None


def test_403_says_what_to_configure() -> None:
    error = refusal(response(403, b"", "text/html"))
    assert "CONTACT" in str(error)


@pytest.mark.parametrize("status", [429, 503, 403, 410, 425, 302])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", None),
        ("7", 7.0),
        (" 300 ", 300.0),
        ("Mon, 23 Nov 2026 06:02:00 GMT", 120.0),
        ("Mon, 23 Nov 2026 05:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 06:02:00", None),
        ("Tue, 1 Jan", None),
        ("-5", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 23 Nov 2026 06:02:00 +99999999999999999999", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(
    status: int, header: str, seconds: float | None
) -> None:
    error = refusal(response(status, b"", "", retry_after=header))
    assert error is not None
    assert error.retry_after == seconds


def test_refused_request_is_quoted_where_it_can_be_read() -> None:
    said = b'{"detail": "no such sort"}'
    plain, packed = response(422, said, ""), response(422, gzip.compress(said), "", "gzip")
    assert "no such sort" in str(refusal(plain))
    assert (
        str(refusal(packed))
        == f"422: the source refuses the request: {len(packed.body)} bytes, gzip"
    )


def test_500_in_plain_text_hints_at_the_sort_order() -> None:
    assert "sort order" in str(refusal(response(500, b"", "text/plain; charset=utf-8")))


WHOLE = page("love", 0, 3, 10)
ZIPPED = gzip.compress(json.dumps(WHOLE).encode(), mtime=0)


def zipped(document: object) -> bytes:
    return gzip.compress(json.dumps(document).encode(), mtime=0)


@pytest.mark.parametrize(
    ("body", "kind", "encoding", "code"),
    [
        (b"<html>down for maintenance</html>", "text/html", "", "html_body"),
        (b"\n <!doctype html>", "application/json", "", "html_body"),
        (ZIPPED[:-9], "application/json", "gzip", "gzip_truncated"),
        (ZIPPED[:20], "application/json", "gzip", "gzip_truncated"),
        (b"", "application/json", "gzip", "gzip_truncated"),
        (ZIPPED[:-8] + b"\0" * 8, "application/json", "gzip", "gzip_damaged"),
        (b"no gzip at all", "application/json", "gzip", "gzip_damaged"),
        (ZIPPED + b"more", "application/json", "gzip", "gzip_damaged"),
        (ZIPPED, "application/json", "br", "encoding_unknown"),
        (ZIPPED, "application/json", "", "json_invalid"),
        (b"", "application/json", "", "json_invalid"),
        (b'{"work_count": 1, "works": [', "application/json", "", "json_invalid"),
        (zipped([]), "application/json", "gzip", "shape_unknown"),
        (zipped({"error": "no"}), "application/json", "gzip", "shape_unknown"),
        (zipped({"work_count": 1}), "application/json", "gzip", "shape_unknown"),
        (zipped({"work_count": "1", "works": []}), "application/json", "gzip", "shape_unknown"),
        (zipped({"work_count": True, "works": []}), "application/json", "gzip", "shape_unknown"),
        (zipped({"work_count": 1.5, "works": []}), "application/json", "gzip", "shape_unknown"),
        (zipped({"work_count": 1, "works": {}}), "application/json", "gzip", "shape_unknown"),
        (zipped({"work_count": 1, "works": None}), "application/json", "gzip", "shape_unknown"),
        (zipped({"work_count": None, "works": []}), "application/json", "gzip", "work_count_null"),
        (zipped({"work_count": -1, "works": []}), "application/json", "gzip", "work_count_null"),
        (zipped({"work_count": 2**63, "works": []}), "application/json", "gzip", "shape_unknown"),
        (
            zipped({"work_count": 10**3000, "works": []}),
            "application/json",
            "gzip",
            "shape_unknown",
        ),
    ],
)
def test_body_that_is_no_page_is_refused(body: bytes, kind: str, encoding: str, code: str) -> None:
    with pytest.raises(BodyRefusedError) as refused:
        read_page(response(200, body, kind, content_encoding=encoding))
    assert (refused.value.tag, refused.value.code) == ("data", code)


@pytest.mark.parametrize("record", [3, None, "text", [], {}, {"key": 7}, {"key": None}])
def test_a_record_that_is_no_work_does_not_cost_the_page(record: object) -> None:
    # GIVEN a page with one good work, and twice a record that breaks the contract of works
    body = zipped({"work_count": 3, "works": [{"key": "/works/OL1W"}, record, record]})

    stored = read_page(response(200, body, "application/json", content_encoding="gzip"))

    # THEN the page is kept as it came: judging records is process's work
    assert (stored.wire, stored.works) == (body, 3)
    assert len(set(stored.fingerprints)) == 2


@pytest.mark.parametrize(
    "record",
    [
        b'{"key": "/works/OL2W", "title": "\\ud800"}',
        b'{"key": "/works/OL2W", "title": "\xe9"}',
        b'{"key": "/works/OL2W", "x": ' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"key": "/works/OL2W", "x": ' + b"9" * 5000 + b"}",
        b'{"key": "\\ud800"}',
        b'{"key": "/works/OL2W\xff"}',
        b"[" * 300 + b"]" * 300,
    ],
    ids=[
        "lone surrogate",
        "not UTF-8",
        "nest",
        "long number",
        "surrogate in key",
        "bytes in key",
        "bare nest",
    ],
)
def test_one_record_that_no_parser_likes_does_not_cost_the_page(record: bytes) -> None:
    plain = b'{"work_count": 3, "works": [{"key": "/works/OL1W"}, %s, {"key": "/works/OL3W"}]}'
    body = gzip.compress(plain % record)

    stored = read_page(response(200, body, "application/json", content_encoding="gzip"))

    assert (stored.wire, stored.work_count, stored.works) == (body, 3, 3)
    assert len(set(stored.fingerprints)) == 3


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
WORKS = st.fixed_dictionaries({"key": st.text() | VALUES}, optional={"title": VALUES})


@settings(deadline=None)
@given(count=st.none() | st.integers() | VALUES, works=st.lists(WORKS | VALUES, max_size=4))
def test_the_fast_way_and_the_careful_one_read_the_same(count: object, works: object) -> None:
    plain = json.dumps({"name": "love", "work_count": count, "works": works}).encode()
    with pytest.MonkeyPatch.context() as patch:
        quick = summary(plain)
        patch.setattr(module, "_PAGE", Decoder(int))
        careful = summary(plain)

    assert quick == careful


def summary(plain: bytes) -> object:
    """Return what is read of a page, or the code with which it is refused."""
    try:
        read = read_page(response(200, plain, "application/json"))
    except BodyRefusedError as refused:
        return refused.code
    return read.work_count, read.fingerprints


def test_record_without_a_bottom_is_refused() -> None:
    nest = b"[" * 200_000 + b"]" * 200_000
    body = b'{"work_count": 1, "works": [%s]}' % nest
    with pytest.raises(BodyRefusedError) as refused:
        read_page(response(200, body, "application/json"))
    assert refused.value.code == "json_invalid"


def test_gzip_in_some_parts_is_one_page_and_in_many_is_refused() -> None:
    plain = json.dumps(WHOLE).encode()
    two = gzip.compress(plain[:40]) + gzip.compress(plain[40:])
    assert read_page(response(200, two, "", content_encoding="gzip")).works == 3
    many = gzip.compress(b"") * MAX_MEMBERS + ZIPPED
    with pytest.raises(BodyRefusedError, match=f"more than {MAX_MEMBERS} members"):
        read_page(response(200, many, "", content_encoding="gzip"))


def test_body_cut_at_the_size_limit_is_refused() -> None:
    with pytest.raises(BodyRefusedError) as refused:
        read_page(SourceResponse("", 200, ZIPPED, START, "", "gzip", cut_at_limit=True))
    assert refused.value.code == "body_too_large"


def test_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.openlibrary.body.MAX_PLAIN_BYTES", 1000)
    bomb = gzip.compress(b" " * 100_000)
    with pytest.raises(BodyRefusedError) as refused:
        read_page(response(200, bomb, "application/json", content_encoding="gzip"))
    assert refused.value.code == "body_too_large"


@settings(deadline=None)
@given(st.data())
def test_damaged_page_is_refused_or_is_what_was_sent(data: st.DataObject) -> None:
    # GIVEN a page some of whose bytes are others, or are missing, on the wire
    body = bytearray(ZIPPED)
    for at in data.draw(st.lists(st.integers(0, len(ZIPPED) - 1), min_size=1, max_size=3)):
        body[at] = data.draw(st.integers(0, 255))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    # WHEN it is read
    try:
        read = read_page(response(200, cut, "application/json", content_encoding="gzip"))
    except BodyRefusedError:
        return
    # THEN nothing but what gzip's own header says about itself can differ
    assert (read.work_count, len(set(read.fingerprints))) == (10, 3)
    assert gzip.decompress(read.wire) == json.dumps(WHOLE).encode()


@settings(deadline=None)
@given(st.data())
def test_page_of_broken_json_is_refused(data: st.DataObject) -> None:
    # GIVEN a page that was broken before it was compressed, at its ends or between two works
    plain = json.dumps(WHOLE).encode()
    at = data.draw(st.integers(0, len(plain) - 1))
    other = data.draw(st.sampled_from([b"", b"}", b"]", b",", b'"', b"\\", b"\0", b"\xff"]))
    body = plain[:at] + other + plain[at + 1 :]
    answer = response(200, gzip.compress(body), "application/json", content_encoding="gzip")
    # WHEN it is read THEN it is a page only where it is JSON
    try:
        json.loads(body.decode("utf-8", "surrogateescape"))
    except ValueError:
        with pytest.raises(BodyRefusedError):
            read_page(answer)


@pytest.mark.parametrize("megabytes", [7, 32])
@pytest.mark.parametrize("value", [b"{}", b"[]", b'{"a":{"b":[0]}}', b'"",0', b'{"key":"a"}'])
def test_small_answer_takes_little_memory(value: bytes, megabytes: int) -> None:
    # GIVEN some kilobytes on the wire that are millions of values
    works = b",".join([value] * (megabytes * 2**20 // (len(value) + 1)))
    wire = gzip.compress(b'{"work_count": 1, "works": [%s]}' % works, 1)
    # WHEN it is read
    tracemalloc.start()
    try:
        with suppress(BodyRefusedError):
            read_page(response(200, wire, "application/json", content_encoding="gzip"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # THEN it takes a part of what the function has
    assert peak < 100 * 2**20


def test_wire_bytes_stay_as_they_came() -> None:
    body = read_page(response(200, ZIPPED, "application/json", content_encoding="gzip"))
    assert (body.wire, body.work_count, body.works) == (ZIPPED, 10, 3)
    assert not body.compressed_here


def test_plain_body_is_compressed_the_same_way_every_time() -> None:
    plain = json_response(WHOLE, zipped=False)
    first, second = read_page(plain), read_page(plain)
    assert first.wire == second.wire
    assert gzip.decompress(first.wire) == plain.body
    assert first.compressed_here


def test_fingerprints_tell_works_apart() -> None:
    body = read_page(json_response(page("love", 0, 50, 50)))
    assert len(set(body.fingerprints)) == 50


@pytest.mark.parametrize(
    ("name", "count", "works"),
    [
        ("subjects_love_limit1000_2023-01.json", 16212, 1000),
        ("subjects_love_limit12_2023-01.json", 16212, 12),
        ("subjects_love_details_2017.json", 7212, 10),
        ("subjects_unknown.json", 0, 0),
    ],
)
def test_captured_pages_are_pages(name: str, count: int, works: int) -> None:
    body = read_page(response(200, (captured_samples() / name).read_bytes(), "application/json"))
    assert (body.work_count, body.works) == (count, works)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("200_solr_failure_DERIVED_from_source.json", "work_count_null"),
        ("400_limit_legacy_webpy.json", "http_400"),
        ("403_nginx_observed_2026-05-26.html", "user_agent_refused"),
        ("422_details_maybe.json", "http_422"),
        ("422_limit_1001.json", "http_422"),
        ("422_limit_abc.json", "http_422"),
        ("422_offset_negative.json", "http_422"),
        ("429_nginx_source.json", "rate_limited"),
        ("500_fastapi_bad_sort.txt", "http_500"),
    ],
)
def test_captured_errors_are_told_apart(name: str, code: str) -> None:
    kind = {"json": "application/json", "html": "text/html", "txt": "text/plain"}
    body = (captured_samples() / "errors" / name).read_bytes()
    answer = response(int(name[:3]), body, kind[name.rpartition(".")[2]])
    with pytest.raises(IngestError) as refused:
        OpenLibrary().read(answer)
    assert refused.value.code == code
