"""What the rules judge by, measured on a build that was damaged in every way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.builds.rules import TableFacts
from glue_etl.builds.small_facts import measure_small
from glue_etl.testing.lake import Lake
from glue_etl.testing.tables import current_build
from schemas.curated_tables import CURATED

Measure = Callable[[Any, Lake, str], dict[str, TableFacts]]


def add_row(lake: Lake, table: str, **changes: object) -> None:
    """Write the first row of a table again, changed, to a file of its own."""
    curated = lake.root / "curated_data"
    folder = curated / CURATED[table].folder(current_build(curated))
    rows = pq.read_table(next(folder.iterdir()))
    (first,) = rows.slice(0, 1).to_pylist()
    pq.write_table(pa.Table.from_pylist([first | changes], rows.schema), folder / "more.parquet")


def measure_by_spark(spark: Any, lake: Lake, build: str) -> dict[str, TableFacts]:
    from glue_etl.builds.facts import measure
    from glue_etl.builds.writing import TableWriter

    return measure(TableWriter(spark, lake.curated, build))


def measure_in_memory(spark: Any, lake: Lake, build: str) -> dict[str, TableFacts]:
    return measure_small(LocalFiles(), lake.curated, build)


@pytest.mark.parametrize("measure", [measure_by_spark, measure_in_memory])
def test_nulls_repeats_and_orphans_are_counted(built: Lake, spark: Any, measure: Measure) -> None:
    build = current_build(built.root / "curated_data")
    sound = measure(spark, built, build)
    add_row(built, "works", work_url=None, work_key="/works/OL999999W")
    add_row(built, "authors")
    add_row(built, "work_subjects", work_key="/works/OL0W", subject_key="nowhere")
    add_row(built, "author_rankings", subject_key="#all", rank=10**6, author_key="/authors/OL0A")

    found = measure(spark, built, build)

    for name, facts in sound.items():
        assert facts.distinct_keys == facts.rows > 0, name
        assert not any((*facts.nulls.values(), *facts.orphans.values())), name
    assert (found["works"].rows, found["works"].nulls["work_url"]) == (sound["works"].rows + 1, 1)
    assert found["works"].distinct_keys == found["works"].rows
    assert found["authors"].rows - found["authors"].distinct_keys == 1
    assert found["work_subjects"].orphans == {"work_key": 1, "subject_key": 1}
    assert found["author_rankings"].orphans == {"subject_key": 0, "author_key": 1}
    assert found["subject_history"] == sound["subject_history"]
    assert measure_in_memory(spark, built, build) == measure_by_spark(spark, built, build)
