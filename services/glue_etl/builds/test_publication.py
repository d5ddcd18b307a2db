"""Readers see one whole build after the other, whenever they look and whenever a job dies."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.builds.publication import Publisher, Retention
from glue_etl.errors import BuildMissingError, RulesFailedError
from glue_etl.ports import FileInfo
from glue_etl.testing.builds import RUN, build_of, record_of, write_build
from schemas.curated_tables import CURATED, CuratedTable

HOUR = timedelta(hours=1)


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class Clock:
    time: datetime = datetime(2026, 11, 23, 7, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@dataclass
class MemoryFiles:
    """Files in memory; dies instead of the change number ``dies_at``."""

    files: dict[str, bytes] = field(default_factory=dict)
    changes: int = 0
    dies_at: int | None = None

    def read(self, uri: str) -> bytes | None:
        return self.files.get(uri)

    def write(self, uri: str, body: bytes) -> None:
        self.change()
        self.files[uri] = body

    def find(self, prefix: str) -> list[FileInfo]:
        return sorted(
            FileInfo(uri, len(body)) for uri, body in self.files.items() if uri.startswith(prefix)
        )

    def folders(self, folder: str) -> list[str]:
        below = [uri.removeprefix(folder) for uri in self.files if uri.startswith(folder)]
        return sorted({path.partition("/")[0] for path in below if "/" in path})

    def delete(self, uri: str) -> None:
        # As on S3, where a folder does not go at once.
        for found in list(self.files):
            if found == uri or (uri.endswith("/") and found.startswith(uri)):
                self.change()
                del self.files[found]

    def change(self) -> None:
        if self.changes == self.dies_at:
            raise KilledError
        self.changes += 1


@dataclass
class MemoryCatalogue:
    """A catalogue in memory; a switch counts as a change."""

    files: MemoryFiles
    found: dict[str, str] = field(default_factory=dict)

    def switch(self, table: CuratedTable, location: str) -> None:
        self.files.change()
        self.found[table.name] = location

    def locations(self) -> Mapping[str, str]:
        return self.found


CURATED_URI, RUNS_URI = "s3://lake/curated_data/", "s3://lake/runs/"


@dataclass
class World:
    """A lake in memory, its catalogue and its clock."""

    files: MemoryFiles = field(default_factory=MemoryFiles)
    clock: Clock = field(default_factory=Clock)
    keep: int = 2

    def __post_init__(self) -> None:
        self.catalogue = MemoryCatalogue(self.files)

    @property
    def publisher(self) -> Publisher:
        retention = Retention(self.keep, HOUR)
        return Publisher(self.files, self.catalogue, CURATED_URI, RUNS_URI, retention, self.clock)

    def job(self, build: str) -> None:
        """What a job does with a build, from its first write to its last."""
        publisher = self.publisher
        if publisher.record(build) is None:
            publisher.prepare(build)
            write_build(self.files, CURATED_URI, build)
            publisher.record_build(record_of(build))
        publisher.publish(build)

    def seen(self) -> dict[str, str]:
        """What readers of each table find where the catalogue sends them."""
        found = {}
        for table, location in self.catalogue.found.items():
            body = self.files.read(f"{location}part-0.parquet")
            assert body is not None, f"a hole in {table}"
            found[table] = build_of(body)
        return found

    def stored(self) -> set[str]:
        return {uri.split("build=")[1].split("/")[0] for uri in self.files.files if "build=" in uri}


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


def test_a_broken_rule_keeps_readers_where_they_are(world: World) -> None:
    world.job("b1")
    write_build(world.files, CURATED_URI, "b2")
    world.publisher.record_build(record_of("b2", ["keys_unique:works", "not_empty:subjects"]))

    with pytest.raises(RulesFailedError, match="keys_unique:works, not_empty:subjects") as caught:
        world.publisher.publish("b2")

    assert caught.value.fields["rules"] == ["keys_unique:works", "not_empty:subjects"]
    assert world.seen() == dict.fromkeys(CURATED, "b1")


def test_a_build_that_is_not_whole_cannot_be_published(world: World) -> None:
    world.job("b1")
    write_build(world.files, CURATED_URI, "b2")

    with pytest.raises(BuildMissingError, match="b2"):
        world.publisher.publish("b2")

    assert world.seen() == dict.fromkeys(CURATED, "b1")


def test_publishing_again_changes_nothing(world: World) -> None:
    world.job("b1")
    before = dict(world.files.files)
    world.clock.time += HOUR

    world.publisher.publish("b1")

    assert world.files.files == before


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
    world.publisher.record_build(record_of("failed", ["not_empty:works"]))

    world.job("b1")

    assert world.stored() == {"b1"}
    assert world.publisher.record("failed") is None


@dataclass
class FileCatalogue:
    """A catalogue of one file per table."""

    files: LocalFiles
    folder: str

    def switch(self, table: CuratedTable, location: str) -> None:
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
    publisher = Publisher(
        files,
        FileCatalogue(files, f"file://{tmp_path}/catalogue/"),
        f"file://{tmp_path}/curated_data/",
        f"file://{tmp_path}/runs/",
        Retention(2, timedelta(seconds=60)),
    )

    def publish(build: str) -> None:
        publisher.prepare(build)
        write_build(files, publisher.curated, build)
        publisher.record_build(record_of(build))
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
