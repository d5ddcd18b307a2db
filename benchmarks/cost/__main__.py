"""Measure what the estimate of costs is made from: ``./pants run benchmarks/cost``.

Calls, bytes and processor time of both functions, for a page, a subject, a run and a heartbeat with
nothing to do. After ``-- --json benchmarks/cost/suite/measured.json``, write the estimate anew with
``./pants run benchmarks/cost/suite/document.py``.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.common.medians import Process, process_usage
from benchmarks.common.results import Report
from benchmarks.cost.suite import shares
from benchmarks.cost.suite.counts import READS, WRITES, calls, count
from benchmarks.cost.suite.lake import Lake, lake
from benchmarks.process.suite.aws import endpoint


def measure_shares(report: Report, made: Lake) -> None:
    """Run three shapes of the lake, and find what a page, a subject and a run take."""
    made.run(1, 1)  # which makes the tables
    counts = {shape: count(made.run(*shape)) for shape in shares.SHAPES}
    for name, unit in counts[shares.FEW]:
        found = shares.of({shape: counted[name, unit] for shape, counted in counts.items()})
        for what, figure in found.items():
            report.detail(f"{what}: {name}", figure, unit)


def measure_time(report: Report, made: Lake, repeats: int) -> None:
    """Measure the processor time of process for a page."""
    found = [made.run(1, 10) for _ in range(repeats)]
    seconds = statistics.median(run.process.cpu_seconds / run.pages for run in found)
    report.detail("page: process", 1000 * seconds, "ms CPU")


def measure_idle(report: Report, made: Lake) -> None:
    """Measure a heartbeat with nothing to do."""
    made.run(1, 1)
    idle = made.idle_heartbeat()
    report.detail("idle heartbeat: reads in S3", calls(idle.calls, READS), "calls")
    report.detail("idle heartbeat: writes and lists in S3", calls(idle.calls, WRITES), "calls")
    report.detail("idle heartbeat: ingest", 1000 * idle.cpu_seconds, "ms CPU")
    report.detail("idle heartbeat: log", idle.log_bytes, "bytes")


def measure_starts(report: Report, repeats: int) -> None:
    """Measure what a container takes before its first event."""
    with TemporaryDirectory() as folder:
        # Their modules are compiled, as those of a package are.
        compiled = {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        imports = {
            name: Process(["-c", f"import {name}.handler"], compiled)
            for name in ("ingest", "process")
        }
        usage = process_usage(imports, repeats)
    for name, used in usage.items():
        report.detail(f"cold start: {name}", 1000 * used.cpu, "ms CPU")


def main() -> None:
    """Measure, print the table, and write the figures as JSON where asked."""
    parser = argparse.ArgumentParser(prog="benchmarks/cost", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args()
    report = Report()
    with endpoint() as aws, lake(aws) as made:
        measure_shares(report, made)
        measure_time(report, made, repeats=5)
        measure_idle(report, made)
        measure_starts(report, repeats=5)
    report.print(Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140))
    if options.json:
        report.write(options.json)
        _add_provenance(options.json)


def _add_provenance(path: Path) -> None:
    written = json.loads(path.read_text("utf-8"))
    provenance = {
        "command": "./pants run benchmarks/cost",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    path.write_text(json.dumps({"provenance": provenance, **written}, indent=2) + "\n")


if __name__ == "__main__":
    main()
