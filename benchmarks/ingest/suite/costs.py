"""What a page costs: the crawl's CPU time, its peers', and that of two HTTP clients."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import requests
import urllib3

from benchmarks.common.medians import Candidate, Process, measure_cpu, process_usage
from benchmarks.common.results import Report
from benchmarks.ingest.suite.crawls import (
    AGENT,
    WARM_UP_PAGES,
    crawl_sequentially,
    crawl_with_ingest,
)
from benchmarks.ingest.suite.dlt_peer import crawl_with_dlt
from benchmarks.ingest.suite.environment import Server, stand_in
from ingest.openlibrary.body import read_stored

PAGE_SIZE: Final = 1000
#: Pages one after another, as the peers ask for them.
UNLIMITED: Final = 1000.0
POLITE: Final = 3.0
SUBJECT: Final = "large"
#: What 5.5 ms are beside the loop's 61.7 ms on the machine on which both were set.
_LEAST_OVER_LOOP: Final = 11.2
_HEADERS: Final = {"User-Agent": AGENT, "Accept-Encoding": "gzip"}


def measure_costs(report: Report, pages: int, repeats: int) -> None:
    """Measure the CPU time of a page of 1000 works, all threads, without the bucket's part.

    Crawls and peers take turns, all as fast as they can. The last crawl is at the real rate, where
    other programs use the processor's caches between two pages.
    """
    found: dict[str, list[float]] = {"ingest": [], "loop": [], "dlt": []}
    with stand_in({SUBJECT: pages * PAGE_SIZE}) as server:
        _make_pages(server, pages)
        for _ in range(repeats):
            found["ingest"].append(_ingest(server, UNLIMITED))
            found["loop"].append(_loop(server, pages))
            found["dlt"].append(_dlt(server, pages))
        slow = _ingest(server, POLITE)
        _measure_clients(report, server, repeats)
        verifying = _verifying(server, repeats)
    loop = 1000 * statistics.median(found["loop"])
    report.at_most(
        "CPU of a page of 1000 works", 1000 * statistics.median(found["ingest"]), "ms", 5.5, loop
    )
    report.at_least(
        "CPU of a page: a requests loop over ingest",
        _median_ratio(found["loop"], found["ingest"]),
        "x",
        _LEAST_OVER_LOOP,
    )
    report.detail("CPU of a page, least of the crawls", 1000 * min(found["ingest"]), "ms")
    report.detail("CPU of a page at 3/s", 1000 * slow, "ms")
    dlt = 1000 * statistics.median(found["dlt"])
    report.detail("CPU of a page: dlt's REST source", dlt, "ms")
    share = 1000 * verifying
    report.detail("CPU of a page: unpacking and parsing alone, in a loop", share, "ms")


def _median_ratio(one: list[float], other: list[float]) -> float:
    # Turn by turn, for the machine's pace varies.
    return statistics.median(left / right for left, right in zip(one, other, strict=True))


def _page(server: Server, number: int) -> str:
    # The first page asks for facets too, as ingest does.
    details = "&details=true" if number == 0 else ""
    # They overlap by one work.
    offset = number * (PAGE_SIZE - 1)
    query = f"limit={PAGE_SIZE}&offset={offset}&sort=editions,key{details}"
    return f"{server.url}/subjects/{SUBJECT}.json?{query}"


def _make_pages(server: Server, pages: int) -> None:
    # The server makes a page once and then has it ready.
    for number in range(pages):
        requests.get(_page(server, number), headers=_HEADERS, timeout=60)


def _ingest(server: Server, rate: float) -> float:
    with TemporaryDirectory() as name:
        crawled, _ = crawl_with_ingest(
            server.url, Path(name), [SUBJECT], rate=rate, page_size=PAGE_SIZE
        )
    return crawled.cpu_per_page


def _loop(server: Server, pages: int) -> float:
    pages = min(pages, 3 * WARM_UP_PAGES)
    with TemporaryDirectory() as name:
        return crawl_sequentially(
            server.url, Path(name), SUBJECT, rate=1e6, page_size=PAGE_SIZE, pages=pages
        ).cpu_per_page


def _dlt(server: Server, pages: int) -> float:
    with TemporaryDirectory() as name:
        return crawl_with_dlt(
            server.url, Path(name), SUBJECT, page_size=PAGE_SIZE, pages=pages
        ).cpu_per_page


def _verifying(server: Server, repeats: int) -> float:
    wire = _with_urllib3(urllib3.PoolManager(headers=_HEADERS), _page(server, 1))
    reading = Candidate(partial(_repeat, partial(read_stored, wire)), units=20)
    measure_cpu({"reading": reading}, repeats)
    return reading.median


def _measure_clients(report: Report, server: Server, repeats: int) -> None:
    """Measure why the service uses urllib3: one page's wire bytes, and the import."""
    pool, session, url = urllib3.PoolManager(headers=_HEADERS), requests.Session(), _page(server, 1)
    session.headers.update(_HEADERS)
    clients = {
        "urllib3": Candidate(partial(_repeat, partial(_with_urllib3, pool, url)), units=20),
        "requests": Candidate(partial(_repeat, partial(_with_requests, session, url)), units=20),
    }
    measure_cpu(clients, repeats)
    session.close()
    for client, used in clients.items():
        report.detail(f"CPU of a request for a page's bytes: {client}", 1e3 * used.median, "ms")
    imports = {
        name: Process(["-B", "-c", f"import {name}"]) for name in ("logging", "urllib3", "requests")
    }
    for client, usage in process_usage(imports, 2 * repeats).items():
        report.detail(f"start of Python with {client}", 1000 * usage.cpu, "ms CPU")


def _repeat(call: Callable[[], object]) -> None:
    for _ in range(20):
        call()


def _with_urllib3(pool: urllib3.PoolManager, url: str) -> bytes:
    response = pool.request("GET", url, preload_content=False, decode_content=False)
    body = response.read(decode_content=False)
    response.release_conn()
    return body


def _with_requests(session: requests.Session, url: str) -> bytes:
    with session.get(url, stream=True, timeout=60) as response:
        body: bytes = response.raw.read(decode_content=False)
        return body
