"""The rows of a run's pages that lie in compacted files, as those files have them."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from lake.operations.check.findings import Findings
from lake.operations.check.storage import (
    Bucket,
    UnreadableError,
    first_line,
    parquet_columns,
    parsed_body,
    read_model,
)
from schemas import keys
from schemas.ledger.compacted import CompactedDay, CompactedPage, CompactedPages
from schemas.tables import WORKS

#: Positions are kept in two bytes each.
_MOST = 2**16 - 1
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
    # An unreadable record is reported once, with the catalogue.
    record = compacted_day(bucket, str(keys.parse_run_id(run_id).date()), Findings())
    if record is None or run_id not in record.runs:
        return found
    listed = {}
    for path, page in _listed_pages(bucket, record, findings).items():
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


def compacted_day(bucket: Bucket, day: str, findings: Findings) -> CompactedDay | None:
    """Return the record of a day that is compacted; None where it is not, or is unreadable."""
    return read_model(bucket, keys.compacted_day_key(day), CompactedDay, findings)


def _listed_pages(
    bucket: Bucket, record: CompactedDay, findings: Findings
) -> Mapping[str, CompactedPage]:
    key = keys.compacted_pages_key(record.day, record.generation)
    return _named(bucket, key, _pages, findings) or {}


def _add_file(
    bucket: Bucket,
    record: CompactedDay,
    table: str,
    name: str,
    run_id: str,
    found: CompactedRows,
    findings: Findings,
) -> None:
    key = f"{keys.compacted_prefix(table, record.day, record.generation)}{name}"
    findings.counts.objects += 1
    parse = partial(_rows, table, run_id)
    for page, position in _named(bucket, key, parse, findings) or []:
        found.counts[page] = found.counts.get(page, 0) + 1
        if table == WORKS.name:
            found.positions.setdefault(page, array("H")).append(position)


def _named[T](
    bucket: Bucket, key: str, parse: Callable[[bytes], T], findings: Findings
) -> T | None:
    body = bucket.read(key)
    if body is not None:
        return parsed_body(body, bucket.uri(key), parse, _RESTORE, findings)
    what = "the record of its day names it, and it is not there"
    findings.differ("compacted.missing_file", bucket.uri(key), what, _RESTORE)
    return None


def _pages(body: bytes) -> Mapping[str, CompactedPage]:
    try:
        return CompactedPages.of_bytes(body)
    except (EOFError, OSError, zlib.error, ValueError) as error:
        raise UnreadableError(first_line(error)) from error


def _rows(table: str, run_id: str, body: bytes) -> Iterable[tuple[str, int]]:
    """Return a run's rows in a file: the key of the file that each came from, and its position."""
    of_run = [("run_id", "==", run_id)]
    if table == WORKS.name:
        raw_keys, positions = parquet_columns(body, ["raw_key", "position"], of_run)
    else:
        (raw_keys,) = parquet_columns(body, ["raw_key"], of_run)
        positions = [0] * len(raw_keys)
    if not all(isinstance(one, int) and 0 <= one <= _MOST for one in positions):
        raise UnreadableError("a row has no position")
    try:
        # The rows of a page lie together; its key is parsed once.
        pages = {key: keys.RawKey.parse(key).processed_key(table) for key in set(raw_keys)}
    except (keys.InvalidKeyError, TypeError) as error:
        raise UnreadableError(first_line(error)) from error
    return zip((pages[key] for key in raw_keys), positions, strict=True)
