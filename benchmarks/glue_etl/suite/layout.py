"""What files of key ranges cost a build, and spare a look-up, beside keys spread by a hash."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql.classic.dataframe import DataFrame

from benchmarks.common.results import Report
from glue_etl.adapters.local_files import LocalFiles
from glue_etl.adapters.spark_session import start
from glue_etl.builds.pipeline import Bounds, state_of_runs, write_tables
from glue_etl.builds.runs import RunLedger
from glue_etl.builds.writing import TableWriter
from glue_etl.compaction.days import Roots
from glue_etl.settings import JobArguments
from glue_etl.testing.lake import Lake
from schemas.curated_tables import CURATED

WORKS: Final = 50_000
#: Of each layout; what Java has yet to compile is paid by builds before them.
_TIMES: Final = 3
#: So small that the tables of this lake have many files, as those of a large one have.
_FILE_MIB: Final = 1
_LOOK_UPS: Final = 100
#: More than Spark on this machine calls small.
_INPUT_BYTES: Final = 2**30
_TABLES: Final = ("works", "work_subjects")

Layout = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Built:
    """A build: its seconds on the clock and of the processor, and its tables' bytes."""

    wall: float
    cpu: float
    bytes: int


def measure_layout(report: Report, lake: Lake, master: str) -> None:
    """Write a lake's tables in both layouts by turns, in one Spark, and look up keys in both."""
    arguments = JobArguments.parse(lake.arguments(master=master, file_mib=_FILE_MIB))
    spark = start(arguments, _INPUT_BYTES)
    layouts: dict[str, Layout] = {"ranges": nullcontext, "hash": by_hash}
    built: dict[str, list[Built]] = {name: [] for name in layouts}
    for turn in range(1 + _TIMES):
        for name in sorted(layouts, reverse=bool(turn % 2)):
            with layouts[name]():
                built[name].append(build(spark, lake, arguments, name))
    spark.stop()
    for what in ("wall", "cpu"):
        turns = zip(built["ranges"][1:], built["hash"][1:], strict=True)
        ratios = [getattr(one, what) / getattr(other, what) for one, other in turns]
        for word, of in (("least", min), ("median", statistics.median), ("most", max)):
            report.detail(f"build, {what}, ranges over hash: {word}", of(ratios), "x")
    size = built["ranges"][-1].bytes / built["hash"][-1].bytes
    report.detail("bytes, ranges over hash", size, "x")
    for table in _TABLES:
        for name in layouts:
            files = files_of(lake, table, name)
            touched = files_touched(files, CURATED[table].sort[0])
            report.detail(f"{table}, {name}: files", len(files), "files")
            report.detail(f"{table}, {name}: of them read by a look-up", touched, "files")


@contextmanager
def by_hash() -> Iterator[None]:
    """Place rows by a hash of the first of the columns that ranges would be made of."""
    ranges = DataFrame.repartitionByRange
    setattr(  # noqa: B010  # a method, for mypy
        DataFrame, "repartitionByRange", lambda rows, *columns: rows.repartition(columns[0])
    )
    try:
        yield
    finally:
        setattr(DataFrame, "repartitionByRange", ranges)  # noqa: B010  # as above


def build(spark: SparkSession, lake: Lake, arguments: JobArguments, name: str) -> Built:
    """Write all tables as the job does; the name of the layout is that of the build."""
    ledger = RunLedger(LocalFiles(), lake.runs, Roots(lake.processed, lake.compacted))
    plan = ledger.plan(None)
    runs = sorted(plan.runs) if plan else []
    wall, cpu = time.perf_counter(), processor_seconds()
    state = state_of_runs(spark, ledger.input_of(runs), runs)
    write_tables(state, TableWriter(spark, lake.curated, name), Bounds.of(arguments))
    files = (file for table in CURATED for file in files_of(lake, table, name))
    return Built(
        time.perf_counter() - wall,
        processor_seconds() - cpu,
        sum(file.stat().st_size for file in files),
    )


def processor_seconds() -> float:
    """Return the processor's seconds of this process and of its Spark."""
    root = psutil.Process()
    times = [one.cpu_times() for one in (root, *root.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def files_of(lake: Lake, table: str, build_id: str) -> Sequence[Path]:
    """Return the files of a table of a build."""
    folder = lake.root / "curated_data" / CURATED[table].folder(build_id)
    return sorted(folder.glob("*.parquet"))


def files_touched(files: Sequence[Path], column: str) -> float:
    """Return how many files may hold a key by their footers, on average over keys of the table."""
    keys = pc.unique(ds.dataset(files).to_table(columns=[column])[column]).to_pylist()
    chosen = keys[:: max(1, len(keys) // _LOOK_UPS)]
    bounds = [_bounds(file, column) for file in files]
    return statistics.fmean(sum(low <= key <= high for low, high in bounds) for key in chosen)


def _bounds(file: Path, column: str) -> tuple[str, str]:
    metadata = pq.read_metadata(file)
    index = metadata.schema.names.index(column)
    groups = [
        metadata.row_group(number).column(index).statistics
        for number in range(metadata.num_row_groups)
    ]
    return min(one.min for one in groups), max(one.max for one in groups)
