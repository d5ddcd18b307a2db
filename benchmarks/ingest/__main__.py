"""Measure ingest against the stand-in: ``./pants run benchmarks/ingest -- --json FILE``."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.ingest.crawls import crawl_sequentially, crawl_with_ingest
from benchmarks.ingest.memory import peak_memory
from benchmarks.ingest.surroundings import stand_in

RATE: Final = 3.0
LATENCIES_MS: Final = (200, 1000)
#: Several subjects, so that their first pages, which must come before the others, overlap.
SUBJECTS: Final = 6
PEER_PAGES: Final = 12


@dataclass(frozen=True)
class Result:
    """One figure: what it should be at most, and what the peer has."""

    name: str
    figure: float
    unit: str
    target: float
    peer: float | None
    met: bool


def result(name: str, figure: float, unit: str, target: float, peer: float | None = None) -> Result:
    """Make a result that is met when the figure is not above the target."""
    rounded = round(figure, 3)
    return Result(
        name, rounded, unit, target, None if peer is None else round(peer, 3), rounded <= target
    )


def rates(pages: int) -> Iterator[Result]:
    """Measure the time against the floor: the last request cannot be sent before its turn."""
    each = max(pages // SUBJECTS, 1)
    works = {f"subject_{number}": each * 100 for number in range(SUBJECTS)}
    for latency in LATENCIES_MS:
        with TemporaryDirectory() as name, stand_in(works, latency) as server:
            mine = crawl_with_ingest(server.url, Path(name), list(works), rate=RATE, page_size=100)
            floor = (mine.pages - 1) / RATE + latency / 1000
            arrivals, refusals = server.arrivals(), server.refusals()
        with TemporaryDirectory() as name, stand_in({"peer": PEER_PAGES * 100}, latency) as server:
            peer = crawl_sequentially(
                server.url, Path(name), "peer", rate=RATE, page_size=100, pages=PEER_PAGES
            )
        peer_floor = (peer.pages - 1) / RATE + latency / 1000
        crowded = sum(
            later - first <= 1.0
            for first, later in zip(arrivals, arrivals[int(RATE) :], strict=False)
        )
        yield result(
            f"wall_over_floor_{latency}ms", mine.wall / floor, "x", 1.05, peer.wall / peer_floor
        )
        yield result(f"refusals_{latency}ms", refusals, "requests", 0)
        yield result(f"seconds_above_rate_{latency}ms", crowded, "windows", 0)


def cpu(pages: int) -> Iterator[Result]:
    """Measure the CPU that a page of 1000 works costs at the real rate."""
    with TemporaryDirectory() as name, stand_in({"large": pages * 1000}, 0) as server:
        peer_folder = Path(name) / "peer"
        peer_folder.mkdir()
        # The peer comes first: the server makes its pages once and then has them ready.
        peer = crawl_sequentially(
            server.url, peer_folder, "large", rate=1e6, page_size=1000, pages=pages
        )
        folder = Path(name) / "ingest"
        folder.mkdir()
        mine = crawl_with_ingest(server.url, folder, ["large"], rate=RATE, page_size=1000)
    yield result(
        "cpu_per_page_of_1000_works", 1000 * mine.cpu / pages, "ms", 3.0, 1000 * peer.cpu / pages
    )


def memory(pages: int) -> Iterator[Result]:
    """Measure how much memory the second half of a long crawl adds, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        half, end = pool.apply(peak_memory, (pages,))
    yield result(f"memory_after_{pages}_pages_over_half_of_them", end / half, "x", 1.05)


def main() -> None:
    """Run all measurements; print them as they come, and write them as JSON where asked."""
    parser = argparse.ArgumentParser(prog="benchmarks/ingest", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--pages", type=int, default=90, help="pages of each paced crawl")
    parser.add_argument("--memory-pages", type=int, default=1000)
    options = parser.parse_args()
    results: list[Result] = []
    for measured in (cpu(40), memory(options.memory_pages), rates(options.pages)):
        for one in measured:
            results.append(one)
            peer = "" if one.peer is None else f"   peer {one.peer}"
            verdict = "met" if one.met else "NOT MET"
            line = (
                f"{one.name:45} {one.figure:9} {one.unit:9} target <= {one.target}  {verdict}{peer}"
            )
            sys.stderr.write(f"{line}\n")
    if options.json:
        options.json.write_text(json.dumps({"results": [asdict(one) for one in results]}, indent=2))


if __name__ == "__main__":
    main()
