"""Every table is what DuckDB makes of the same processed files."""

from __future__ import annotations

from typing import Any

import pytest

from glue_etl.conftest import put_run
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
def both(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, Tables]:
    from pyspark.sql import functions as F  # noqa: N812

    from glue_etl.arguments import JobArguments
    from glue_etl.pipeline import Bounds, State, state_of_runs, write_tables
    from glue_etl.writing import TableWriter

    lake = Lake(tmp_path_factory.mktemp("lake"))
    for seed in range(3):
        put_run(lake, f"2026112{seed}T060000Z", seed)
    arguments = JobArguments.parse(lake.arguments(**ARGUMENTS))
    files = {
        table: [
            f"file://{path}" for path in (lake.root / "processed_data" / table).rglob("*.parquet")
        ]
        for table in ("works", "subject_snapshots", "subject_facets")
    }
    state = state_of_runs(spark, files)
    # Rows that come in another order, from other partitions, are the same rows.
    shuffled = State(
        *(
            frame.repartition(3, F.rand(7))
            for frame in (state.works, state.listings, state.counts, state.years)
        )
    )
    write_tables(shuffled, TableWriter(spark, lake.curated, "b"), Bounds.of(arguments))
    mine = read_tables(lake.root / "curated_data", "b")
    return mine, duckdb_tables(lake.root / "processed_data", BOUNDS)


@pytest.mark.parametrize("name", CURATED)
def test_the_table_is_what_duckdb_makes(both: tuple[Tables, Tables], name: str) -> None:
    mine, theirs = both

    assert mine[name] == theirs[name]
    assert mine[name], "a comparison of nothing shows nothing"
