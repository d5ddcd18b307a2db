"""Counts processed runs that no build has taken for too long.

A workflow that cannot start its job tells nobody, so this looks at what lies in the bucket. Its
code is inlined in monitoring.yaml.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

# Older runs are history: each costs two requests at every look.
DAYS = 14
RUNS = "runs/run_id="
EXCLUDED = "curated_data/_excluded/"


def handler(_event: object, _context: object) -> dict[str, Any]:
    """Log the number of waiting runs as a metric, and their ids."""
    hours = timedelta(hours=float(os.environ["CURATED_HOURS"]))
    now = datetime.now(UTC)
    waiting = find_waiting(boto3.client("s3"), os.environ["DATA_BUCKET"], now, hours)
    line = metric(len(waiting), now) | {"message": "runs waiting", "runs": waiting}
    print(json.dumps(line))
    return {"runs": waiting}


def find_waiting(s3: Any, bucket: str, now: datetime, longest: timedelta) -> list[str]:
    """Return the ids of runs that were processed before that time and are not curated.

    A run that somebody excluded, or that a job left out and named, is not waited for.
    """
    first = f"{RUNS}{now - timedelta(days=DAYS):%Y%m%d}"
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=RUNS, Delimiter="/", StartAfter=first
    )
    folders = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
    waiting = []
    for folder in folders:
        processed = written(s3, bucket, f"{folder}processed.json")
        if processed is None or now - processed < longest:
            continue
        run = folder.removeprefix(RUNS).rstrip("/")
        ends = (f"{folder}curated.json", f"{EXCLUDED}{run}.json")
        if not any(written(s3, bucket, key) for key in ends):
            waiting.append(run)
    return waiting


def written(s3: Any, bucket: str, key: str) -> datetime | None:
    """Return when an object was written; None where there is none."""
    found = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    return found[0]["LastModified"] if found and found[0]["Key"] == key else None


def metric(value: int, now: datetime) -> dict[str, Any]:
    """Return a count in CloudWatch's embedded format."""
    definition = {"Name": "RunsWaiting", "Unit": "Count"}
    dimensions = {"env": os.environ["LAKE_ENV"], "service": "run_watch"}
    return {
        "_aws": {
            "Timestamp": int(now.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": os.environ["LAKE_APP"],
                    "Dimensions": [sorted(dimensions)],
                    "Metrics": [definition],
                }
            ],
        },
        **dimensions,
        "RunsWaiting": value,
    }
