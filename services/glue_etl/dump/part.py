"""A part of a dump: its lines become one file of rows, and one of what was rejected."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from glue_etl.dump.batch import parse_batch
from glue_etl.dump.record import Source
from glue_etl.ports import Files
from schemas.derive.arrow import arrow_schema
from schemas.tables import WORKS

#: Rows of a row group; so many are in memory as they are, the others as Parquet.
_GROUP: Final = 100_000
_SCHEMA: Final = arrow_schema(WORKS.columns)


@dataclass
class Part:
    """What became of a part: ``lines`` are rows, but for those ``quarantined``.

    Attributes
    ----------
    end
        The position after the last line's.
    unreadable
        Keys of the works whose lines were quarantined; a work may be there twice.
    """

    lines: int = 0
    quarantined: int = 0
    end: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PartWriter:
    """Writes parts; it goes to where the lines are.

    A part that is written again, because a worker was lost, gets the same names, and its files the
    same lines.

    Attributes
    ----------
    rows, quarantine
        URIs of folders, each with a trailing slash.
    """

    source: Source
    rows: str
    quarantine: str
    files: Files

    def write(self, number: int, batches: Iterable[pa.RecordBatch]) -> Part:
        """Write a part.

        Parameters
        ----------
        number
            What tells it from the dump's other parts.
        batches
            Its lines: columns ``line`` and ``position``.

        Raises
        ------
        StorageError, StorageDeniedError
            When a file cannot be written.
        """
        part = Part()
        rows, rejected = io.BytesIO(), io.BytesIO()
        with (
            pq.ParquetWriter(rows, _SCHEMA, compression="zstd", version="2.6") as parquet,
            # Without the time of writing, so that the same lines are the same bytes.
            gzip.GzipFile(fileobj=rejected, mode="wb", mtime=0) as compressed,
        ):
            for group in _groups(self._parsed(batches, part, compressed)):
                parquet.write_table(group)
        name = f"part-{number:05}"
        if part.lines > part.quarantined:
            self.files.write(f"{self.rows}{name}.parquet", rows.getvalue())
        if part.quarantined:
            self.files.write(f"{self.quarantine}{name}.txt.gz", rejected.getvalue())
        return part

    def _parsed(
        self, batches: Iterable[pa.RecordBatch], part: Part, rejected: gzip.GzipFile
    ) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            positions = batch["position"].to_pylist()
            parsed = parse_batch(
                zip(batch["line"].to_pylist(), positions, strict=True), self.source
            )
            part.lines += len(positions)
            part.quarantined += len(parsed.rejected)
            part.end = max(part.end, max(positions, default=-1) + 1)
            for one in parsed.rejected:
                rejected.write(f"{one.record.model_dump_json()}\n".encode())
                part.unreadable += filter(None, [one.work_key])
            yield parsed.rows


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    for batch in filter(len, batches):
        waiting.append(batch)
        if sum(map(len, waiting)) >= _GROUP:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)
