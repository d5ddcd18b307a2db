"""The catalogue's processed tables: each day of a run is a partition at the right place."""

from __future__ import annotations

from collections.abc import Iterable

from lake.operations.check.findings import Findings
from lake.operations.check.storage import Bucket
from schemas import keys
from schemas.tables import TABLES, Table

_REPLAY = "'./lake replay raw --date DAY' registers what is missing"


def check_partitions(bucket: Bucket, database: str, runs: Iterable[str]) -> Findings:
    """Check that what lies in the bucket for some runs can be queried."""
    findings = Findings()
    days = sorted({str(keys.parse_run_id(run).date()) for run in runs})
    for table in TABLES.values():
        for day in days:
            prefix = keys.day_prefix(table.location, day)
            if next(bucket.keys(prefix), None) is not None:
                _check_partition(bucket, database, table, day, findings)
    return findings


def _check_partition(
    bucket: Bucket, database: str, table: Table, day: str, findings: Findings
) -> None:
    glue = bucket.cloud.client("glue")
    place = f"{database}.{table.catalogue_name} ingest_date={day}"
    try:
        found = glue.get_partition(
            DatabaseName=database, TableName=table.catalogue_name, PartitionValues=[day]
        )["Partition"]
    except glue.exceptions.EntityNotFoundException:
        findings.differ(
            "catalogue.no_partition",
            place,
            "there are objects of that day, and queries do not see them",
            _REPLAY,
        )
        return
    location = found["StorageDescriptor"]["Location"]
    expected = bucket.uri(keys.day_prefix(table.location, day))
    if location.rstrip("/") != expected.rstrip("/"):
        findings.differ(
            "catalogue.other_location",
            place,
            f"it points to {location}, the objects are at {expected}",
            "correct the partition's location",
        )
