"""The memory of a long crawl."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.ingest.crawls import MemoryObserver, crawl_with_ingest
from benchmarks.ingest.surroundings import stand_in


def peak_memory(pages: int) -> tuple[float, float]:
    """Crawl so many pages of 200 works; give the peak memory (MiB) at half time and at the end."""
    observer = MemoryObserver()
    with TemporaryDirectory() as name, stand_in({"long": pages * 200}, 0) as server:
        crawl_with_ingest(
            server.url, Path(name), ["long"], rate=1000, page_size=200, observer=observer
        )
    return observer.peak_after[pages // 2], observer.peak_after[pages]
