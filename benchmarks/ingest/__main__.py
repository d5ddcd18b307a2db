"""Measure ingest against the OpenLibrary stand-in: ``./pants run benchmarks/ingest``.

The stand-in runs in a process of its own, whose time is not counted. ``--faults`` crawls 50
subjects with 100,000 works through faults and two kills instead, and shows the manifest and what
the stand-in's log proves; it takes some six minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks.common.results import Report
from benchmarks.ingest.suite.costs import measure_costs
from benchmarks.ingest.suite.faults import measure_faults
from benchmarks.ingest.suite.memory import measure_memory
from benchmarks.ingest.suite.rates import measure_rates
from benchmarks.ingest.suite.starts import measure_starts


def measure(report: Report, console: Console, *, quick: bool) -> None:
    """Take all measurements, telling which one is in work."""
    repeats = 3 if quick else 5
    steps: dict[str, Callable[[], None]] = {
        "cold starts": lambda: measure_starts(report, 3 * repeats),
        "CPU time": lambda: measure_costs(report, 40, repeats),
        "memory": lambda: measure_memory(report, 200 if quick else 1000),
        "rates": lambda: measure_rates(report, 30 if quick else 60, 1 if quick else 3),
    }
    for name, step in steps.items():
        console.print(f"measuring {name} ...")
        step()


def main() -> None:
    """Measure, print the table, and write the figures as JSON where asked."""
    parser = argparse.ArgumentParser(prog="benchmarks/ingest", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, noisier figures")
    parser.add_argument("--faults", action="store_true", help="crawl through faults and kills")
    options = parser.parse_args()
    report, progress = Report(), Console(stderr=True)
    out = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140)
    if options.faults:
        measure_faults(report, progress, out)
    else:
        measure(report, progress, quick=options.quick)
    report.print(out)
    if options.json:
        report.write(options.json)


if __name__ == "__main__":
    main()
