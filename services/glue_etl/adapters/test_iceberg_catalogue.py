"""The Iceberg tables keep the promises of the catalogue, and never name a file that is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from glue_etl.adapters.iceberg_catalogue import BUILD, TOKEN
from glue_etl.adapters.local_files import LocalFiles
from glue_etl.adapters.two_catalogues import TwoCatalogues
from glue_etl.errors import (
    BuildPinnedError,
    CatalogueDeniedError,
    CatalogueError,
    LeaseLostError,
)
from glue_etl.ports import Catalogue, FileInfo
from glue_etl.testing.iceberg import ICEBERG, PLAIN, IcebergLake, glue_of_moto
from glue_etl.testing.memory import HOUR, KilledError
from schemas.curated_tables import CURATED, CuratedTable

TABLE = CURATED["works"]


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[IcebergLake]:
    with glue_of_moto() as session:
        yield IcebergLake(tmp_path, session)


def folder(lake: IcebergLake, build: str, table: CuratedTable = TABLE) -> str:
    return f"{lake.curated}{table.folder(build)}"


def switch(lake: IcebergLake, build: str, token: int) -> None:
    lake.iceberg.switch(TABLE, folder(lake, build), token)


def test_every_table_of_a_build_is_an_iceberg_table_over_its_files(lake: IcebergLake) -> None:
    lake.job("b1")

    for name, table in CURATED.items():
        found = lake.table(name)
        snapshot = found.current_snapshot()
        (task,) = found.scan().plan_files()
        assert found.format_version == 2
        assert task.file.file_path == f"{folder(lake, 'b1', table)}part-0.parquet"
        assert snapshot is not None
        assert snapshot.summary is not None
        assert snapshot.summary[BUILD] == "b1"
    assert lake.seen() == dict.fromkeys(CURATED, ["b1"])
    assert lake.iceberg.locations() == {
        name: folder(lake, "b1", table) for name, table in CURATED.items()
    }


def test_the_plain_tables_keep_their_names_and_places(lake: IcebergLake) -> None:
    lake.job("b1")
    found = lake.session.client("glue").get_table(DatabaseName=PLAIN, Name="works")["Table"]

    assert found["StorageDescriptor"]["Location"] == folder(lake, "b1")
    assert "table_type" not in found["Parameters"]


def test_content_is_replaced_in_one_commit_and_the_old_stays_readable(lake: IcebergLake) -> None:
    lake.write("b1")
    lake.write("b2")
    switch(lake, "b1", 1)
    before = lake.table("works")

    switch(lake, "b2", 2)

    after = lake.table("works")
    assert len(after.metadata.metadata_log) == len(before.metadata.metadata_log) + 1
    assert lake.first_column(TABLE) == ["b2"]
    old = before.current_snapshot()
    assert old is not None
    assert after.scan(snapshot_id=old.snapshot_id).to_arrow()["work_key"].to_pylist() == ["b1"]


def test_a_switch_that_was_made_writes_nothing(lake: IcebergLake) -> None:
    lake.write("b1")
    switch(lake, "b1", 1)
    before = lake.table("works").metadata_location

    switch(lake, "b1", 1)

    assert lake.table("works").metadata_location == before


def test_a_job_with_an_older_lease_is_refused(lake: IcebergLake) -> None:
    """GIVEN a table that a later job found in place WHEN an older one would switch it THEN it is
    refused, because the later lease is on record.
    """
    lake.write("b1")
    lake.write("b2")
    switch(lake, "b1", 1)
    switch(lake, "b1", 3)

    with pytest.raises(LeaseLostError):
        switch(lake, "b2", 2)

    assert lake.table("works").properties[TOKEN] == "3"
    assert lake.first_column(TABLE) == ["b1"]


@dataclass
class OvertakenFiles(LocalFiles):
    """Files at whose listing another job switches the table."""

    lake: IcebergLake | None = None

    def find(self, prefix: str) -> list[FileInfo]:
        if self.lake:
            switch(self.lake, "b3", 3)
        return super().find(prefix)


def test_a_job_that_is_overtaken_within_its_switch_does_not_commit(lake: IcebergLake) -> None:
    for build in ("b1", "b2", "b3"):
        lake.write(build)
    switch(lake, "b1", 1)
    late = replace(lake.iceberg, files=OvertakenFiles(lake))

    with pytest.raises(CatalogueError, match="works"):
        late.switch(TABLE, folder(lake, "b2"), 2)

    assert lake.first_column(TABLE) == ["b3"]
    assert lake.table("works").properties[TOKEN] == "3"


def test_a_table_without_rows_has_no_file_and_gets_some_later(lake: IcebergLake) -> None:
    lake.write("b3")
    switch(lake, "b1", 1)
    assert lake.iceberg.locations() == {"works": folder(lake, "b1")}
    switch(lake, "b2", 2)
    assert lake.first_column(TABLE) == []

    switch(lake, "b3", 3)

    assert lake.first_column(TABLE) == ["b3"]


def test_columns_that_a_contract_gains_are_added(
    lake: IcebergLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a table of an older contract WHEN a build has a column more THEN the table has it, and
    the older build, published again, has nulls there.
    """
    added = TABLE.columns[-1].name
    with monkeypatch.context() as older:
        older.setitem(TABLE.__dict__, "columns", TABLE.columns[:-1])
        lake.write("b1")
        switch(lake, "b1", 1)
    assert added not in lake.table("works").schema().column_names

    lake.write("b2")
    switch(lake, "b2", 2)
    assert added in lake.table("works").schema().column_names
    switch(lake, "b1", 3)

    (row,) = lake.rows("works")
    assert (row["work_key"], row[added]) == ("b1", None)


