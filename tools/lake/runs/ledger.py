"""Read the run ledger: what each run expected, fetched and processed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from lake.aws import Cloud
from schemas import keys
from schemas.ledger.run import ProcessedLedger, RunManifest

Ledger = TypeVar("Ledger", bound=BaseModel)


@dataclass(frozen=True)
class Run:
    """One run with those of its ledgers that are written."""

    run_id: str
    manifest: RunManifest | None
    processed: ProcessedLedger | None


@dataclass(frozen=True)
class PageCounts:
    """Pages of a run stored by ingest, and of these the ones that process has finished."""

    stored: int
    processed: int


def run_ids(cloud: Cloud, bucket: str) -> list[str]:
    """Return the ids of all runs that have a ledger, oldest first; other names are ignored."""
    pages = cloud.client("s3").get_paginator("list_objects_v2")
    found = []
    for page in pages.paginate(Bucket=bucket, Prefix=keys.RUNS_PREFIX, Delimiter="/"):
        for prefix in page.get("CommonPrefixes", []):
            folder = keys.below(keys.RUNS_PREFIX, prefix["Prefix"]).rstrip("/")
            found.append(keys.parse_run_folder(folder))
    return sorted(run for run in found if run)


def read_run(cloud: Cloud, bucket: str, run_id: str) -> Run:
    """Return a run with the ledgers that it has so far."""
    return Run(
        run_id=run_id,
        manifest=read_ledger(cloud, bucket, keys.manifest_key(run_id), RunManifest),
        processed=read_ledger(cloud, bucket, keys.processed_ledger_key(run_id), ProcessedLedger),
    )


def count_pages(cloud: Cloud, bucket: str, run_id: str) -> PageCounts:
    """Count a run's pages as they are now; cheap enough to poll."""
    return PageCounts(
        stored=sum(1 for _ in object_keys(cloud, bucket, keys.raw_run_prefix(run_id))),
        processed=sum(1 for _ in object_keys(cloud, bucket, keys.receipts_prefix(run_id))),
    )


def object_keys(cloud: Cloud, bucket: str, prefix: str) -> Iterator[str]:
    """Yield the keys below a prefix, without markers of folders."""
    pages = cloud.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not keys.is_folder_marker(item["Key"]):
                yield item["Key"]


def read_ledger(cloud: Cloud, bucket: str, key: str, model: type[Ledger]) -> Ledger | None:
    """Return an object of the ledger; None if it is not written."""
    s3 = cloud.client("s3")
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    return model.model_validate_json(body)
