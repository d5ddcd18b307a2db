"""Measure glue_etl on local Spark: ``./pants run benchmarks/glue_etl -- --json FILE``.

The same job on a number of generated works and on four times as many: its time, its memory and its
files; then the dashboard's questions on processed small files and on curated tables.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from benchmarks.common.results import Report
from benchmarks.glue_etl.suite.generated import generate
from benchmarks.glue_etl.suite.jobs import Watched, run_job
from benchmarks.glue_etl.suite.queries import query_seconds
from glue_etl.testing.lake import Lake

GROWTH: Final = 4
HEAP_MIB: Final = 2048
MASTER: Final = "local[2]"


def measure_job(report: Report, works: int, folder: Path, queries: bool) -> Watched:
    """Generate a lake, build its tables, and note what that took."""
    lake = generate(folder, works)
    done = run_job(lake, master=MASTER, driver_memory=f"{HEAP_MIB}m")
    name = f"{works:,} works"
    report.detail(f"{name}: wall", done.wall, "s")
    report.detail(f"{name}: CPU", done.cpu, "s")
    report.detail(f"{name}: peak memory of all processes", done.memory, "MiB")
    for part, seconds in done.result["seconds"].items():
        report.detail(f"{name}: {part}", seconds, "s")
    for table, made in done.result["tables"].items():
        report.detail(f"{name}: {table}", made["rows"], "rows")
        report.detail(f"{name}: {table}", made["files"], "files")
        report.detail(f"{name}: {table}", made["bytes"] / 2**20, "MiB")
    if queries:
        measure_queries(report, lake)
    return done


def measure_queries(report: Report, lake: Lake) -> None:
    """Ask the dashboard's questions both ways."""
    seconds = query_seconds(lake, 5)
    processed = sum(slow for slow, _ in seconds.values())
    curated = sum(fast for _, fast in seconds.values())
    report.at_least("dashboard's queries, processed over curated", processed / curated, "x", 8)
    for name, (slow, fast) in seconds.items():
        report.detail(f"{name}, processed", 1000 * slow, "ms")
        report.detail(f"{name}, curated", 1000 * fast, "ms")


def main() -> None:
    """Measure, print the tables, and write the figures as JSON where asked."""
    parser = argparse.ArgumentParser(prog="benchmarks/glue_etl", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--works", type=int, default=1_000_000, help="works of the smaller lake")
    options = parser.parse_args()
    report, console = Report(), Console(stderr=True)
    measured = []
    for works in (options.works, GROWTH * options.works):
        console.print(f"{works:,} works: generating, then building ...")
        with TemporaryDirectory(prefix="glue_etl-") as name:
            queries = works == options.works
            measured.append(measure_job(report, works, Path(name), queries))
    small, large = measured
    report.at_most(f"time, {GROWTH} times the works", large.wall / small.wall, "x", 4.4)
    report.at_most(
        "peak memory of the larger job over its configured heap", large.memory / HEAP_MIB, "x", 1.5
    )
    report.print(Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140))
    if options.json:
        report.write(options.json)


if __name__ == "__main__":
    main()
