"""Readers see one whole build after the other, whenever they look and whenever a job dies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import duckdb
import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.builds.lease import DURATION, Lease
from glue_etl.builds.publication import Publisher, Retention
from glue_etl.errors import (
    BuildDamagedError,
    BuildMissingError,
    CatalogueDeniedError,
    LeaseHeldError,
    LeaseLostError,
    LedgerUnreadableError,
    RulesFailedError,
)
from glue_etl.testing.builds import RUN, record_of, write_build
from glue_etl.testing.memory import CURATED_URI, HOUR, LEASE_URI, RUNS_URI, KilledError, World
from schemas.curated_tables import CURATED, CuratedTable
from schemas.ledger.curated_build import CuratedLedger


@pytest.fixture
def world() -> World:
    return World()


def test_readers_are_sent_to_a_build_and_the_ledger_tells(world: World) -> None:
    world.job("b1")

    assert world.seen() == dict.fromkeys(CURATED, "b1")
    assert b'"build":"b1"' in (world.files.read(f"{RUNS_URI}run_id={RUN}/curated.json") or b"")


def changes_of_a_job() -> int:
    world = World(keep=1)
    world.job("b1")
    world.clock.time += 2 * HOUR
    before = world.files.changes
    world.job("b2")
    return world.files.changes - before


@pytest.mark.parametrize("step", range(changes_of_a_job()))
def test_a_job_killed_at_any_step_leaves_whole_builds_and_is_made_good(step: int) -> None:
    world = World(keep=1)
    world.job("b1")
    world.clock.time += 2 * HOUR
    world.files.dies_at = world.files.changes + step

    with pytest.raises(KilledError):
        world.job("b2")

    assert world.seen().keys() == CURATED.keys()
    assert set(world.seen().values()) <= {"b1", "b2"}
    current = world.publisher.current()
    assert current is not None
    if current.build == "b2":
        assert set(world.seen().values()) == {"b2"}

    world.files.dies_at = None
    world.clock.time += 2 * HOUR
    world.job("b2")
    assert world.seen() == dict.fromkeys(CURATED, "b2")
    world.clock.time += 2 * HOUR
    world.job("b2")
    assert world.stored() == {"b2"}


@pytest.mark.parametrize("step", range(changes_of_a_job()))
def test_another_build_may_follow_a_killed_one(step: int) -> None:
    world = World(keep=1)
    world.job("b1")
    world.files.dies_at = world.files.changes + step
    with pytest.raises(KilledError):
        world.job("b2")

    world.files.dies_at = None
    for _ in range(2):
        world.clock.time += 2 * HOUR
        world.job("b3")
        assert world.seen() == dict.fromkeys(CURATED, "b3")
    assert world.stored() == {"b3"}


def test_a_job_that_lacks_a_right_takes_readers_back_to_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a switch that a killed job had begun WHEN the catalogue denies the next one a look THEN
    it is told, and a job that has the right finishes the switch.
    """
    world.job("b1")
    killed = world.publisher

    def publish_and_die() -> None:
        with killed.lease.held("job b2"):
            world.build(killed, "b2")
            world.files.dies_at = world.files.changes + 3
            killed.publish("b2")

    with pytest.raises(KilledError):
        publish_and_die()
    world.files.dies_at = None
    world.clock.time += 2 * HOUR
    begun = world.publisher.current()
    assert begun is not None
    assert (begun.is_settled, begun.target) == (False, "b2")

    publisher = world.publisher
    with monkeypatch.context() as denied, publisher.lease.held("repair"):
        refusal = Mock(side_effect=[CatalogueDeniedError("no"), world.catalogue.locations()])
        denied.setattr(world.catalogue, "locations", refusal)
        with pytest.raises(CatalogueDeniedError):
            publisher.repair()

    assert world.publisher.current() == begun
    with publisher.lease.held("repair"):
        publisher.repair()
    assert world.seen() == dict.fromkeys(CURATED, "b2")


def test_a_broken_rule_keeps_readers_where_they_are(world: World) -> None:
    world.job("b1")
    write_build(world.files, CURATED_URI, "b2")
    broken = ["keys_unique:works", "not_empty:subjects"]
    world.record("b2", broken)

    with pytest.raises(RulesFailedError, match="keys_unique:works, not_empty:subjects") as caught:
        world.publish("b2")

    assert caught.value.fields["rules"] == ["keys_unique:works", "not_empty:subjects"]
    assert world.seen() == dict.fromkeys(CURATED, "b1")


