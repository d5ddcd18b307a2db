"""Releases of a service by itself: tried before they get traffic, and while the lake is at work."""

import re
import shutil
import threading
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.errors import StackFailedError
from lake.project import Project
from lake.runs import crawl
from lake.runs.ledger import count_pages, run_ids
from openlibrary_standin import StandIn, StandInConfig
from openlibrary_standin.faults import FaultRule
from schemas.keys import new_run_id
from schemas.ledger.run import RunManifest
from tests.e2e.clones import clone
from tests.e2e.conftest import PROJECT
from tests.e2e.crawls import (
    deploy_ingest,
    expected_positions,
    nothing,
    positions,
    run_lake,
    serving,
    wait_for,
)

(PROCESS,) = units.select(["process"])
NEXT_VERSION = "99.0.0"
BROKEN_AT_IMPORT = 'raise ImportError("numpy was built for another processor")\n'
KNOWS_NO_SMOKE_TEST = 'def handler(event, context):\n    return {"batchItemFailures": []}\n'
EXITS = "import os\n\n\ndef handler(event, context):\n    os._exit(3)\n"


def next_release(folder: Path, fill: Callable[[Path], object]) -> Project:
    """Return a clone in which process has the next version, with the package that is filled in."""
    project = clone(folder, NEXT_VERSION)
    fill(project.package("process"))
    return project


def live_version(cloud: Cloud) -> str:
    """Return the number of the version behind the alias `live`."""
    name = cloud.parameter("process/function-name")
    return str(cloud.client("lambda").get_alias(FunctionName=name, Name="live")["FunctionVersion"])


def pages_processed(cloud: Cloud, bucket: str, since: str) -> int:
    """Count the pages processed of runs that are not older than one."""
    newer = (run_id for run_id in run_ids(cloud, bucket) if run_id >= since)
    return sum(count_pages(cloud, bucket, run_id).processed for run_id in newer)


def invocations(cloud: Cloud) -> Counter[str]:
    """Count the invocations of process by the version that was invoked."""
    logs = cloud.client("logs").get_paginator("filter_log_events")
    pages = logs.paginate(logGroupName=cloud.parameter("process/log-group"))
    messages = [event["message"] for page in pages for event in page["events"]]
    started = (re.match(r"START RequestId: \S+ Version: (\S+)", message) for message in messages)
    return Counter(match.group(1) for match in started if match)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (BROKEN_AT_IMPORT, "numpy was built for another processor"),
        (KNOWS_NO_SMOKE_TEST, "it answered {'batchItemFailures': \\[\\]}"),
        (EXITS, "fails its smoke test"),
    ],
    ids=["import", "answer", "exit"],
)
def test_a_broken_release_gets_no_traffic_and_is_undone(
    cloud: Cloud, bucket: str, tmp_path: Path, code: str, reason: str
) -> None:
    # GIVEN a release whose function cannot work
    def broken(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as package:
            package.writestr("lambda_function.py", code)

    project = next_release(tmp_path, broken)
    before = (live_version(cloud), deployment.current_parameters(cloud, PROCESS))

    # WHEN it is deployed THEN the deployment fails and says why
    with pytest.raises(StackFailedError, match=f"ROLLBACK_COMPLETE.*SmokeTest.*{reason}"):
        deployment.deploy_unit(cloud, project, PROCESS, {}, print)

    # AND the version before is live, with its parameters, and does the work
    assert (live_version(cloud), deployment.current_parameters(cloud, PROCESS)) == before
    with serving(StandInConfig(works=500)) as url:
        manifest, ledger = run_lake(cloud, bucket, url, ["person:napoleon"])
    assert ledger.rows + ledger.quarantined == manifest.totals.fetched > 0


def test_process_is_released_while_ingest_crawls_and_nothing_is_lost(
    cloud: Cloud, bucket: str, tmp_path: Path
) -> None:
    # GIVEN a crawl that takes its time
    def bumped(path: Path) -> None:
        shutil.copy(PROJECT.package("process"), path)
        with zipfile.ZipFile(path, "a") as package:
            package.writestr("process/RELEASE", NEXT_VERSION)

    project = next_release(tmp_path, bumped)
    before = live_version(cloud)
    found: list[RunManifest] = []
    config = StandInConfig(subject_works={"love": 3200}, bad_record_share=0.02)
    with StandIn(config) as source:
        source.faults = {"slow": FaultRule(rate=1.0, seconds=12.0)}
        deploy_ingest(cloud, source.url, ["love"], PageSize="20", RequestsPerSecond="4")
        run = new_run_id(datetime.now(UTC))
        crawling = threading.Thread(
            target=lambda: found.append(crawl.run_now(cloud, bucket, nothing))
        )
        crawling.start()
        wait_for(lambda: pages_processed(cloud, bucket, run) > 0, "the first page")

        # WHEN process alone is deployed meanwhile
        deployment.deploy_unit(cloud, project, PROCESS, {}, print)
        assert crawling.is_alive(), "the crawl was over before the release"
        source.faults = {}
        crawling.join()
    (manifest,) = found
    ledger = crawl.wait_until_processed(cloud, bucket, manifest, nothing)

    # THEN both versions took part, and every record is a row or in quarantine, once
    after = live_version(cloud)
    assert after != before
    assert {before, after} <= invocations(cloud).keys()
    seen_records = positions(cloud, "crawled_works", manifest.run_id) + positions(
        cloud, "quarantine", manifest.run_id
    )
    assert seen_records == expected_positions(manifest)
    assert ledger.mismatches == []
    assert crawl.dead_letters(cloud, "process") == 0
