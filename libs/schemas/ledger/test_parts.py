from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.keys import InvalidKeyError, RawKey
from schemas.ledger.parts import split
from schemas.ledger.run import PageEntry, RunManifest, SubjectOutcome

RUN, OTHER = "20261123T060000Z", "20261124T060000Z"
TIME = datetime(2026, 11, 23, 6, tzinfo=UTC)


def manifest(*pages: RawKey) -> RunManifest:
    entries = [PageEntry(key=page.key, offset=0, works=1, bytes=1, sha256="f") for page in pages]
    outcomes = [
        SubjectOutcome(subject="love", kind="subject", status="complete", pages=entries),
        SubjectOutcome(subject="nothing", kind="subject", status="empty"),
    ]
    return RunManifest(
        run_id=RUN,
        contract_version="1",
        started_at=TIME,
        finished_at=TIME,
        status="complete",
        subjects=outcomes,
    )


def test_each_page_lies_in_the_range_of_the_part_that_lists_it() -> None:
    # Beyond a million works, the order of names is not that of offsets.
    pages = [RawKey.of(RUN, "love", offset) for offset in (0, 500, 999_500, 1_000_000, 2_000_000)]

    index, parts = split(manifest(*pages), size=2)

    assert len(index) == 3
    assert sorted(name for part in parts for name in part.pages) == sorted(
        page.receipt_name for page in pages
    )
    for part in parts:
        after, last = index.range_of(part.number)
        for name in part.pages:
            assert index.number_of(name) == part.number
            assert after < name
            assert last is None or name <= last


def test_a_receipt_of_an_unlisted_page_belongs_to_a_part() -> None:
    index, _ = split(manifest(RawKey.of(RUN, "love", 0), RawKey.of(RUN, "love", 1)), size=1)

    strangers = [RawKey.of(RUN, subject, 0).receipt_name for subject in ("a", "zebra")]

    assert [index.number_of(name) for name in strangers] == [0, 1]


def test_a_run_without_pages_has_one_part_with_its_subjects() -> None:
    index, parts = split(manifest())

    assert (len(index), index.range_of(0)) == (1, ("", None))
    assert parts[0].empty_subjects == ["love", "nothing"]


def test_a_page_of_another_run_is_refused() -> None:
    with pytest.raises(InvalidKeyError, match="not a page of run"):
        split(manifest(RawKey.of(OTHER, "love", 0)))
