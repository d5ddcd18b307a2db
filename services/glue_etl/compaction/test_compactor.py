"""Rows come into few files, and no reader and no build ever misses one or sees it twice."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue_etl.compaction.days import read_days
from glue_etl.errors import DayDamagedError, LeaseLostError
from glue_etl.testing.compaction import LAKE, ROOTS, PagedLake
from glue_etl.testing.memory import HOUR, KilledError
from schemas.fingerprints import run_fingerprints
from schemas.keys import (
    RawKey,
    compacted_day_key,
    curated_ledger_key,
    page_path,
    processed_ledger_key,
)
from schemas.ledger.compacted import PAGED

RUN, LATER, OTHER_DAY = "20261122T060000Z", "20261122T180000Z", "20261123T060000Z"
LOVE, SECOND = RawKey.of(RUN, "love", 0), RawKey.of(RUN, "love", 3)
PLACE = RawKey.of(RUN, "place:france", 0)
WEEK = timedelta(days=7)


@pytest.fixture
def lake() -> PagedLake:
    return filled()


def filled() -> PagedLake:
    """Make a lake of a day whose run is in the curated tables."""
    lake = PagedLake()
    lake.put(LOVE, ["Emma", "Emma", "Persuasion"])
    lake.put(SECOND, ["Lady Susan"])
    lake.put(PLACE, [f"France {number}" for number in range(40)])
    lake.curate()
    return lake


def assert_nothing_is_lost(lake: PagedLake) -> None:
    for table in PAGED:
        assert lake.built_from(table) == lake.said()
    found: dict[str, str] = {}
    for day in read_days(lake.files, ROOTS).values():
        found |= day.fingerprints
    assert found == run_fingerprints(lake.etags.items()), "a compacted run is not a replayed one"


def test_a_settled_day_comes_into_few_files_and_the_page_files_go_after_a_grace(
    lake: PagedLake,
) -> None:
    assert lake.compact().days == ["2026-11-22"]
    assert lake.partitions.found["works"]["2026-11-22"].startswith(f"{ROOTS.compacted}works/")
    assert_nothing_is_lost(lake)
    assert len(lake.page_files()) == 9, "queries may still read them"

    lake.clock.time += 2 * HOUR
    assert lake.compact().removed == 9
    assert lake.page_files() == []
    assert lake.seen("works") == lake.seen("subject_facets") == lake.said()
    assert_nothing_is_lost(lake)


def test_rows_lie_in_the_order_of_their_pages_and_places(lake: PagedLake) -> None:
    lake.compact()

    place = lake.partitions.found["works"]["2026-11-22"]
    rows = [
        row
        for uri in sorted(lake.files.files)
        if uri.startswith(place)
        for row in pq.read_table(io.BytesIO(lake.files.files[uri])).to_pylist()
    ]
    keys = [(page_path("works", row["raw_key"]), row["position"]) for row in rows]
    assert keys == sorted(keys)
    assert len({uri for uri in lake.files.files if uri.startswith(place)}) > 1


def test_nothing_is_due_before_its_time_or_before_the_tables_have_it(lake: PagedLake) -> None:
    late = RawKey.of(LATER, "love", 0)
    lake.put(late, ["Sanditon"])
    before = dict(lake.files.files)

    assert lake.compact().days == [], "a run of the day is not in the curated tables"
    assert lake.files.files == before

    lake.curate()
    lake.clock.time -= timedelta(days=6)
    assert lake.compact().days == [], "the day is too young"
    lake.clock.time += timedelta(days=6)
    del lake.files.files[LAKE + processed_ledger_key(LATER)]
    assert lake.compact().days == [], "process is not done with a run of the day"


def test_a_replayed_page_counts_for_builds_at_once_and_for_readers_once_it_is_merged(
    lake: PagedLake,
) -> None:
    lake.compact()
    lake.clock.time += 2 * HOUR
    lake.compact()
    before = lake.seen("works")

    lake.put(LOVE, ["Emma, corrected"])
    lake.put(SECOND, [])
    assert_nothing_is_lost(lake)
    assert lake.seen("works") == before, "readers see the older rows, once"
    assert lake.compact().days == [], "the tables do not have the replayed pages yet"

    lake.curate()
    lake.clock.time += 2 * HOUR
    assert lake.compact().days == ["2026-11-22"]
    assert lake.seen("works") == lake.said()
    assert_nothing_is_lost(lake)
    lake.settle()
    assert lake.page_files() == []
    generations = read_days(lake.files, ROOTS)["2026-11-22"].generations["works"]
    assert len(generations) == 1, "what readers have left is removed"


def test_a_page_that_is_delivered_again_unchanged_is_removed_again(lake: PagedLake) -> None:
    lake.settle()
    lake.put(LOVE, lake.pages[LOVE])

    assert_nothing_is_lost(lake)
    assert lake.compact().days == []
    assert lake.page_files() == []


def test_a_page_that_changes_while_it_is_deleted_stays(lake: PagedLake) -> None:
    lake.compact()
    lake.clock.time += 2 * HOUR
    delete = lake.files.delete_unchanged

    def late(files: list[object]) -> None:
        lake.put(LOVE, ["Corrected just now"])
        delete(files)  # type: ignore[arg-type]

    lake.files.delete_unchanged = late  # type: ignore[assignment,method-assign]
    lake.compact()

    assert len(lake.page_files()) == 3
    assert_nothing_is_lost(lake)


def test_a_day_is_not_merged_while_a_deletion_of_its_files_may_be_under_way(
    lake: PagedLake,
) -> None:
    lake.compact()
    lake.clock.time += 2 * HOUR
    lake.compact()
    lake.put(LOVE, ["Corrected"])
    lake.curate()

    lake.clock.time += timedelta(minutes=50)
    assert lake.compact().days == []
    lake.clock.time += timedelta(minutes=50)
    assert lake.compact().days == ["2026-11-22"]


def test_a_job_compacts_so_many_days_the_oldest_first(lake: PagedLake) -> None:
    lake.put(RawKey.of(OTHER_DAY, "love", 0), ["Emma"])
    lake.curate()
    lake.limits = lake.limits.__class__(3, 1, HOUR)

    assert lake.compact().days == ["2026-11-22"]
    assert lake.compact().days == ["2026-11-23"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda lake: lake.pages.pop(SECOND) and lake.finish(RUN), "has 4 rows of love, and its"),
        (lambda lake: rewrite(lake, raw_key=SECOND.key), "replay both pages"),
        (lambda lake: rewrite(lake, raw_key="elsewhere"), "rows of no page"),
        (lambda lake: rewrite(lake, unheard_of="x"), "columns that this version does not know"),
        (lambda lake: rewrite(lake, position="first"), "does not fit its contract"),
    ],
)
def test_a_day_that_is_not_as_its_ledgers_say_is_left_alone(
    lake: PagedLake, damage: object, reason: str
) -> None:
    damage(lake)  # type: ignore[operator]
    lake.curate()
    before = set(lake.files.files)

    result = lake.compact()

    assert (result.days, reason in result.unfit["2026-11-22"]) == ([], True)
    assert {uri for uri in lake.files.files if "_lease" not in uri} == before
    assert lake.partitions.found["works"]["2026-11-22"].startswith(ROOTS.processed)


def rewrite(lake: PagedLake, **values: str) -> None:
    """Write other values into all rows of a page."""
    path = page_path("works", LOVE.key)
    rows = pq.read_table(io.BytesIO(lake.files.files[ROOTS.processed + path])).to_pydict()
    rows |= {name: [value] * 3 for name, value in values.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(rows), sink)
    lake.files.files[ROOTS.processed + path] = sink.getvalue()
    version = lake.files.read_versioned(ROOTS.processed + path)
    lake.etags[path] = version.version if version else ""


def test_files_of_an_older_contract_get_the_columns_that_they_lack(lake: PagedLake) -> None:
    path = ROOTS.processed + page_path("works", LOVE.key)
    rows = pq.read_table(io.BytesIO(lake.files.files[path])).drop_columns(["cover_id"])
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    lake.files.files[path] = sink.getvalue()
    version = lake.files.read_versioned(path)
    lake.etags[page_path("works", LOVE.key)] = version.version if version else ""
    lake.curate()

    assert lake.compact().days == ["2026-11-22"]
    assert lake.seen("works") == lake.said()


def two_jobs(lake: PagedLake) -> None:
    """Compact a day that was compacted before a replay, and remove what that replaces."""
    for _ in range(2):
        lake.compact()
        lake.clock.time += 2 * HOUR


def replayed() -> PagedLake:
    """Make a lake whose one day was compacted before it was replayed."""
    lake = filled()
    two_jobs(lake)
    lake.put(LOVE, ["Emma, corrected"])
    lake.put(SECOND, [])
    lake.curate()
    return lake


def changes_of(make: Callable[[], PagedLake]) -> int:
    lake = make()
    before = lake.files.changes
    two_jobs(lake)
    return lake.files.changes - before


@pytest.mark.parametrize(
    ("make", "step"),
    [(make, step) for make in (filled, replayed) for step in range(changes_of(make))],
)
def test_a_job_killed_at_any_step_loses_nothing_and_is_made_good(
    make: Callable[[], PagedLake], step: int
) -> None:
    lake = make()
    before = lake.seen("works")
    lake.files.dies_at = lake.files.changes + step
    with pytest.raises(KilledError):
        two_jobs(lake)

    for table in PAGED:
        assert lake.seen(table) in (before, lake.said())
    assert_nothing_is_lost(lake)
    lake.files.dies_at = None
    lake.settle()
    assert lake.seen("works") == lake.seen("subject_snapshots") == lake.said()
    assert lake.page_files() == []
    assert_nothing_is_lost(lake)
    days = read_days(lake.files, ROOTS)
    assert all(len(found) == 1 for found in days["2026-11-22"].generations.values())


def test_a_job_that_overslept_puts_nothing_on_record(lake: PagedLake) -> None:
    sleeper = lake.compactor()
    write = lake.files.write_if

    def asleep(uri: str, body: bytes, version: str | None) -> str | None:
        if "_days" not in uri:
            return write(uri, body, version)
        lake.files.write_if = write  # type: ignore[method-assign]
        lake.clock.time += HOUR
        lake.compact()
        return write(uri, body, version)

    lake.files.write_if = asleep  # type: ignore[method-assign]
    with pytest.raises(LeaseLostError):
        sleeper.run()

    lake.settle()
    assert lake.seen("works") == lake.said()
    assert_nothing_is_lost(lake)


def test_a_partition_that_was_sent_elsewhere_late_is_sent_back_and_has_its_grace(
    lake: PagedLake,
) -> None:
    lake.compact()
    first = dict(lake.partitions.found["works"])
    lake.put(LOVE, ["Corrected"])
    lake.curate()
    lake.compact()
    lake.partitions.found["works"] |= first

    lake.clock.time += 2 * HOUR
    lake.compact()
    assert lake.seen("works") == lake.said()
    for place in first.values():
        assert [uri for uri in lake.files.files if uri.startswith(place)], "it is read until then"
    lake.settle()
    assert not [uri for uri in lake.files.files if uri.startswith(first["2026-11-22"])]


def test_what_comes_between_record_and_switch_does_not_vanish_from_readers(
    lake: PagedLake,
) -> None:
    """A job died when the record was written, and before readers were sent there."""
    places = {name: dict(found) for name, found in lake.partitions.found.items()}
    lake.compact()
    lake.partitions.found = places
    record = read_days(lake.files, ROOTS)["2026-11-22"].record
    assert record is not None
    unswitched = record.model_copy(update={"switched_at": None}).model_dump_json().encode()
    lake.files.files[ROOTS.at(compacted_day_key("2026-11-22"))] = unswitched
    late = RawKey.of(RUN, "love", 6)
    lake.put(late, ["Sanditon"])

    lake.compact()
    assert lake.seen("works") == lake.said(), "readers stay where the late page is"
    lake.curate()
    lake.compact()
    assert lake.seen("works") == lake.said()
    lake.settle()
    assert lake.page_files() == []


def test_readers_of_a_folder_whose_files_are_removed_are_sent_away_though_a_page_was_replayed(
    lake: PagedLake,
) -> None:
    places = {name: dict(found) for name, found in lake.partitions.found.items()}
    lake.settle()
    lake.put(LOVE, ["Corrected"])
    lake.partitions.found = places

    lake.compactor().work()
    assert {key for key, _ in lake.seen("works")} == {page.key for page in lake.pages}


def test_compacted_files_that_are_damaged_are_named_and_nothing_is_removed(
    lake: PagedLake,
) -> None:
    lake.compact()
    place = lake.partitions.found["works"]["2026-11-22"]
    del lake.files.files[next(uri for uri in lake.files.files if uri.startswith(place))]
    lake.clock.time += 2 * HOUR

    with pytest.raises(DayDamagedError, match="restore their versions"):
        lake.compact()
    with pytest.raises(DayDamagedError):
        lake.built_from("works")
    assert len(lake.page_files()) == 9


def test_a_day_that_has_expired_does_not_come_back(lake: PagedLake) -> None:
    lake.settle()
    for uri in [uri for uri in lake.files.files if uri.startswith(ROOTS.compacted)]:
        if "/_days/" not in uri and "/_pages/" not in uri:
            del lake.files.files[uri]

    days = read_days(lake.files, ROOTS)
    assert days["2026-11-22"].fingerprints == {}
    assert lake.built_from("works") == Counter()
    assert lake.compact().days == []


def test_a_run_that_was_never_built_waits(lake: PagedLake) -> None:
    del lake.files.files[LAKE + curated_ledger_key(RUN)]

    assert lake.compact().days == []


PAGES = st.builds(
    RawKey.of,
    st.sampled_from([RUN, LATER, OTHER_DAY]),
    st.sampled_from(["love", "love-letters", "place:france"]),
    st.sampled_from([0, 3]),
)
TITLES = st.lists(st.sampled_from(["Emma", "Persuasion", "Sanditon"]), max_size=5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), PAGES, TITLES),
        st.tuples(st.just("curate")),
        st.tuples(st.just("compact"), st.none() | st.integers(0, 25)),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 2, 48])),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_happens_each_row_is_there_once(steps: list[tuple[object, ...]]) -> None:
    lake, before = PagedLake(), set[str]()
    for step, *given_ in steps:
        if step == "put":
            lake.put(*given_)  # type: ignore[arg-type]
        elif step == "curate":
            lake.curate()
        elif step == "wait":
            lake.clock.time += given_[0] * HOUR  # type: ignore[operator]
        else:
            compact_and_die(lake, given_[0])  # type: ignore[arg-type]
        assert_nothing_is_lost(lake)
        assert_readers_see_each_page_once(lake, before)
    lake.curate()
    lake.settle()
    assert_nothing_is_lost(lake)
    assert lake.seen("works") == lake.seen("subject_facets") == lake.said()
    assert lake.page_files() == []


def compact_and_die(lake: PagedLake, after: int | None) -> None:
    lake.files.dies_at = None if after is None else lake.files.changes + after
    try:
        lake.compact()
    except KilledError:
        lake.clock.time += timedelta(minutes=5)
    lake.files.dies_at = None


def assert_readers_see_each_page_once(lake: PagedLake, before: set[str]) -> None:
    """Readers see one version of each page, and none of those that they saw before is gone."""
    seen: dict[str, Counter[str]] = {}
    for (key, title), count in lake.seen("works").items():
        seen.setdefault(key, Counter())[title] += count
    now = set(seen)
    for page, versions in lake.versions.items():
        found = seen.pop(page.key, Counter())
        # One that came after its day was compacted is seen when it is merged, and from then on.
        unseen: list[Counter[str]] = [] if page.key in before else [Counter()]
        assert found in [*unseen, *map(Counter, versions)], page
    assert not seen
    before |= now
