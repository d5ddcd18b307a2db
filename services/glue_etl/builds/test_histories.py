"""Histories of chance: in whatever order runs and dumps come, tables are a full build's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from glue_etl.conftest import Build, put_dump, put_run
from glue_etl.errors import RulesFailedError
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


def test_a_dump_retracts_what_it_lacks_unless_it_is_refused_or_excluded(
    lake: Lake, etl: Build
) -> None:
    """GIVEN works of a crawl and of a dump WHEN the next dump lacks one THEN it leaves the tables,
    and is back when that dump is excluded; a dump of next to nothing breaks a rule and is refused.
    """
    works: list[dict[str, Any]] = [
        {"work_key": f"/works/OL{number}W", "subjects": ["love"]} for number in range(1, 9)
    ]
    later = "20261130" + DUMP
    lake.put_run(FIRST[0], {"love": works})
    lake.put_dump(FIRST[1], works)
    etl(lake)

    lake.put_dump(later, works[:1])
    with pytest.raises(RulesFailedError, match=r"rows_within_bounds:works\b"):
        etl(lake, slack_rows=0)
    assert len(keys(lake)) == 8

    lake.put_dump(later, works[:6], unreadable=[works[6]["work_key"]])
    assert etl(lake, slack_rows=0)["mode"] == "full"
    assert keys(lake) == {work["work_key"] for work in works[:7]}

    etl(lake, exclude=later, reason="it lacks a work that is there")
    assert len(keys(lake)) == 8


def keys(lake: Lake) -> set[str]:
    """Return the works of the published tables, which each table that refers to them has."""
    tables = read_tables(lake.root / "curated_data")
    found = {row["work_key"] for row in tables["works"]}
    assert {row["work_key"] for row in tables["work_subjects"]} == found
    return found
