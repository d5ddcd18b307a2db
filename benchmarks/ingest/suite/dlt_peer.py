"""dlt's REST source as its documentation configures it: pages by offset, one after another."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.ingest.suite.crawls import AGENT, Crawled


def crawl_with_dlt(url: str, folder: Path, subject: str, *, page_size: int, pages: int) -> Crawled:
    """Crawl a subject into JSON lines in a folder; dlt has no limit on the rate of requests."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
    import dlt
    from dlt.sources.rest_api import rest_api_source
    from dlt.sources.rest_api.typing import RESTAPIConfig

    config: RESTAPIConfig = {
        "client": {
            "base_url": url,
            "headers": {"User-Agent": AGENT},
            "paginator": {"type": "offset", "limit": page_size, "total_path": "work_count"},
        },
        "resources": [
            {
                "name": "works",
                "endpoint": {
                    "path": f"subjects/{subject}.json",
                    "params": {"sort": "editions,key"},
                    "data_selector": "works",
                },
            }
        ],
    }
    pipeline = dlt.pipeline(
        "works",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.filesystem((folder / "bucket").as_uri()),
        dataset_name="lake",
    )
    wall, cpu = time.perf_counter(), time.process_time()
    pipeline.run(rest_api_source(config, max_table_nesting=0), loader_file_format="jsonl")
    return Crawled(pages, time.perf_counter() - wall, (time.process_time() - cpu) / pages)
