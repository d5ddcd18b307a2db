"""What a line of a dump costs on the bulk route, beside parsing its JSON and nothing else."""

from __future__ import annotations

import json
import time
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.common.results import Report
from benchmarks.glue_etl.suite.jobs import run_bulk
from glue_etl.testing.dumps import dump_lines, write_dump
from glue_etl.testing.lake import Lake
from schemas.keys import DUMP_WORKS, PROCESSED_PREFIX

LINES: Final = 600_000
RUN: Final = "20261031T235959Z"
_BAD_SHARE: Final = 0.001
_PARSED: Final = 100_000
#: Twice those of the first form of the route: 591,000 in 45 s on two cores (November 2026).
_LEAST_A_SECOND: Final = 26_000


def measure_bulk(report: Report, lake: Lake, master: str) -> None:
    """Load a generated dump, not compressed, so that both cores read.

    Raises
    ------
    RuntimeError
        When a line is neither a row nor in quarantine.
    """
    dump = lake.root / "ol_dump_works_2026-10-31.txt"
    write_dump(dump, dump_lines(LINES, bad_share=_BAD_SHARE))
    parsing = seconds_to_parse(dump)
    done = run_bulk(lake, dump=f"file://{dump}", run_id=RUN, master=master)
    rows, refused = done.result["rows"], done.result["quarantined"]
    if rows + refused != LINES:
        raise RuntimeError(f"{rows} rows and {refused} refused of {LINES} lines")
    report.at_least("lines a second on two cores", LINES / done.wall, "lines", _LEAST_A_SECOND)
    report.detail("wall", done.wall, "s")
    report.detail("CPU of a line", 1e6 * done.cpu / LINES, "us")
    report.detail("CPU of a line: parsing its JSON alone", 1e6 * parsing, "us")
    report.detail("peak memory, Java and Python", done.memory, "MiB")
    files = (lake.root / PROCESSED_PREFIX / DUMP_WORKS).rglob("*.parquet")
    report.detail("rows on disk", sum(file.stat().st_size for file in files) / 2**20, "MiB")


def seconds_to_parse(dump: Path) -> float:
    """Return the CPU seconds of reading a line's JSON with Python's own parser."""
    started = time.process_time()
    with dump.open("rb") as lines:
        for line in islice(lines, _PARSED):
            _, _, document = line.rpartition(b"\t")
            try:
                json.loads(document)
            except ValueError:
                continue
    return (time.process_time() - started) / _PARSED
