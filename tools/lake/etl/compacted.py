"""What is compacted of the processed tables, as the bucket has it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from lake.aws import Cloud
from lake.errors import EtlError
from lake.objects import RESTORE, StoredObject, list_objects, read_parsed
from lake.runs.ledger import read_ledger
from schemas import keys
from schemas.ledger.compacted import (
    PAGED,
    CompactedDay,
    CompactedPage,
    CompactedPages,
    page_fingerprints,
)


def compacted_days(cloud: Cloud, bucket: str) -> dict[str, CompactedDay]:
    """Return the records of the days that are compacted."""
    found = {}
    for item in list_objects(cloud, bucket, keys.COMPACTED_DAYS_PREFIX):
        day = keys.parse_compacted_day_name(keys.below(keys.COMPACTED_DAYS_PREFIX, item.key))
        record = read_ledger(cloud, bucket, item.key, CompactedDay) if day else None
        if day and record:
            found[day] = record
    return found


def compacted_pages(cloud: Cloud, bucket: str, record: CompactedDay) -> Mapping[str, CompactedPage]:
    """Return the pages of a day's compacted files, by the path of the file that each came from.

    Raises
    ------
    EtlError, UnreadableObjectError
        The list of them is not there, or is damaged.
    """
    key = keys.compacted_pages_key(record.day, record.generation)
    pages = read_parsed(cloud, bucket, key, CompactedPages.of_bytes)
    if pages is None:
        raise EtlError(
            f"s3://{bucket}/{key} is not there: day {record.day} is compacted by it.", RESTORE
        )
    return pages


def prefixes_of(record: CompactedDay) -> list[str]:
    """Return the keys and prefixes of what is compacted of a day."""
    return [
        keys.compacted_day_key(record.day),
        keys.compacted_pages_key(record.day, record.generation),
        *(keys.compacted_prefix(table, record.day, record.generation) for table in PAGED),
    ]


def prefixes_of_runs(cloud: Cloud, bucket: str, runs: Collection[str]) -> Iterator[str]:
    """Yield the keys and prefixes of what is compacted of the days of some runs."""
    for record in compacted_days(cloud, bucket).values():
        if not record.runs.keys().isdisjoint(runs):
            yield from prefixes_of(record)


def fingerprints(cloud: Cloud, bucket: str, runs: Collection[str] | None = None) -> dict[str, str]:
    """Return the fingerprint of all runs' pages, or of some, as the job reckons it."""
    stored: dict[str, dict[str, str]] = defaultdict(dict)
    for name, table in PAGED.items():
        for item in _pages(cloud, bucket, name, runs):
            path = keys.below(keys.PROCESSED_PREFIX, item.key)
            day, _ = keys.split_day(keys.below(table.location, item.key))
            stored[day][path] = item.etag.strip('"')
    days = compacted_days(cloud, bucket)
    found = {run: told for record in days.values() for run, told in record.runs.items()}
    for day, etags in stored.items():
        pages = compacted_pages(cloud, bucket, days[day]) if day in days else {}
        found |= page_fingerprints(etags, pages)
    return found if runs is None else {run: found[run] for run in runs if run in found}


def _pages(
    cloud: Cloud, bucket: str, table: str, runs: Collection[str] | None
) -> Iterator[StoredObject]:
    prefixes = (
        [PAGED[table].location]
        if runs is None
        else [keys.processed_run_prefix(table, run) for run in runs]
    )
    for prefix in prefixes:
        yield from list_objects(cloud, bucket, prefix)
