"""The rows of a run's pages that lie in compacted files, as those files have them."""

from __future__ import annotations

import io
from array import array
from dataclasses import dataclass, field

from lake.etl.compacted import compacted_days, compacted_pages
from lake.operations.check.findings import Findings
from lake.operations.check.storage import Bucket
from schemas import keys
from schemas.ledger.compacted import CompactedDay
from schemas.tables import WORKS

_RESTORE = "restore its former version"


@dataclass
class CompactedRows:
    """A run's compacted rows; memory grows by two bytes a row.

    Attributes
    ----------
    etags
        Of the files that the rows came from, by key.
    counts
        Rows by the key of the file that they came from.
    positions
        The positions of the rows of works in their page, by the same key.
    """

    etags: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    positions: dict[str, array[int]] = field(default_factory=dict)


def read_compacted(bucket: Bucket, run_id: str, findings: Findings) -> CompactedRows:
    """Read a run's compacted rows, and compare them with the record of their day."""
    found = CompactedRows()
    record = compacted_days(bucket.cloud, bucket.name).get(str(keys.parse_run_id(run_id).date()))
    if record is None or run_id not in record.runs:
        return found
    listed = {}
    for path, page in compacted_pages(bucket.cloud, bucket.name, record).items():
        if keys.run_of_processed_file(path.partition("/")[2]) == run_id:
            key = f"{keys.PROCESSED_PREFIX}{path}"
            found.etags[key], found.counts[key], listed[key] = page.etag, 0, page.rows
    for table, told in record.tables.items():
        for name in told.files:
            _add_file(bucket, record, table, name, run_id, found, findings)
    for key in sorted(listed.keys() | found.counts.keys()):
        if listed.get(key, 0) != found.counts[key]:
            findings.differ(
                "compacted.other_count",
                bucket.uri(keys.compacted_day_key(record.day)),
                f"{found.counts[key]} rows are there of {key}, and {listed.get(key, 0)} were"
                " compacted",
                "restore the former versions of the day's compacted files",
            )
    return found


def _add_file(
    bucket: Bucket,
    record: CompactedDay,
    table: str,
    name: str,
    run_id: str,
    found: CompactedRows,
    findings: Findings,
) -> None:
    import pyarrow.parquet as pq

    key = f"{keys.compacted_prefix(table, record.day, record.generation)}{name}"
    body = bucket.read(key)
    findings.counts.objects += 1
    if body is None:
        what = "the record of its day names it, and it is not there"
        findings.differ("compacted.missing_file", bucket.uri(key), what, _RESTORE)
        return
    of_works = table == WORKS.name
    columns = ["raw_key", "position"] if of_works else ["raw_key"]
    rows = pq.read_table(io.BytesIO(body), columns=columns, filters=[("run_id", "==", run_id)])
    positions = rows["position"].to_pylist() if of_works else [0] * len(rows)
    for raw_key, position in zip(rows["raw_key"].to_pylist(), positions, strict=True):
        page = keys.RawKey.parse(raw_key).processed_key(table)
        found.counts[page] = found.counts.get(page, 0) + 1
        if of_works:
            found.positions.setdefault(page, array("H")).append(position)
