"""How near a crawl comes to the allowed rate, and never above it."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.common.results import Report
from benchmarks.ingest.suite.crawls import Crawled, crawl_sequentially, crawl_with_ingest
from benchmarks.ingest.suite.dlt_peer import crawl_with_dlt
from benchmarks.ingest.suite.environment import Server, crowded, refusals, stand_in, windows

RATE: Final = 3
PAGE_SIZE: Final = 100
LATENCIES_MS: Final = (200, 1000)
#: Several subjects, so that their first pages, which must come before the others, overlap.
SUBJECTS: Final = 6
LOOP_PAGES: Final = 12
#: Enough that dlt's start does not count.
DLT_PAGES: Final = 30
#: OpenLibrary's own: 180 requests a minute, burst 25.
_LIMIT: Final = ("--rate-limit",)


@dataclass(frozen=True)
class Measured:
    """A crawl as the server saw it.

    Attributes
    ----------
    over_floor
        Its time over the least that the rate allows.
    refused
        Requests that were refused.
    crowded
        Windows of one second with more requests than the rate.
    shortest
        The shortest time, in seconds, of one request more than the rate allows in a second.
    """

    over_floor: float
    refused: int
    crowded: int
    shortest: float


def measure_rates(report: Report, pages: int, repeats: int) -> None:
    """Measure the time against the floor: the last request cannot be sent before its turn.

    Crawls and peers take turns.
    """
    for latency in LATENCIES_MS:
        found: dict[str, list[Measured]] = defaultdict(list)
        for _ in range(repeats):
            for name, (works, crawl) in _crawls(pages).items():
                found[name].append(_measured(latency, works, crawl))
        _report(report, latency, found)


_Crawl = Callable[[Server, Path], Crawled]


def _crawls(pages: int) -> dict[str, tuple[Mapping[str, int], _Crawl]]:
    each = max(pages // SUBJECTS, 1) * PAGE_SIZE
    works = {f"subject_{number}": each for number in range(SUBJECTS)}
    return {
        "ingest": (works, partial(_ingest, list(works))),
        "a requests loop": ({"peer": LOOP_PAGES * PAGE_SIZE}, _loop),
        "dlt's REST source": ({"peer": DLT_PAGES * PAGE_SIZE}, _dlt),
    }


def _ingest(subjects: Sequence[str], server: Server, folder: Path) -> Crawled:
    crawled, _ = crawl_with_ingest(server.url, folder, subjects, rate=RATE, page_size=PAGE_SIZE)
    return crawled


def _loop(server: Server, folder: Path) -> Crawled:
    return crawl_sequentially(
        server.url, folder, "peer", rate=RATE, page_size=PAGE_SIZE, pages=LOOP_PAGES
    )


def _dlt(server: Server, folder: Path) -> Crawled:
    return crawl_with_dlt(server.url, folder, "peer", page_size=PAGE_SIZE, pages=DLT_PAGES)


def _measured(latency_ms: int, works: Mapping[str, int], crawl: _Crawl) -> Measured:
    with TemporaryDirectory() as name, stand_in(works, latency_ms, _LIMIT) as server:
        crawled = crawl(server, Path(name))
        arrivals = server.arrivals()
    times = [one.time for one in arrivals]
    floor = (crawled.pages - 1) / RATE + latency_ms / 1000
    return Measured(
        crawled.wall / floor,
        refusals(arrivals),
        crowded(times, RATE),
        min(windows(times, RATE)),
    )


def _report(report: Report, latency_ms: int, found: Mapping[str, Sequence[Measured]]) -> None:
    at = f"at {RATE}/s, latency {latency_ms} ms"
    ours, loop = found["ingest"], found["a requests loop"]
    name = f"wall over the floor {at}"
    report.at_most(name, _median(ours), "x", 1.05, _median(loop))
    report.at_most(f"refusals {at}", sum(one.refused for one in ours), "requests", 0)
    above = sum(one.crowded for one in ours)
    report.at_most(f"windows of 1 s above the rate {at}", above, "windows", 0)
    shortest = min(one.shortest for one in ours)
    report.detail(f"shortest time of {RATE + 1} requests {at}", shortest, "s")
    for peer, runs in found.items():
        if peer != "ingest":
            report.detail(f"{name}: {peer}", _median(runs), "x")
            report.detail(f"refusals {at}: {peer}", max(one.refused for one in runs), "requests")
            crowds = max(one.crowded for one in runs)
            report.detail(f"windows of 1 s above the rate {at}: {peer}", crowds, "windows")


def _median(runs: Sequence[Measured]) -> float:
    return statistics.median(one.over_floor for one in runs)