def test_a_table_that_is_not_icebergs_is_left_alone(lake: IcebergLake) -> None:
    glue = lake.session.client("glue")
    glue.create_table(DatabaseName=ICEBERG, TableInput=TABLE.table_input("s3://lake/other/"))

    with pytest.raises(CatalogueError, match="is not an Iceberg table: delete it"):
        switch(lake, "b1", 1)

    found = glue.get_table(DatabaseName=ICEBERG, Name="works")["Table"]
    assert found["StorageDescriptor"]["Location"] == "s3://lake/other/"


def test_a_database_that_is_missing_is_told(lake: IcebergLake) -> None:
    with pytest.raises(CatalogueError, match="Database none does not exist"):
        replace(lake.iceberg, database="none").switch(TABLE, folder(lake, "b1"), 1)


@pytest.mark.parametrize(
    ("failure", "expected", "said"),
    [
        (
            ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetTable"),
            CatalogueDeniedError,
            "AWS denied GetTable on Iceberg table works; give",
        ),
        # As Arrow says it.
        (
            OSError("When reading k in b: AWS Error ACCESS_DENIED during GetObject operation: no"),
            CatalogueDeniedError,
            "AWS denied GetObject on Iceberg table works; give",
        ),
        (
            OSError("AWS Error SLOW_DOWN during GetObject operation: no"),
            CatalogueError,
            "the catalogue failed on Iceberg table works",
        ),
    ],
)
def test_a_right_that_is_missing_is_told_from_what_passes(
    lake: IcebergLake, failure: Exception, expected: type[Exception], said: str
) -> None:
    with pytest.raises(expected, match=said):
        replace(lake.iceberg, catalog=Mock(side_effect=failure)).switch(
            TABLE, folder(lake, "b1"), 1
        )


def test_a_table_that_iceberg_cannot_switch_stays_in_the_plain_catalogue(
    lake: IcebergLake,
) -> None:
    lake.job("b1")
    broken = TwoCatalogues(replace(lake.iceberg, database="none"), lake.plain)

    with pytest.raises(CatalogueError):
        lake.job("b2", broken)

    assert set(lake.plain.locations().values()) == {
        folder(lake, "b1", table) for table in CURATED.values()
    }


def test_catalogues_that_disagree_are_both_told(lake: IcebergLake) -> None:
    lake.job("b1")
    lake.write("b2")
    switch(lake, "b2", int(lake.table("works").properties[TOKEN]) + 1)

    found = lake.both.locations()

    assert "works" not in found
    assert found["authors"] == folder(lake, "b1", CURATED["authors"])
    assert {found["works@1"], found["works@2"]} == {folder(lake, "b1"), folder(lake, "b2")}


@dataclass
class DyingCatalogue:
    """A catalogue whose process dies instead of, or right after, a number of switches."""

    real: Catalogue
    switches: int
    after: bool
    tables: list[str] = field(default_factory=list)

    def switch(self, table: CuratedTable, location: str, token: int) -> None:
        self.tables.append(table.name)
        dies = len(self.tables) > self.switches
        if dies and not self.after:
            raise KilledError
        self.real.switch(table, location, token)
        if dies:
            raise KilledError

    def locations(self) -> Mapping[str, str]:
        return self.real.locations()


