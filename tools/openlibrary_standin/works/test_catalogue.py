import json
import time
from collections import Counter

import pytest

from openlibrary_standin.parameters import Query, Sort
from openlibrary_standin.works.catalogue import Catalogue
from openlibrary_standin.works.known_works import known_works, known_works_by_subject
from openlibrary_standin.works.listing import Order
from openlibrary_standin.works.records import Record
from openlibrary_standin.works.subjects import HEADLINE_SHARES

EVERYTHING = Query(limit=1000, sort=Sort.EDITIONS_KEY)


def _all_works(catalogue: Catalogue, key: str, order: Order = Order.EDITIONS_KEY) -> list[Record]:
    listing = catalogue.listing(key)
    return [listing.work(listing.rank_at(i, order)) for i in range(len(listing))]


def _by_editions_and_key(work: Record) -> tuple[int, str]:
    return -work["edition_count"], work["key"]


def test_known_works_are_many_and_distinct() -> None:
    works = known_works()
    assert len(works) >= 120
    assert len({work.number for work in works}) == len(works)
    assert {len(str(work.number)) for work in works} == {8}
    assert min(work.editions for work in works) > 59, "the tail has up to 59 editions"
    assert set(HEADLINE_SHARES) <= set(known_works_by_subject())


@pytest.mark.parametrize("works", [0, 7, 300, 6000, 1_000_000])
def test_headline_subjects_have_the_configured_number_of_works(works: int) -> None:
    subjects = Catalogue(works).subjects()
    assert sum(subjects[key] for key in HEADLINE_SHARES) == works


def test_a_huge_catalogue_starts_at_once() -> None:
    start = time.perf_counter()
    page = Catalogue(1_000_000).page("love", Query(limit=10, offset=179_995))
    assert time.perf_counter() - start < 1, "sorting it would take far longer"
    assert len(page["works"]) == 5


@pytest.mark.parametrize("size", [0, 1, 30, 61, 100, 700, 1700, 2500])
@pytest.mark.parametrize("revision", [0, 3])
def test_orders_are_total_without_being_sorted(size: int, revision: int) -> None:
    catalogue = Catalogue(revision=revision, subject_works={"love": size})
    works = _all_works(catalogue, "love")
    assert len(works) == size + revision * -(-size // 100)
    assert works == sorted(works, key=_by_editions_and_key)
    assert _all_works(catalogue, "love", Order.KEY) == sorted(works, key=lambda work: work["key"])
    assert len({work["key"] for work in works}) == len(works)


@pytest.mark.parametrize("order", [Order.FIRST_REPLICA, Order.SECOND_REPLICA])
def test_each_replica_lists_all_works_by_editions(order: Order) -> None:
    catalogue = Catalogue(subject_works={"love": 900})
    works = _all_works(catalogue, "love", order)
    editions = [work["edition_count"] for work in works]
    assert editions == sorted(editions, reverse=True)
    assert sorted(works, key=_by_editions_and_key) == _all_works(catalogue, "love")
    assert works != _all_works(catalogue, "love")


def test_replicas_make_pages_overlap_and_leave_gaps() -> None:
    # GIVEN a client which pages by editions, answered by the replicas in turn
    catalogue = Catalogue(subject_works={"love": 900})
    pages = [
        catalogue.page("love", Query(limit=100, offset=100 * i), replica=i % 2) for i in range(9)
    ]
    # THEN it gets as many works as there are, but not all of them
    keys = [work["key"] for page in pages for work in page["works"]]
    assert len(keys) == 900
    assert len(set(keys)) < 900


def test_same_arguments_give_the_same_bytes() -> None:
    first, again, other = (Catalogue(600, seed).page("history", EVERYTHING) for seed in (5, 5, 6))
    assert json.dumps(first) == json.dumps(again)
    assert json.dumps(first) != json.dumps(other)


def test_a_work_of_two_subjects_is_one_work() -> None:
    catalogue = Catalogue(6000)
    listed: dict[str, Record] = {}
    for key in HEADLINE_SHARES:
        for work in _all_works(catalogue, key):
            assert listed.setdefault(work["key"], work) == work
    assert len(listed) < 6000
    fantasy = {work["key"] for work in _all_works(catalogue, "fantasy")}
    shared = [
        work for work in _all_works(catalogue, "science_fiction")[100:] if work["key"] in fantasy
    ]
    assert shared
    assert all({"Fantasy", "Science fiction"} <= set(work["subject"]) for work in shared)


def test_a_later_revision_has_grown() -> None:
    before, after = Catalogue(6000, revision=1), Catalogue(6000, revision=2)
    old = {work["key"]: work for work in _all_works(before, "love")}
    new = {work["key"]: work for work in _all_works(after, "love")}
    assert set(old) < set(new)
    changed = [key for key in old if old[key]["edition_count"] != new[key]["edition_count"]]
    assert 0 < len(changed) < len(old)
    assert all(old[key]["edition_count"] < new[key]["edition_count"] for key in changed)


def test_fields_are_null_as_often_as_in_reality() -> None:
    works = _all_works(Catalogue(subject_works={"love": 4000}), "love")

    def share(condition: int) -> float:
        return condition / len(works)

    assert share(sum(work["cover_id"] is None for work in works)) == pytest.approx(0.1, abs=0.02)
    assert share(sum(work["ia"] is None for work in works)) == pytest.approx(0.2, abs=0.03)
    absent = sum("availability" not in work for work in works)
    assert share(absent) == pytest.approx(0.2, abs=0.03)
    years = Counter(work["first_publish_year"] for work in works)
    assert years[None] > 0
    assert years[0] > 0
    assert any(work["ia_collection"] == [""] for work in works)
    assert any(work["lending_edition"] == "" for work in works)
    assert any(not work["title"].isascii() for work in works)
    assert 40 < max(len(work["subject"]) for work in works) < 75
    assert any(work["authors"] == [] for work in works)
    statuses = Counter((work.get("availability") or {}).get("status") for work in works)
    assert {"open", "borrow_available", "borrow_unavailable", "private", "error"} <= set(statuses)
    size = len(json.dumps(works, ensure_ascii=False)) / len(works)
    assert 800 < size < 1600


def test_bad_records_come_at_their_rate_and_leave_the_others_alone() -> None:
    good = _all_works(Catalogue(subject_works={"love": 2000}), "love")
    mixed = _all_works(Catalogue(subject_works={"love": 2000}, bad_record_share=0.05), "love")
    bad = [pair for pair in zip(good, mixed, strict=True) if pair[0] != pair[1]]
    assert 60 < len(bad) < 140
    assert any("key" not in work for _, work in bad)
    assert any(work["edition_count"] == 10**30 for _, work in bad)
    assert any(isinstance(work["title"], int) for _, work in bad)


def test_filters_agree_with_the_works() -> None:
    catalogue = Catalogue(subject_works={"love": 800})
    works = _all_works(catalogue, "love")
    page = catalogue.page(
        "love",
        Query(limit=1000, sort=Sort.EDITIONS_KEY, has_fulltext=True, published_in=(1900, 1950)),
    )
    expected = [
        work
        for work in works
        if work["has_fulltext"] and 1900 <= (work["first_publish_year"] or 0) <= 1950
    ]
    assert page["works"] == expected != []
    assert page["ebook_count"] == page["work_count"] == len(expected)


def test_too_large_a_subject_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to"):
        Catalogue(subject_works={"love": 10**8})
