"""What the check finds of pages: each is as it was crawled, its records are there once."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

import pytest

from lake.testing.lakes import BUCKET
from lake.testing.sound_lake import (
    FIRST,
    RUN,
    SECOND,
    SoundLake,
    lines,
    parquet,
)
from schemas import keys


@pytest.mark.parametrize("position", [None, "1", 1.5])
def test_rows_and_rejected_records_without_a_position_are_differences(
    lake: SoundLake, position: Any
) -> None:
    lake.put(FIRST.processed_key("works"), parquet(place=[0, 2]))
    record = {"position": position, "table_name": "works"}
    lake.put(FIRST.quarantine_key("works"), gzip.compress(json.dumps(record).encode()))

    found = lake.check().by_code

    assert found["object.unreadable"] == found["page.records_foreign"] == 1


def test_each_page_is_what_the_manifest_says_of_it(lake: SoundLake) -> None:
    """GIVEN pages that were replaced and processed, and one listed twice, THEN each is named."""
    first = lake.add_page(FIRST, rows=[0, 2], rejected=[])
    second = lake.get(keys.manifest_key(RUN))
    lake.put(FIRST.processed_key("works"), parquet(position=[0, 1]))
    lake.delete(FIRST.quarantine_key("works"))
    subjects = json.loads(second)["subjects"]
    subjects[0]["pages"].append(subjects[0]["pages"][1])
    lake.change(keys.manifest_key(RUN), subjects=subjects)
    lake.change(
        keys.processed_ledger_key(RUN), records=4, quarantined=0, state=lake.state_of_receipts()
    )

    found = lake.check().differences

    assert {one.code for one in found} == {"page.not_as_crawled"}
    assert [(one.object.removeprefix(f"s3://{BUCKET}/"), one.message) for one in found] == [
        (FIRST.key, "its receipt has 2 records, the manifest 3 works"),
        (
            FIRST.key,
            f"its receipt is for sha256 {first.sha256[:12]}, the manifest has"
            f" {subjects[0]['pages'][0]['sha256'][:12]}",
        ),
        (SECOND.key, "the manifest lists it 2 times"),
    ]


def test_a_page_that_is_too_large_to_be_read_has_no_digest(lake: SoundLake) -> None:
    lake.change(SECOND.receipt_key, raw_sha256="")
    lake.change(keys.processed_ledger_key(RUN), state=lake.state_of_receipts())

    assert lake.check().differences == []


def test_a_page_quarantined_whole_is_one_record(lake: SoundLake) -> None:
    """GIVEN a page that became HTML, WHEN it is quarantined whole, THEN nothing is lost of it."""
    wire = gzip.compress(b"<html>")
    lake.put(SECOND.key, wire)
    lake.put(SECOND.quarantine_key("works"), lines([None]))
    for table in ("works", "subject_facets"):
        lake.delete(SECOND.processed_key(table))
    lake.change(
        SECOND.receipt_key,
        raw_sha256=hashlib.sha256(wire).hexdigest(),
        page_status="quarantined",
        reason_code="page.html",
        records=1,
        rows=0,
        quarantined=1,
        processed_key=None,
        quarantine_key=SECOND.quarantine_key("works"),
        tables={},
    )
    lake.change(
        keys.processed_ledger_key(RUN),
        records=4,
        rows=2,
        quarantined=2,
        state=lake.state_of_receipts(),
    )

    found = lake.check().differences
    assert [(one.code, one.object) for one in found] == [
        ("page.not_as_crawled", f"s3://{BUCKET}/{SECOND.key}")
    ] * 2
    assert found[0].message == "it is quarantined whole (page.html), the manifest has 2 works"

    lake.put(SECOND.quarantine_key("works"), lines([]))
    assert lake.check().by_code == {"page.not_as_crawled": 2, "quarantine.page_missing": 1}
