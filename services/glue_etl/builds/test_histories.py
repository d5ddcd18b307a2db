"""Histories of chance: in whatever order runs and dumps come, tables are a full build's."""

from __future__ import annotations

import random

import pytest

from glue_etl.conftest import Build, put_dump, put_run
from glue_etl.testing.duckdb_tables import duckdb_tables
from glue_etl.testing.lake import Lake
from glue_etl.testing.tables import read_tables

BOUNDS = {"min_works": 1, "pair_subjects": 1000, "pairs": 10**5, "tracked": 200, "places": 100}
RUN, DUMP = "T060000Z", "T235959Z"
#: With these a history begins: the last of them makes an increment beside a dump.
FIRST = ("20261110" + RUN, "20261112" + DUMP, "20261114" + RUN)
#: Of seed 5: a newer dump, a run from before both, the newest run, and the first dump once more.
STEPS = 4


def steps(chance: random.Random) -> list[str]:
    """Return which runs and dumps are written, one after another; some of them again."""
    days = chance.sample([day for day in range(1, 29) if day not in (10, 12, 14)], STEPS)
    made = list(FIRST)
    for day in days:
        new = f"202611{day:02}{chance.choice((RUN, RUN, DUMP))}"
        made.append(chance.choice((new, new, new, chance.choice(made))))
    return made


@pytest.mark.parametrize("seed", [5])
def test_every_build_of_a_history_is_what_a_full_one_would_be(
    lake: Lake, etl: Build, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  # for tests
    curated, modes = lake.root / "curated_data", []
    for run in steps(chance):
        put = put_dump if run.endswith(DUMP) else put_run
        put(lake, run, chance.randrange(10**6))
        modes.append(etl(lake, max_ratio=100)["mode"])
        expected = duckdb_tables(lake.root / "processed_data", BOUNDS)
        assert read_tables(curated) == expected, (run, modes)

    assert modes == [*("full", "full", "incremental"), *("full", "full", "incremental", "full")]
    built = read_tables(curated)
    assert etl(lake, full="true")["mode"] == "full"
    assert read_tables(curated) == built
