"""Measure glue_etl on local Spark: ``./pants run benchmarks/glue_etl -- --json FILE``.

The same job on a number of generated works and on four times as many: its time, its memory and its
files, beside DuckDB that makes the same tables; an increment; and the dashboard's questions, asked
of the processed small files and of the curated tables.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from benchmarks.common.results import Report
from benchmarks.glue_etl.suite.bulk import measure_bulk
from benchmarks.glue_etl.suite.generated import add_works, generate
from benchmarks.glue_etl.suite.jobs import Watched, run_job, run_peer
from benchmarks.glue_etl.suite.layout import WORKS as LAYOUT_WORKS
from benchmarks.glue_etl.suite.layout import measure_layout
from benchmarks.glue_etl.suite.planning import measure_planning
from benchmarks.glue_etl.suite.queries import query_seconds
from glue_etl.testing.lake import Lake

WORKS: Final = 1_000_000
QUICK_WORKS: Final = 100_000
GROWTH: Final = 4
#: Of the works, how many a further run brings.
INCREMENT: Final = 0.01
HEAP_MIB: Final = 2048
#: What DuckDB may take: what Spark takes with such a heap.
PEER_MIB: Final = 3072
MASTER: Final = "local[2]"


@dataclass(frozen=True)
class Measured:
    """The job and its peer on one lake."""

    spark: Watched
    duckdb: Watched


def measure_job(report: Report, lake: Lake, name: str) -> Measured:
    """Build a lake's tables both ways, and note what that took.

    Raises
    ------
    RuntimeError
        When the two do not agree on the rows.
    """
    found = Measured(build(lake), run_peer(lake, PEER_MIB))
    rows = {
        way: {table: made["rows"] for table, made in watched.result["tables"].items()}
        for way, watched in (("Spark", found.spark), ("DuckDB", found.duckdb))
    }
    if rows["Spark"] != rows["DuckDB"]:
        raise RuntimeError(f"Spark and DuckDB made other tables: {rows}")
    note(report, f"{name}, Spark", found.spark)
    note(report, f"{name}, DuckDB", found.duckdb)
    for part, seconds in found.spark.result["seconds"].items():
        report.detail(f"{name}, Spark: {part}", seconds, "s")
    for table, made in found.spark.result["tables"].items():
        report.detail(f"{name}: {table}", made["rows"], "rows")
        report.detail(f"{name}: {table}", made["files"], "files")
        report.detail(f"{name}: {table}", made["bytes"] / 2**20, "MiB")
    return found


def build(lake: Lake) -> Watched:
    """Run the job as it is run here."""
    return run_job(lake, master=MASTER, driver_memory=f"{HEAP_MIB}m")


def note(report: Report, name: str, watched: Watched) -> None:
    """Note what a process took."""
    report.detail(f"{name}: wall", watched.wall, "s")
    report.detail(f"{name}: CPU", watched.cpu, "s")
    report.detail(f"{name}: peak memory", watched.memory, "MiB")


def measure_increment(report: Report, lake: Lake, works: int, full: Watched) -> None:
    """Add a run to a lake that is built, and build again."""
    more = int(works * INCREMENT)
    add_works(lake, works, more)
    done = build(lake)
    if done.result["mode"] != "incremental":
        raise RuntimeError(f"the further run was not an increment: {done.result}")
    name = f"{works:,} works and {more:,} new ones"
    note(report, name, done)
    report.detail(f"{name}: wall, of that of the full build", done.wall / full.wall, "x")


def measure_queries(report: Report, lake: Lake) -> None:
    """Ask the dashboard's questions both ways."""
    seconds = query_seconds(lake, 5)
    processed = sum(slow for slow, _ in seconds.values())
    curated = sum(fast for _, fast in seconds.values())
    report.at_least("dashboard's queries, processed over curated", processed / curated, "x", 8)
    for name, (slow, fast) in seconds.items():
        report.detail(f"{name}, processed", 1000 * slow, "ms")
        report.detail(f"{name}, curated", 1000 * fast, "ms")


def measure(report: Report, works: int, console: Console) -> None:
    """Take all measurements, telling which one is in work."""
    measured = []
    for size in (works, GROWTH * works):
        with TemporaryDirectory(prefix="glue_etl-") as folder:
            console.print(f"{size:,} works: generating ...")
            lake = generate(Path(folder), size)
            console.print(f"{size:,} works: building, by Spark and by DuckDB ...")
            measured.append(measure_job(report, lake, f"{size:,} works"))
            if size == works:
                console.print("asking the dashboard's questions ...")
                measure_queries(report, lake)
                console.print("building an increment ...")
                measure_increment(report, lake, works, measured[0].spark)
    small, large = measured
    report.at_most(
        f"time, {GROWTH} times the works",
        large.spark.wall / small.spark.wall,
        "x",
        4.4,
        large.duckdb.wall / small.duckdb.wall,
    )
    report.at_most(
        "peak memory of the larger job over its configured heap",
        large.spark.memory / HEAP_MIB,
        "x",
        1.5,
        large.duckdb.memory / PEER_MIB,
    )


def main() -> None:
    """Measure, print the tables, and write the figures as JSON where asked."""
    parser = argparse.ArgumentParser(prog="benchmarks/glue_etl", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_WORKS:,} works, where starting counts"
    )
    parser.add_argument(
        "--planning", action="store_true", help="only how long Spark takes to find many pages"
    )
    parser.add_argument(
        "--layout", action="store_true", help="only what files of key ranges cost and spare"
    )
    parser.add_argument("--bulk", action="store_true", help="only what loading a dump costs")
    options = parser.parse_args()
    report = Report()
    if options.planning:
        with TemporaryDirectory(prefix="glue_etl-") as folder:
            measure_planning(report, Lake(Path(folder)), MASTER)
    elif options.layout:
        with TemporaryDirectory(prefix="glue_etl-") as folder:
            lake = generate(Path(folder), LAYOUT_WORKS)
            measure_layout(report, lake, MASTER)
    elif options.bulk:
        with TemporaryDirectory(prefix="glue_etl-") as folder:
            measure_bulk(report, Lake(Path(folder)), MASTER)
    else:
        measure(report, QUICK_WORKS if options.quick else WORKS, Console(stderr=True))
    report.print(Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140))
    if options.json:
        report.write(options.json)


if __name__ == "__main__":
    main()
