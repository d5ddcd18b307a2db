"""The catalogue's processed tables: each day of a run is a partition at the right place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lake.operations.check.compacted import compacted_day
from lake.operations.check.findings import Findings
from lake.operations.check.storage import Bucket
from schemas import keys
from schemas.ledger.compacted import PAGED, CompactedDay
from schemas.tables import TABLES, Table


def check_partitions(bucket: Bucket, database: str, runs: Iterable[str]) -> Findings:
    """Check that what lies in the bucket for some runs can be queried."""
    findings = Findings()
    days = sorted({str(keys.parse_run_id(run).date()) for run in runs})
    compacted = {day: compacted_day(bucket, day, findings) for day in days}
    for table in TABLES.values():
        for day in days:
            places = _places(table, day, compacted[day])
            if any(next(bucket.keys(prefix), None) for prefix in places):
                _check_partition(bucket, database, table, day, places, findings)
    return findings


def _places(table: Table, day: str, record: CompactedDay | None) -> list[str]:
    """Return the prefixes in one of which readers must be; the last is the one to be preferred."""
    written = keys.day_prefix(table.location, day)
    if record is None or table.name not in PAGED:
        return [written]
    if record.switched_at is None:
        # A job is between putting a day on record and sending readers on, or died there.
        return [written, keys.day_prefix(f"{keys.COMPACTED_PREFIX}{table.name}/", day)]
    return [keys.compacted_prefix(table.name, day, record.generation)]


def _check_partition(
    bucket: Bucket,
    database: str,
    table: Table,
    day: str,
    places: Sequence[str],
    findings: Findings,
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
            f"'{bucket.cloud.command(f'replay raw --date {day}')}' registers what is missing",
        )
        return
    location = found["StorageDescriptor"]["Location"].rstrip("/") + "/"
    expected = [bucket.uri(prefix) for prefix in places]
    if not location.startswith(tuple(expected)):
        findings.differ(
            "catalogue.other_location",
            place,
            f"it points to {location}, the objects are at {expected[-1]}",
            f"run '{bucket.cloud.command('etl --compact')}', which sends readers of compacted days"
            " there; correct the location of another day",
        )