@pytest.mark.parametrize(("switches", "after"), [(0, True), (4, False), (8, True)])
@pytest.mark.parametrize("repaired", [False, True], ids=["taken back", "finished"])
def test_a_half_switched_lake_is_made_good(
    lake: IcebergLake, switches: int, after: bool, repaired: bool
) -> None:
    """GIVEN a job that died between the switches of the two catalogues WHEN the next one comes THEN
    all tables of both show one build: the new one, or the old one if the new one is damaged.
    """
    lake.job("b1")
    dying = TwoCatalogues(DyingCatalogue(lake.iceberg, switches, after), lake.plain)
    with pytest.raises(KilledError):
        lake.job("b2", dying)
    if not repaired:
        LocalFiles().delete(f"{folder(lake, 'b2')}part-0.parquet")

    publisher = lake.publisher()
    with publisher.lease.held("repair"):
        publisher.repair()

    build = "b2" if repaired else "b1"
    assert lake.seen() == dict.fromkeys(CURATED, [build])
    assert lake.both.locations() == {
        name: folder(lake, build, table) for name, table in CURATED.items()
    }


def test_readers_go_back_to_a_build_that_is_kept(lake: IcebergLake) -> None:
    lake.job("b1")
    lake.job("b2")
    publisher = lake.publisher()

    with publisher.lease.held("pin"):
        publisher.pin("b1", "b2 is wrong")
        with pytest.raises(BuildPinnedError):
            publisher.publish("b2")
    assert lake.seen() == dict.fromkeys(CURATED, ["b1"])

    with publisher.lease.held("unpin"):
        publisher.unpin()
        publisher.publish("b2")
    assert lake.seen() == dict.fromkeys(CURATED, ["b2"])


def live_files(lake: IcebergLake, name: str) -> set[str]:
    table = lake.table(name)
    return {
        task.file.file_path
        for snapshot in table.snapshots()
        for task in table.scan(snapshot_id=snapshot.snapshot_id).plan_files()
    }


def test_snapshots_stay_as_long_as_their_builds_and_go_with_them(lake: IcebergLake) -> None:
    """GIVEN builds of which two are kept WHEN more follow THEN snapshots tell of the kept ones, all
    the files that they name are there, and manifests of others are gone.
    """
    for build in ("b1", "b2", "b3", "b4", "b5"):
        lake.job(build)
        lake.clock.time += 2 * HOUR
    with (publisher := lake.publisher()).lease.held("another job"):
        publisher.publish("b5")

    for name, table in CURATED.items():
        assert lake.builds_of_snapshots(name) == ["b4", "b5"]
        stored = {f.uri for f in LocalFiles().find(f"{lake.curated}{table.name}/")}
        assert live_files(lake, name) == stored
        found = lake.table(name)
        lists = {s.manifest_list for s in found.snapshots()}
        named = {m.manifest_path for s in found.snapshots() for m in s.manifests(found.io)}
        assert lake.metadata_files(name) == {uri.rpartition("/")[2] for uri in lists | named}


def test_a_build_that_readers_just_left_keeps_its_snapshot(lake: IcebergLake) -> None:
    lake.keep = 1
    lake.job("b1")
    lake.clock.time += 2 * HOUR
    lake.job("b2")
    assert lake.builds_of_snapshots("works") == ["b1", "b2"]

    lake.clock.time += 2 * HOUR
    lake.publisher().tidy()

    assert lake.builds_of_snapshots("works") == ["b2"]
    assert LocalFiles().find(folder(lake, "b1")) == []


@pytest.mark.parametrize("tagged", [False, True])
def test_files_that_a_snapshot_must_keep_are_not_deleted(lake: IcebergLake, tagged: bool) -> None:
    """GIVEN a build that readers are in, or whose snapshot somebody tagged WHEN it would be deleted
    THEN it is not, and the message says what to do.
    """
    lake.job("b1")
    if tagged:
        table = lake.table("works")
        snapshot = table.current_snapshot()
        assert snapshot is not None
        table.manage_snapshots().create_tag(snapshot.snapshot_id, "audit").commit()
        lake.job("b2")

    with pytest.raises(CatalogueError, match="remove the tag or branch"):
        lake.publisher().files.delete(folder(lake, "b1"))

    assert len(LocalFiles().find(folder(lake, "b1"))) == 1


def test_other_files_are_deleted_without_a_look_at_the_catalogue(
    lake: IcebergLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = lake.publisher().files
    files.write(f"{lake.curated}_builds/b1.json", b"{}")

    def refuse(*_: Any) -> None:
        raise AssertionError("the catalogue was asked")

    monkeypatch.setattr("glue_etl.adapters.iceberg_catalogue.GlueCatalog", refuse)
    files.delete(f"{lake.curated}_builds/b1.json")

    assert files.read(f"{lake.curated}_builds/b1.json") is None
