"""Runs of the lake for tests: a source, a crawl of it, and where each record came to lie."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.deploy.parameters import LOCAL
from lake.operations.replay.sending import event_of
from lake.query.execute import run_query
from lake.runs import crawl
from lake.runs.ledger import PageCounts
from openlibrary_standin import StandIn, StandInConfig
from schemas.ledger.run import ProcessedLedger, RunManifest
from tests.e2e.conftest import PROJECT

CONTACT = "tests@example.org"
PATIENCE_SECONDS = 60.0


def nothing(_counts: PageCounts, _stored: bool) -> None:
    """Ignore progress."""


def deploy_ingest(cloud: Cloud, url: str, subjects: list[Any], **parameters: str) -> None:
    """Deploy ingest for a source."""
    values = {
        "SourceUrl": url,
        "Contact": CONTACT,
        "Subjects": json.dumps(subjects),
        "PageSize": "250",
        # The source is on this machine, and what is tested is not the pace.
        "RequestsPerSecond": "50",
    }
    (ingest,) = units.select(["ingest"])
    deployment.deploy_unit(
        cloud, PROJECT, ingest, {**LOCAL["ingest"], **values, **parameters}, print
    )


def run_lake(
    cloud: Cloud, bucket: str, url: str, subjects: list[Any]
) -> tuple[RunManifest, ProcessedLedger]:
    """Deploy ingest for a source, run it, and wait for process."""
    deploy_ingest(cloud, url, subjects)
    manifest = crawl.run_now(cloud, bucket, nothing)
    return manifest, crawl.wait_until_processed(cloud, bucket, manifest, nothing)


@contextmanager
def serving(config: StandInConfig) -> Iterator[str]:
    """Serve a stand-in of OpenLibrary for the time of a test."""
    with StandIn(config) as standin:
        yield standin.url


def positions(cloud: Cloud, table: str, run_id: str) -> Counter[tuple[str, int]]:
    """Count the records of a run in a table by where they stood in the raw data."""
    sql = f"SELECT raw_key, position FROM {table} WHERE run_id = '{run_id}'"  # noqa: S608
    return Counter((row[0], row[1]) for row in run_query(cloud, sql).rows)


def expected_positions(manifest: RunManifest) -> Counter[tuple[str, int]]:
    """Count each record of the raw pages once."""
    pages = [page for subject in manifest.subjects for page in subject.pages]
    return Counter((page.key, position) for page in pages for position in range(page.works))


def send_again(cloud: Cloud, bucket: str, key: str, queue: str = "process/queue-url") -> None:
    """Deliver the event of an object once more, as EventBridge may."""
    cloud.client("sqs").send_message(
        QueueUrl=cloud.parameter(queue), MessageBody=event_of(bucket, key)
    )


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"timed out waiting for {what}")
        time.sleep(0.2)
