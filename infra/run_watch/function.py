"""Counts processed runs that no build has taken for too long.

A workflow that cannot start its job tells nobody, so this looks at what lies in the bucket. Its
code is inlined in monitoring.yaml.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

# Older runs are history: each costs a request at every look. A dump's run is of the dump's day,
# and dumps come once a month.
DAYS = 45
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
        objects = written_in(s3, bucket, folder)
        processed = objects.get(f"{folder}processed.json")
        if processed is None or now - processed < longest or f"{folder}curated.json" in objects:
            continue
        run = folder.removeprefix(RUNS).rstrip("/")
        excluded = f"{EXCLUDED}{run}.json"
        if excluded not in written_in(s3, bucket, excluded):
            waiting.append(run)
    return waiting


def written_in(s3: Any, bucket: str, prefix: str) -> dict[str, datetime]:
    """Return when the objects of a prefix were written, by key; without folders below it."""
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, Delimiter="/")
    return {item["Key"]: item["LastModified"] for item in found.get("Contents", [])}


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
