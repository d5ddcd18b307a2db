"""Whatever a page holds: nothing raises, nothing vanishes, nothing differs the second time."""

from __future__ import annotations

import gzip
import json
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from process.logic.stage import process_page
from process.openlibrary.rows import SCHEMA
from process.testing.fakes import LIMITS, Lake, MemoryStore, MemoryTableStore
from process.testing.pages import RUN, make_work
from schemas.keys import RawKey
from schemas.ledger.run import PageReceipt
from schemas.rows.facets import SubjectFacetRow
from schemas.rows.work import WorkRow
from schemas.source.page import FACETS, HISTORY

PAGE = RawKey.of(RUN, "love", 0)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=12)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
fields = st.sampled_from([*make_work(), "rating", "checked_out"])
authors = st.lists(
    st.fixed_dictionaries({}, optional={"key": st.text(max_size=4), "name": st.text(max_size=4)})
)
plausible = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text(st.characters()),
        "subject": st.lists(st.text(max_size=6)),
        "authors": authors,
        "ia_collection": st.lists(st.text(max_size=3)),
        "first_publish_year": st.none() | st.integers(-(2**31), 2**31 - 1),
        "edition_count": st.integers(0, 2**31 - 1),
        "cover_id": st.none() | st.integers(-(2**63), 2**63 - 1),
        "availability": st.none() | st.fixed_dictionaries({}, optional={"status": st.text()}),
        "has_fulltext": st.sampled_from([True, False, None, "true", "false"]),
        "new_field": values,
    },
)
works = (
    plausible.map(lambda changes: make_work(**changes))
    | st.builds(lambda name, value: make_work(**{name: value}), fields, values)
    | values
)
#: Texts of records that are not what a JSON writer writes: deep, wide, odd numbers, broken texts.
odd_texts = st.one_of(
    st.integers(1, 2000).map(lambda depth: "[" * depth + "]" * depth),
    st.integers(1, 2000).map(lambda depth: '{"a":' * depth + "1" + "}" * depth),
    st.integers(1, 3000).map(lambda width: "[" + "0," * width + "0]"),
    st.sampled_from(["1e999", "-1e999", "NaN", "Infinity", "9" * 5000, "1E400", "-0"]),
    st.sampled_from(
        [r'"\ud800"', r'"\udc00x"', '"\n"', '"\x00"', '"\udcff"', r'"\q"', "nothing", "tru"]
    ),
)
odd_records = odd_texts | st.builds(
    lambda name, text: json.dumps(make_work())[:-1] + f', "{name}": {text}}}', fields, odd_texts
)
written_records = st.lists(works.map(json.dumps) | odd_records, min_size=1, max_size=6)


abouts = st.dictionaries(
    st.sampled_from(["name", "ebook_count", HISTORY, *FACETS]),
    st.lists(st.fixed_dictionaries({"name": st.text(st.characters()), "count": st.integers(0, 9)}))
    | values,
    max_size=3,
)

