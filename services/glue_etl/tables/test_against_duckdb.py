"""Every table is what DuckDB makes of the same processed files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.conftest import put_dump, put_run
from glue_etl.settings import JobArguments, SessionArguments
from glue_etl.testing.duckdb_tables import duckdb_tables
from glue_etl.testing.lake import Lake
from glue_etl.testing.tables import read_tables
from schemas.curated_tables import CURATED

BOUNDS = {"min_works": 2, "pair_subjects": 8, "pairs": 15, "tracked": 3, "places": 4}
ARGUMENTS = {
    "pair_min_works": 2,
    "pair_subjects": 8,
    "pair_limit": 15,
    "tracked_subjects": 3,
    "ranking_places": 4,
}
Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake(tmp_path_factory.mktemp("lake"))
    for seed in range(3):
        put_run(made, f"2026112{seed}T060000Z", seed)
    for seed in range(2):
        put_dump(made, f"2026112{seed}T235959Z", seed)
    return made


@pytest.fixture(scope="module")
def theirs(lake: Lake) -> Tables:
    return duckdb_tables(lake.root / "processed_data", BOUNDS)


@pytest.fixture(scope="module", params=["small", "large"])
def written(request: pytest.FixtureRequest, spark: Any, lake: Lake) -> Iterator[tuple[Path, str]]:
    """A build by Spark as it runs for little and for much data, from rows in chance order."""
    from pyspark.sql import functions as F  # noqa: N812

    from glue_etl.adapters.spark_session import tune
    from glue_etl.builds.etl import PLANNED_AT_ONCE
    from glue_etl.builds.pipeline import Bounds, State, state_of_runs, write_tables
    from glue_etl.builds.runs import RunLedger
    from glue_etl.builds.writing import TableWriter
    from glue_etl.compaction.days import Roots
    from glue_etl.tables.precedence import NewestDump

    arguments = JobArguments.parse(lake.arguments(**ARGUMENTS, shuffle_partitions=5))
    tune(spark, arguments, small=request.param == "small")
    # Or Spark would join the partitions of so few rows to one.
    spark.conf.set("spark.sql.adaptive.coalescePartitions.enabled", "false")
    ledger = RunLedger(LocalFiles(), lake.runs, Roots(lake.processed, lake.compacted))
    plan = ledger.plan(None)
    assert plan is not None
    assert plan.newest_dump is not None
    dump = NewestDump(plan.newest_dump, ledger.unreadable_works(plan.newest_dump))
    state = state_of_runs(spark, ledger.input_of(plan.runs), list(plan.runs), dump)
    shuffled = State(
        *(
            frame.repartition(3, F.rand(7))
            for frame in (state.works, state.listings, state.counts, state.years)
        )
    )
    writer = TableWriter(spark, lake.curated, request.param)
    at_once = PLANNED_AT_ONCE if request.param == "small" else 1
    write_tables(shuffled, writer, Bounds.of(arguments), at_once)
    curated = lake.root / "curated_data"
    files_of_works = list((curated / CURATED["works"].folder(request.param)).iterdir())
    assert len(files_of_works) == (1 if request.param == "small" else 5)
    yield curated, request.param
    spark.conf.unset("spark.sql.adaptive.coalescePartitions.enabled")
    tune(spark, SessionArguments(master="local[2]"), small=True)


@pytest.fixture(scope="module")
def mine(written: tuple[Path, str]) -> Tables:
    return read_tables(*written)


@pytest.mark.parametrize("name", CURATED)
def test_each_file_holds_keys_of_its_own(written: tuple[Path, str], name: str) -> None:
    curated, build = written
    table = CURATED[name]
    files = sorted(
        sorted(tuple(row[column] for column in table.sort) for row in rows)
        for file in (curated / table.folder(build)).iterdir()
        if (rows := pq.ParquetFile(file).read().to_pylist())
    )

    assert all(before[-1] < after[0] for before, after in pairwise(files))


@pytest.mark.parametrize("name", CURATED)
def test_the_table_is_what_duckdb_makes(mine: Tables, theirs: Tables, name: str) -> None:
    assert mine[name] == theirs[name]
    assert mine[name], "a comparison of nothing shows nothing"
