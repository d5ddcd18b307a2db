"""The job reads compacted days: builds are those of a lake that was never compacted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.compaction.days import Roots
from glue_etl.conftest import FIRST, Build, put_run
from glue_etl.testing.compaction import compact_all
from glue_etl.testing.duckdb_tables import duckdb_tables
from glue_etl.testing.lake import Lake
from glue_etl.testing.random_lake import random_run, random_years
from glue_etl.testing.tables import read_tables

SECOND, SAME_DAY = "20261123T060000Z", "20261122T180000Z"
DEFAULTS = {"min_works": 1, "pair_subjects": 1000, "pairs": 10**5, "tracked": 200, "places": 100}


@dataclass
class TwinLakes:
    """A lake that is compacted, and one with the same runs that is not."""

    lake: Lake
    twin: Lake

    def put_run(self, run: str, seed: int) -> None:
        for lake in (self.lake, self.twin):
            put_run(lake, run, seed)

    def replay_run(self, run: str, seed: int) -> None:
        """Write a run of chance again, every other work of a page corrected, the rest gone."""
        listings = {
            subject: [work | {"title": "Corrected"} for work in works[::2]]
            for subject, works in random_run(seed).items()
        }
        for lake in (self.lake, self.twin):
            lake.put_run(run, listings, random_years(seed, list(listings)))

    def expected(self) -> dict[str, list[dict[str, Any]]]:
        return duckdb_tables(self.twin.root / "processed_data", DEFAULTS)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        return read_tables(self.lake.root / "curated_data")

    def files(self, prefix: str) -> int:
        return sum(1 for _ in (self.lake.root / prefix).rglob("*.parquet"))


@pytest.fixture
def lakes(built: Lake, tmp_path_factory: pytest.TempPathFactory) -> TwinLakes:
    twins = TwinLakes(built, Lake(tmp_path_factory.mktemp("twin")))
    put_run(twins.twin, FIRST, 0)
    return twins


def test_builds_of_compacted_days_are_those_of_their_pages(lakes: TwinLakes, etl: Build) -> None:
    lakes.put_run(SECOND, 1)
    etl(lakes.lake)
    compact_all(lakes.lake)
    assert (lakes.files("processed_data"), lakes.files("compacted_data")) == (0, 6)

    assert etl(lakes.lake)["status"] == "unchanged", "a compacted run is not a replayed one"
    assert etl(lakes.lake, full="true")["mode"] == "full"
    assert lakes.tables() == lakes.expected()


def test_late_and_replayed_runs_of_compacted_days_count_at_once(
    lakes: TwinLakes, etl: Build
) -> None:
    compact_all(lakes.lake)
    assert lakes.files("processed_data") == 0

    lakes.put_run(SAME_DAY, 2)
    assert etl(lakes.lake)["mode"] == "incremental"
    assert lakes.tables() == lakes.expected()

    lakes.replay_run(FIRST, 0)
    replayed = etl(lakes.lake)
    assert (replayed["mode"], replayed["new_runs"]) == ("full", [FIRST])
    assert lakes.tables() == lakes.expected()

    compact_all(lakes.lake)
    assert lakes.files("processed_data") == 0
    assert etl(lakes.lake, full="true")["mode"] == "full"
    assert lakes.tables() == lakes.expected()


def test_a_page_file_comes_before_its_compacted_rows(lakes: TwinLakes, tmp_path: Path) -> None:
    from glue_etl.builds.runs import RunLedger

    compact_all(lakes.lake)
    lakes.replay_run(FIRST, 0)
    roots = Roots(lakes.lake.processed, lakes.lake.compacted)
    found = RunLedger(LocalFiles(), lakes.lake.runs, roots).input_of([FIRST])["works"]

    assert found.pages == (f"{lakes.lake.processed}works/ingest_date=2026-11-22/",)
    assert len(found.compacted) == 1
    assert found.superseded