fuzz = settings(
    max_examples=int(os.environ.get("FUZZ_PAGES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def process(body: bytes) -> Lake:
    store = MemoryStore({PAGE.key: (body, {})})
    lake = Lake(store, MemoryTableStore(store))
    process_page(lake.outputs, PAGE.key, LIMITS)
    return lake


def pack(records: list[Any], about: dict[str, Any]) -> bytes:
    page = about | {"work_count": len(records), "works": records}
    return gzip.compress(json.dumps(page).encode(), mtime=0)


def receipt(lake: Lake) -> PageReceipt:
    return PageReceipt.model_validate_json(lake.store.objects[PAGE.receipt_key][0])


@fuzz
@given(st.lists(works, max_size=8), abouts)
def test_every_record_is_a_row_or_in_quarantine_exactly_once(
    records: list[Any], about: dict[str, Any]
) -> None:
    lake = process(pack(records, about))

    made = receipt(lake)
    table = lake.tables.written.get(made.processed_key or "")
    rows = table["position"].to_pylist() if table else []
    lines = lake.store.lines(made.quarantine_key) if made.quarantine_key else []
    rejected = [line["position"] for line in lines if line["table_name"] == "works"]
    assert sorted(rows + rejected) == list(range(len(records)))


@fuzz
@given(st.lists(works, max_size=8), abouts)
def test_rows_fit_the_contract(records: list[Any], about: dict[str, Any]) -> None:
    lake = process(pack(records, about))

    for key, table in lake.tables.written.items():
        if "/works/" in key:
            assert table.schema == SCHEMA
            for row in table.to_pylist():
                WorkRow.model_validate(row)
        elif "facets" in key:
            for row in table.to_pylist():
                SubjectFacetRow.model_validate(row)


@fuzz
@given(st.lists(works, max_size=6), abouts)
def test_the_same_page_gives_the_same_bytes(records: list[Any], about: dict[str, Any]) -> None:
    body = pack(records, about)

    assert process(body).store.snapshot() == process(body).store.snapshot()


@fuzz
@given(written_records, st.integers(1, 4), st.integers(0, 9))
def test_records_as_they_may_be_written_are_kept_apart(
    records: list[str], members: int, padding: int
) -> None:
    """GIVEN records that no parser likes, in several members WHEN processed THEN none is lost."""
    text = f'{{"work_count": {len(records)}, "works": [{", ".join(records)}]}}'
    body = text.encode("utf-8", "surrogateescape")
    size = -(-len(body) // members)
    parts = [body[start : start + size] for start in range(0, len(body), size)]

    lake = process(b"".join(gzip.compress(part, mtime=0) for part in parts) + b"\0" * padding)

    made = receipt(lake)
    lines = lake.store.lines(made.quarantine_key) if made.quarantine_key else []
    if made.page_status == "quarantined":
        # Where a record ends cannot be told any more.
        assert [line["reason_code"] for line in lines] == ["page.not_json"]
    else:
        assert made.records == len(records)
    assert made.rows + made.quarantined == made.records
    for table in lake.tables.written.values():
        for row in table.to_pylist():
            _read(row.get("extra_fields") or "{}")
    for line in lines:
        if line["payload_encoding"] == "json":
            _read(line["payload"])


def _read(text: str) -> None:
    """Read a text strictly; Python's own limit on an integer's digits is not the text's fault."""
    json.loads(text, parse_int=str, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} was written")


@fuzz
@given(st.text(st.characters(codec=None), min_size=1, max_size=20))
def test_a_key_of_any_text_stops_nothing(subject: str) -> None:
    try:
        page = RawKey.of(RUN, subject, 0)
    except ValueError:
        return
    store = MemoryStore({page.key: (pack([make_work()], {}), {})})
    lake = Lake(store, MemoryTableStore(store))

    result = process_page(lake.outputs, page.key, LIMITS)

    assert result.rows + result.quarantined == 1


@fuzz
@given(st.binary(max_size=60))
def test_arbitrary_bytes_go_to_quarantine(body: bytes) -> None:
    assert receipt(process(body)).page_status == "quarantined"


@fuzz
@given(st.binary(max_size=60))
def test_arbitrary_content_goes_to_quarantine(content: bytes) -> None:
    assert receipt(process(gzip.compress(content, mtime=0))).page_status == "quarantined"


@fuzz
@given(values)
def test_arbitrary_documents_go_to_quarantine(document: Any) -> None:
    body = gzip.compress(json.dumps(document).encode(), mtime=0)

    assert receipt(process(body)).page_status == "quarantined"


@fuzz
@given(st.data())
def test_a_page_with_a_flipped_byte_loses_nothing(data: st.DataObject) -> None:
    content = bytearray(json.dumps({"work_count": 2, "works": [make_work(), make_work()]}).encode())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))

    made = receipt(process(gzip.compress(bytes(content), mtime=0)))

    assert made.rows + made.quarantined == made.records
    assert made.records == 2 or made.page_status == "quarantined"