def test_a_build_that_is_not_whole_cannot_be_published(world: World) -> None:
    world.job("b1")
    write_build(world.files, CURATED_URI, "b2")

    with pytest.raises(BuildMissingError, match=r"restore the former version of s3\S+/b2\.json"):
        world.publish("b2")

    assert world.seen() == dict.fromkeys(CURATED, "b1")


def test_publishing_again_changes_nothing(world: World) -> None:
    world.job("b1")
    before, calls = dict(world.files.files), world.catalogue.calls
    world.clock.time += HOUR

    world.publish("b1")
    world.publisher.tidy()

    assert {k: v for k, v in world.files.files.items() if k != LEASE_URI} == {
        k: v for k, v in before.items() if k != LEASE_URI
    }
    assert world.catalogue.calls == calls + 1, "it looks where readers are, and switches nothing"


def test_a_number_of_builds_is_kept_and_none_goes_while_a_query_may_read_it(world: World) -> None:
    for build in ("b1", "b2", "b3", "b4"):
        world.job(build)
        world.clock.time += timedelta(minutes=40)

    assert world.stored() == {"b2", "b3", "b4"}, "b2 was left 40 minutes ago"

    world.clock.time += HOUR
    world.job("b5")
    assert world.stored() == {"b4", "b5"}


def test_builds_that_never_were_published_are_cleaned_up(world: World) -> None:
    write_build(world.files, CURATED_URI, "half")
    write_build(world.files, CURATED_URI, "failed")
    world.record("failed", ["not_empty:works"])

    world.job("b1")

    assert world.stored() == {"b1"}
    assert world.publisher.record("failed") is None


def test_publishing_while_a_job_builds_waits_for_it(world: World) -> None:
    """GIVEN a job that builds WHEN an operator goes back THEN the operator is refused."""
    world.job("b1")
    world.job("b2")
    builder, operator = world.publisher, world.publisher
    with builder.lease.held("build b3"):
        operator.lease.sleep = lambda seconds: renew(world, builder)
        with pytest.raises(LeaseHeldError, match="build b3"), operator.lease.held("publish b1"):
            operator.publish("b1")

    assert world.seen() == dict.fromkeys(CURATED, "b2")


def renew(world: World, publisher: Publisher) -> None:
    world.clock.time += DURATION / 2
    publisher.lease.require()


@pytest.mark.parametrize("step", ["attempt", "record", "publish", "note"])
def test_a_job_that_overslept_changes_nothing_more(world: World, step: str) -> None:
    world.job("b1")
    late = world.publisher
    steps: dict[str, Callable[[], object]] = {
        "attempt": lambda: late.new_attempt("p"),
        "record": lambda: late.record_build(record_of(world.files, CURATED_URI, "b3")),
        "publish": lambda: late.publish("b1"),
        "note": lambda: late.note_loaded("b1"),
    }
    with late.lease.held("late"):
        world.clock.time += 2 * DURATION
        world.job("b3")
        before = dict(world.files.files)
        with pytest.raises(LeaseLostError):
            steps[step]()

    assert {k: v for k, v in before.items() if k != LEASE_URI} == {
        k: v for k, v in world.files.files.items() if k != LEASE_URI
    }
    assert world.seen() == dict.fromkeys(CURATED, "b3")


def attempt(world: World, plan: str) -> str:
    """Do what a job does up to the publication: finish what another wrote, or write."""
    publisher = world.publisher
    with publisher.lease.held(plan):
        found = [record.build for record in publisher.attempts(plan) if publisher.is_whole(record)]
        if found:
            return found[0]
        build = publisher.new_attempt(plan)
        world.build(publisher, build)
        return build


def test_an_attempt_that_is_whole_is_found_again(world: World) -> None:
    first = attempt(world, "p")

    assert attempt(world, "p") == first
    assert attempt(world, "q") != first


def test_an_attempt_that_lacks_a_file_is_repeated_in_folders_of_its_own(world: World) -> None:
    first = attempt(world, "p")
    world.files.delete(f"{CURATED_URI}{CURATED['works'].folder(first)}")

    second = attempt(world, "p")

    assert second != first
    assert world.stored() == {first, second}


