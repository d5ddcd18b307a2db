"""Whose word counts: rows of listings and of dumps, merged as a full build merges them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from glue_etl.testing.lake import work_row
from schemas.keys import parse_run_id
from schemas.tables import WORKS

BEFORE, OLD, DUMP, NEW = (
    "20260831T235959Z",
    "20260901T060000Z",
    "20260930T235959Z",
    "20261001T060000Z",
)
KEY = "/works/OL1W"

Row = dict[str, Any]
#: Works by key, and what listings say of subjects.
Merged = tuple[dict[str, Row], set[tuple[str, str, str]]]
Merge = Callable[..., Merged]


def listed(run: str, subject: str = "love", **work: Any) -> Row:
    """Return a row of a listing."""
    return _row(run, f"raw_data/run_id={run}/{subject}", work | {"source_subject": subject})


def dumped(run: str, **work: Any) -> Row:
    """Return a row of a dump."""
    return _row(run, "dumps/works.txt.gz", work | {"source_subject": "", "edition_count": 0})


def _row(run: str, raw_key: str, work: Row) -> Row:
    shared = {"run_id": run, "raw_key": raw_key, "fetched_at": parse_run_id(run)}
    known = {"work_key": KEY, "title": run, "contract_version": "1"}
    return work_row(known | work, shared, 0)


@pytest.fixture
def merge(spark: Any) -> Merge:
    from glue_etl.tables.columns import struct_type
    from glue_etl.tables.precedence import (
        NewestDump,
        listings_since,
        newest_works,
        rows_since,
        work_states,
    )
    from glue_etl.tables.work_subjects import listings

    def merged(*rows: Row, dump: str | None = None, unreadable: str | None = None) -> Merged:
        schema = struct_type(WORKS.columns)
        frame = spark.createDataFrame(
            [tuple(row.get(name) for name in schema.names) for row in rows], schema
        )
        known = frozenset({unreadable} if unreadable else ())
        newest = NewestDump(dump, known) if dump else None
        works = newest_works(work_states(rows_since(frame, newest)))
        told = listings_since(listings(frame), frame, newest)
        found = {row["work_key"]: row.asDict(recursive=True) for row in works.collect()}
        return found, {tuple(row) for row in told.collect()}

    return merged


@pytest.mark.parametrize(
    ("kept", "other"),
    [
        (listed(NEW), listed(OLD) | {"fetched_at": parse_run_id(NEW) + timedelta(days=9)}),
        (listed(OLD) | {"fetched_at": parse_run_id(NEW)}, listed(OLD)),
        (listed(OLD, "war"), listed(OLD, "love")),
        (listed(OLD) | {"position": 1}, listed(OLD)),
        (listed(OLD) | {"record_hash": "1" * 32}, listed(OLD)),
        (listed(NEW), dumped(DUMP)),
        (dumped(DUMP), listed(OLD)),
        (dumped(DUMP), dumped(BEFORE)),
    ],
    ids=["run", "fetched", "raw object", "position", "hash", "listing", "dump", "newer dump"],
)
def test_the_newest_word_on_a_work_counts(merge: Merge, kept: Row, other: Row) -> None:
    names = ("title", "run_id", "raw_key", "position", "record_hash")

    for rows in ((kept, other), (other, kept)):
        found, _ = merge(*rows)
        assert [found[KEY][name] for name in names] == [kept[name] for name in names]


def test_what_a_dump_does_not_tell_is_the_newest_listing_s(merge: Merge) -> None:
    """GIVEN a work in two listings and in a newer dump THEN the dump tells what it has, and the
    newer of the listings all else, such as the names of the authors that the dump gives by key.
    """
    older = listed(BEFORE, edition_count=1, ia="older", cover_id=5)
    listing = listed(
        OLD,
        title="Of the listing",
        edition_count=7,
        access_level="open",
        first_publish_year=1815,
        ia_collections=["inlibrary"],
        authors=[("/authors/OL1A", "Jane"), ("/authors/OL2A", "Gone")],
        subjects=["love"],
    )
    dump = dumped(
        DUMP,
        title="Of the dump",
        cover_id=9,
        authors=[("/authors/OL3A", None), ("/authors/OL1A", None)],
        subjects=["war"],
    )

    found, _ = merge(older, listing, dump, dump=DUMP)

    work = found[KEY]
    assert (work["title"], work["cover_id"], work["origin"]) == ("Of the dump", 9, "dump")
    assert [subject["key"] for subject in work["subjects"]] == ["war"]
    assert work["authors"] == [
        {"key": "/authors/OL3A", "name": None},
        {"key": "/authors/OL1A", "name": "Jane"},
    ]
    assert (work["first_publish_year"], work["decade"], work["edition_count"]) == (1815, 1810, 7)
    assert (work["access_level"], work["source_subject"]) == ("open", "love")
    assert work["ia_collections"] == ["inlibrary"]
    assert work["ia"] is None, "of the newest listing, even what it lacks"
    assert (work["run_id"], work["raw_key"]) == (DUMP, "dumps/works.txt.gz")


@pytest.mark.parametrize(
    ("cover", "edition"), [(22, None), (11, "OL11M"), (None, "OL11M")], ids=["other", "same", "no"]
)
def test_a_cover_s_edition_is_never_another_cover_s(
    merge: Merge, cover: int | None, edition: str | None
) -> None:
    listing = listed(OLD, cover_id=11, cover_url="11.jpg", cover_edition_key="OL11M")
    dump = dumped(DUMP, cover_id=cover, cover_url=cover and f"{cover}.jpg")

    found, _ = merge(listing, dump, dump=DUMP)

    work, shown = found[KEY], cover or 11
    assert (work["cover_id"], work["cover_url"]) == (shown, f"{shown}.jpg")
    assert work["cover_edition_key"] == edition


def test_a_work_that_only_a_dump_has_knows_no_listing(merge: Merge) -> None:
    found, _ = merge(dumped(DUMP), dump=DUMP)

    names = ("edition_count", "access_level", "source_subject", "ia_collections")
    assert [found[KEY][name] for name in names] == [None, None, None, []]


def test_a_newer_listing_tells_all_of_a_work(merge: Merge) -> None:
    found, _ = merge(dumped(DUMP, cover_id=9), listed(NEW, edition_count=3), dump=DUMP)

    assert (found[KEY]["cover_id"], found[KEY]["edition_count"]) == (None, 3)


@pytest.mark.parametrize("older", [dumped(BEFORE), listed(OLD)], ids=["dump", "listing"])
def test_a_work_that_the_newest_dump_lacks_is_gone(merge: Merge, older: Row) -> None:
    """GIVEN a work of an older dump or listing WHEN the newest dump lacks it THEN it is gone,
    unless a newer listing shows it, or a line of the dump that could not be read.
    """
    other = dumped(DUMP) | {"work_key": "/works/OL2W"}

    assert set(merge(older, other, dump=DUMP)[0]) == {"/works/OL2W"}
    shown = merge(older, other, listed(NEW), dump=DUMP)[0]
    assert shown[KEY]["run_id"] == NEW
    kept = merge(older, other, dump=DUMP, unreadable=KEY)[0]
    assert kept[KEY]["run_id"] == older["run_id"]


def test_a_listing_s_word_on_a_subject_counts_until_a_dump_says_otherwise(merge: Merge) -> None:
    rows = [listed(OLD, "love"), listed(OLD, "war"), listed(NEW, "peace")]

    _, told = merge(*rows, dumped(DUMP, subjects=["love"]), dump=DUMP)
    assert told == {(KEY, "love", OLD), (KEY, "peace", NEW)}

    _, told = merge(*rows, dumped(DUMP) | {"work_key": "/works/OL2W"}, dump=DUMP)
    assert told == {(KEY, "peace", NEW)}

    _, told = merge(*rows, dump=DUMP, unreadable=KEY)
    assert told == {(KEY, subject, OLD) for subject in ("love", "war")} | {(KEY, "peace", NEW)}


def test_a_line_that_cannot_be_read_leaves_what_older_dumps_have_overruled(merge: Merge) -> None:
    """GIVEN listings before and after an older dump WHEN the newest has a line of the work that
    cannot be read THEN the older dump, and of several the newest, says which of them count.
    """
    first, between = "20260801T060000Z", "20260815T235959Z"
    rows = [
        listed(first, "love"),
        listed(first, "war"),
        listed(OLD, "peace"),
        dumped(between, subjects=["war"]),
        dumped(BEFORE, subjects=["love"]),
    ]

    _, told = merge(*rows, dump=DUMP, unreadable=KEY)

    assert told == {(KEY, "love", first), (KEY, "peace", OLD)}
