"""The memory of a long crawl."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common.results import Report
from benchmarks.ingest.suite.crawls import crawl_with_ingest
from benchmarks.ingest.suite.environment import stand_in


def measure_memory(report: Report, pages: int) -> None:
    """Measure what the second half of a long crawl adds, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        half, end = pool.apply(peaks, (pages,))
    name = f"memory after {pages} pages over memory after half of them"
    report.at_most(name, end / half, "x", 1.05)
    report.detail(f"peak memory after {pages} pages of 200 works", end, "MiB")


def peaks(pages: int) -> tuple[float, float]:
    """Crawl so many pages of 200 works; return the peak memory (MiB) at half time and the end."""
    with TemporaryDirectory() as name, stand_in({"long": pages * 200}) as server:
        _, watch = crawl_with_ingest(server.url, Path(name), ["long"], rate=1000, page_size=200)
    return watch.peak[pages // 2 - 1], watch.peak[pages - 1]
