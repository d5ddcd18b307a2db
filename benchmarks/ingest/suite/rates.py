"""How near a crawl comes to the allowed rate, and never above it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.common.results import Report
from benchmarks.ingest.suite.crawls import Crawled, crawl_sequentially, crawl_with_ingest
from benchmarks.ingest.suite.dlt_peer import crawl_with_dlt
from benchmarks.ingest.suite.surroundings import Server, crowded, refusals, stand_in, windows

RATE: Final = 3
PAGE_SIZE: Final = 100
LATENCIES_MS: Final = (200, 1000)
#: Several subjects, so that their first pages, which must come before the others, overlap.
SUBJECTS: Final = 6
PEER_PAGES: Final = 12
#: By latency: enough that dlt's start does not count.
DLT_PAGES: Final = {200: 60, 1000: 20}
#: OpenLibrary's own: 180 requests a minute, burst 25.
_LIMIT: Final = ("--rate-limit",)


def measure_rates(report: Report, pages: int) -> None:
    """Measure the time against the floor: the last request cannot be sent before its turn."""
    for latency in LATENCIES_MS:
        ours = _ingest(report, latency, pages)
        loop = _peer(report, latency, "a requests loop", PEER_PAGES, _sequential)
        dlt = _peer(report, latency, "dlt's REST source", DLT_PAGES[latency], _dlt)
        name = f"wall over the floor at {RATE}/s, latency {latency} ms"
        report.at_most(name, ours, "x", 1.05, loop)
        report.detail(f"{name}: dlt's REST source", dlt, "x")


def _floor(pages: int, latency_ms: float) -> float:
    return (pages - 1) / RATE + latency_ms / 1000


def _ingest(report: Report, latency: int, pages: int) -> float:
    each = max(pages // SUBJECTS, 1) * PAGE_SIZE
    works = {f"subject_{number}": each for number in range(SUBJECTS)}
    with TemporaryDirectory() as name, stand_in(works, latency, _LIMIT) as server:
        crawled, _ = crawl_with_ingest(
            server.url, Path(name), list(works), rate=RATE, page_size=PAGE_SIZE
        )
        arrivals = server.arrivals()
    times = [one.time for one in arrivals]
    report.at_most(f"refusals at latency {latency} ms", refusals(arrivals), "requests", 0)
    report.at_most(
        f"windows of 1 s above the rate at latency {latency} ms",
        crowded(times, RATE),
        "windows",
        0,
    )
    name = f"shortest time of {RATE + 1} requests at latency {latency} ms"
    report.detail(name, min(windows(times, RATE)), "s")
    return crawled.wall / _floor(crawled.pages, latency)


def _sequential(server: Server, folder: Path, pages: int) -> Crawled:
    return crawl_sequentially(
        server.url, folder, "peer", rate=RATE, page_size=PAGE_SIZE, pages=pages
    )


def _dlt(server: Server, folder: Path, pages: int) -> Crawled:
    return crawl_with_dlt(server.url, folder, "peer", page_size=PAGE_SIZE, pages=pages)


def _peer(
    report: Report,
    latency: int,
    peer: str,
    pages: int,
    crawl: Callable[[Server, Path, int], Crawled],
) -> float:
    works = {"peer": pages * PAGE_SIZE}
    with TemporaryDirectory() as name, stand_in(works, latency, _LIMIT) as server:
        wall = crawl(server, Path(name), pages).wall
        arrivals = server.arrivals()
    above = crowded([one.time for one in arrivals], RATE)
    report.detail(f"refusals at latency {latency} ms: {peer}", refusals(arrivals), "requests")
    report.detail(f"windows above the rate at latency {latency} ms: {peer}", above, "windows")
    return wall / _floor(pages, latency)
