"""What Spark takes to find the rows of many page files: by name, by folder, and compacted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyspark.sql import SparkSession

from benchmarks.common.results import Report
from glue_etl.adapters.local_files import LocalFiles
from glue_etl.adapters.spark_session import start
from glue_etl.builds.runs import RunLedger
from glue_etl.compaction.days import Roots
from glue_etl.settings import JobArguments
from glue_etl.tables.columns import struct_type
from glue_etl.testing.compaction import compact_all, curate_all
from glue_etl.testing.lake import Lake
from schemas.tables import WORKS

PAGES: Final = 5000
_DAYS: Final = 5
_ROWS: Final = 10
_TIMES: Final = 3
#: More than Spark calls small: it lists folders of its own accord otherwise, too.
_INPUT_BYTES: Final = 2**30


@dataclass(frozen=True)
class Found:
    """What was read, and the seconds until the rows were counted."""

    rows: int
    seconds: float


def measure_planning(report: Report, lake: Lake, master: str) -> None:
    """Read the works of a lake of many small pages in three ways, in one Spark.

    Raises
    ------
    RuntimeError
        When they do not agree on the rows.
    """
    for day in range(_DAYS):
        works = [{"work_key": f"/works/OL{number}W"} for number in range(_ROWS)]
        subjects = (f"subject_{number}" for number in range(PAGES // _DAYS))
        lake.put_run(f"2026110{1 + day}T060000Z", dict.fromkeys(subjects, works))
    spark = start(JobArguments.parse(lake.arguments(master=master)), _INPUT_BYTES)
    names = [file.uri for file in LocalFiles().find(f"{lake.processed}works/")]
    read(spark, names[:100])
    by_name = read(spark, names)
    by_folder = read(spark, pages_of(lake))
    files = count_files(lake)
    curate_all(lake)
    started = time.perf_counter()
    compact_all(lake)
    report.detail(f"compaction of {files:,} files: wall", time.perf_counter() - started, "s")
    compacted = read(spark, pages_of(lake))
    spark.stop()
    if not by_name.rows == by_folder.rows == compacted.rows == PAGES * _ROWS:
        raise RuntimeError(f"rows differ: {by_name}, {by_folder}, {compacted}")
    report.detail(f"works of {PAGES:,} pages, by name", by_name.seconds, "s")
    report.detail(f"works of {PAGES:,} pages, by folder", by_folder.seconds, "s")
    report.detail(f"works of {PAGES:,} pages, compacted", compacted.seconds, "s")
    report.detail("files of the processed tables before", files, "files")
    report.detail("files of the processed tables after", count_files(lake), "files")
    ratio = by_name.seconds / compacted.seconds
    report.at_least("reading many pages by name over compacted", ratio, "x", 20)


def pages_of(lake: Lake) -> Sequence[str]:
    """Return where the job reads the works of all runs."""
    ledger = RunLedger(LocalFiles(), lake.runs, Roots(lake.processed, lake.compacted))
    plan = ledger.plan(None)
    table = ledger.input_of(plan.runs if plan else ())[WORKS.name]
    return [*table.pages, *table.compacted]


def read(spark: SparkSession, uris: Sequence[str]) -> Found:
    """Count the rows at some places: the fastest of a few times."""
    schema = struct_type(WORKS.columns)
    found = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        rows = spark.read.schema(schema).parquet(*uris).count()
        found.append(Found(rows, time.perf_counter() - started))
    return min(found, key=lambda one: one.seconds)


def count_files(lake: Lake) -> int:
    """Return the number of Parquet files of the processed tables."""
    folders = (lake.root / name for name in ("processed_data", "compacted_data"))
    return sum(1 for folder in folders for _ in folder.rglob("*.parquet"))