def test_a_job_that_overslept_inside_a_deletion_deletes_nothing_in_use(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a job that removes an attempt and pauses in its first deletion WHEN a successor builds
    the same plan and publishes it, and the deletion takes place after that THEN readers see the
    successor's build, whole.
    """
    world.job("b1")
    removed = attempt(world, "p")
    late, delete = world.publisher, world.files.delete
    published: list[str] = []

    def oversleep(uri: str) -> None:
        monkeypatch.setattr(world.files, "delete", delete)
        world.clock.time += 2 * DURATION
        published.append(attempt(world, "p"))
        world.publish(published[0])
        delete(uri)

    monkeypatch.setattr(world.files, "delete", oversleep)
    with pytest.raises(LeaseLostError), late.lease.held("late"):
        late.publish("b1")

    assert published != [removed]
    assert world.seen() == dict.fromkeys(CURATED, published[0])
    assert late.record(published[0]) is not None


def test_a_build_that_is_being_removed_is_never_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.job("b1")
    world.job("b2")
    removed = attempt(world, "p")
    world.clock.time += HOUR

    def die(_: str) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(world.files, "delete", die)
        with pytest.raises(KilledError):
            world.publish("b2")

    with pytest.raises(BuildMissingError, match="is being removed"):
        world.publish(removed)
    assert world.seen() == dict.fromkeys(CURATED, "b2")


@pytest.mark.parametrize("damage", ["empty", "lacks a file", "has a file more"])
def test_a_build_whose_files_are_not_those_of_its_record_is_refused(
    world: World, damage: str
) -> None:
    for build in ("b1", "b2"):
        world.job(build)
    folder = f"{CURATED_URI}{CURATED['subjects'].folder('b1')}"
    if damage == "empty":
        for table in CURATED.values():
            world.files.delete(f"{CURATED_URI}{table.folder('b1')}")
    elif damage == "lacks a file":
        world.files.delete(folder)
    else:
        world.files.write(f"{folder}part-1.parquet", b"1")

    with pytest.raises(BuildDamagedError, match="subjects has"):
        world.publish("b1")

    assert world.seen() == dict.fromkeys(CURATED, "b2")


def test_rows_without_a_file_are_refused_when_they_are_recorded(world: World) -> None:
    publisher = world.publisher
    with publisher.lease.held("build"):
        record = record_of(world.files, CURATED_URI, "b1")
        with pytest.raises(BuildDamagedError, match="works has 1 rows and no file"):
            publisher.record_build(record)

    assert publisher.record("b1") is None


def test_the_ledger_of_a_killed_job_is_written_by_whoever_comes_next(world: World) -> None:
    """GIVEN a job that died before its run's ledger WHEN another run's build follows THEN both runs
    have theirs.
    """
    world.job("b1")
    ledger = f"{RUNS_URI}run_id={RUN}/curated.json"
    first = world.files.files.pop(ledger)

    world.job("b2")

    assert CuratedLedger.model_validate_json(world.files.files[ledger]).build == "b2"
    world.files.files[ledger] = first
    world.job("b3")
    assert world.files.files[ledger] == first, "the first build that has the run stays noted"


def test_a_ledger_of_an_older_version_is_told_the_fingerprint(world: World) -> None:
    """GIVEN a run's ledger without a fingerprint THEN it is written anew, even without a new run:
    the run's day is not compacted before.
    """
    world.job("b1")
    ledger = f"{RUNS_URI}run_id={RUN}/curated.json"
    told = CuratedLedger.model_validate_json(world.files.files[ledger])
    older = told.model_dump_json(exclude={"fingerprint"})
    world.files.files[ledger] = older.encode()

    world.publisher.tidy()

    assert CuratedLedger.model_validate_json(world.files.files[ledger]) == told


def test_nothing_to_do_asks_nothing_of_the_catalogue(world: World) -> None:
    world.job("b1")
    calls, before = world.catalogue.calls, dict(world.files.files)

    world.publisher.tidy()

    assert (world.catalogue.calls, world.files.files) == (calls, before)


def test_a_half_switched_build_stays_for_the_queries_that_read_it(world: World) -> None:
    """GIVEN a switch to b2 that died half way WHEN b3 is published, and b4 five minutes later THEN
    b2 stays until an hour after readers left it.
    """
    world.keep = 1
    world.job("b1")
    kill_half_way(world, "b2")
    publisher = world.publisher
    with publisher.lease.held("b3"):
        world.build(publisher, "b3")
        publisher.publish("b3")
    world.clock.time += timedelta(minutes=5)
    world.job("b4")
    assert world.stored() == {"b1", "b2", "b3", "b4"}

    world.clock.time += timedelta(minutes=56)
    world.publisher.tidy()
    assert world.stored() == {"b3", "b4"}


def kill_half_way(world: World, build: str) -> None:
    with pytest.raises(KilledError):
        killed_at_switch(world, build)
    world.files.dies_at = None
    assert set(world.seen().values()) == {"b1", build}
    world.clock.time += DURATION


def killed_at_switch(world: World, build: str) -> None:
    publisher = world.publisher
    with publisher.lease.held(build):
        world.build(publisher, build)
        # The record of the switch, then four of the tables.
        world.files.dies_at = world.files.changes + 5
        publisher.publish(build)


def test_a_switch_that_died_half_way_is_finished_without_another_run(world: World) -> None:
    world.job("b1")
    kill_half_way(world, "b2")

    world.publisher.tidy()

    assert world.seen() == dict.fromkeys(CURATED, "b2")


def test_a_switch_to_a_damaged_build_is_taken_back(world: World) -> None:
    world.job("b1")
    kill_half_way(world, "b2")
    world.files.delete(f"{CURATED_URI}{CURATED['author_rankings'].folder('b2')}")

    world.publisher.tidy()

    assert world.seen() == dict.fromkeys(CURATED, "b1")


@dataclass
class FileCatalogue:
    """A catalogue of one file per table."""

    files: LocalFiles
    folder: str

    def switch(self, table: CuratedTable, location: str, token: int) -> None:
        self.files.write(f"{self.folder}{table.name}", location.encode())

    def locations(self) -> Mapping[str, str]:
        found = {name: self.files.read(f"{self.folder}{name}") for name in CURATED}
        return {name: location.decode() for name, location in found.items() if location}


@dataclass
class Reader(threading.Thread):
    """Queries all tables again and again, by the way of the record and by that of the catalogue."""

    publisher: Publisher
    stop: threading.Event
    rounds: int = 0
    holes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        with duckdb.connect() as database:
            while not self.stop.is_set():
                self.look(database)
                self.rounds += 1

    def look(self, database: duckdb.DuckDBPyConnection) -> None:
        current = self.publisher.current()
        assert current is not None
        expected = {
            f"{self.publisher.curated}{table.folder(current.build)}": current.build
            for table in CURATED.values()
        }
        for location in self.publisher.catalogue.locations().values():
            expected[location] = location.rpartition("build=")[2].rstrip("/")
        for location, build in expected.items():
            files = f"{location.removeprefix('file://')}*.parquet"
            try:
                found = database.execute("select build from read_parquet(?)", [files]).fetchall()
            except duckdb.Error as error:
                found = [(str(error),)]
            if found != [(build,)]:
                self.holes.append(f"{location}: {found}")


def test_readers_in_a_loop_never_see_a_hole(tmp_path: Path) -> None:
    files = LocalFiles()
    lease = Lease(files, f"file://{tmp_path}/curated_data/_lease.json")
    publisher = Publisher(
        files,
        FileCatalogue(files, f"file://{tmp_path}/catalogue/"),
        f"file://{tmp_path}/curated_data/",
        f"file://{tmp_path}/runs/",
        Retention(2, timedelta(seconds=60)),
        lease,
    )

    def publish(build: str) -> None:
        with lease.held(build):
            write_build(files, publisher.curated, build)
            publisher.record_build(record_of(files, publisher.curated, build))
            publisher.publish(build)

    publish("b0")
    stop = threading.Event()
    readers = [Reader(publisher, stop) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 30):
        publish(f"b{number}")
    stop.set()
    for reader in readers:
        reader.join()

    assert [reader.holes for reader in readers] == [[], []]
    assert all(reader.rounds > 2 for reader in readers)


@pytest.mark.parametrize(("name", "build"), [("_current.json", "b2"), ("_builds/b1.json", "b1")])
def test_a_record_that_cannot_be_read_is_named(world: World, name: str, build: str) -> None:
    world.job("b1")
    world.files.write(f"{CURATED_URI}{name}", b"{")
    act = {"b1": world.publish, "b2": world.job}[build]

    with pytest.raises(LedgerUnreadableError, match=rf"{name} cannot be read .*: restore its"):
        act(build)


def test_a_run_s_ledger_that_cannot_be_read_is_written_anew(world: World) -> None:
    """GIVEN what the build's record says as well THEN one damaged file holds up no publication."""
    world.job("b1")
    ledger = f"{RUNS_URI}run_id={RUN}/curated.json"
    world.files.write(ledger, b"{")

    world.job("b2")

    assert b'"build":"b2"' in (world.files.read(ledger) or b"")
    assert world.seen() == dict.fromkeys(CURATED, "b2")
