"""Rows of many pages in few Parquet files, page after page, without all being in memory."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from glue_etl.errors import DayUnfitError
from schemas.derive.arrow import arrow_schema
from schemas.keys import InvalidKeyError, page_path
from schemas.ledger.compacted import PAGED

_PAGE: Final = "raw_key"


@dataclass(frozen=True, slots=True)
class ParquetRows:
    """Rows as Parquet has them.

    Attributes
    ----------
    group_rows
        Rows of a row group: so many are in memory.
    file_bytes
        Size above which a file is ended; it is in memory, too.
    """

    group_rows: int = 100_000
    file_bytes: int = 128 * 2**20

    def read(self, table: str, body: bytes) -> Iterator[tuple[str, pa.Table]]:
        """Return a file's rows by page, in order; a page of many rows may come in pieces.

        Raises
        ------
        DayUnfitError
            When the rows are not those of pages, or do not fit the contract.
        """
        schema = arrow_schema(PAGED[table].columns)
        with pq.ParquetFile(io.BytesIO(body)) as file:
            for group in range(file.num_row_groups):
                rows = _conformed(table, file.read_row_group(group), schema)
                start = 0
                for raw_key, end in _runs(rows[_PAGE]):
                    yield _path(table, raw_key), rows.slice(start, end - start)
                    start = end

    def write(self, table: str, rows: Iterable[pa.Table]) -> Iterator[bytes]:
        """Return files with the rows, in their order."""
        schema = arrow_schema(PAGED[table].columns)
        groups = _groups(rows, self.group_rows)
        group = next(groups, None)
        while group is not None:
            sink = io.BytesIO()
            with pq.ParquetWriter(sink, schema, compression="zstd", version="2.6") as writer:
                while group is not None and sink.tell() < self.file_bytes:
                    writer.write_table(group, row_group_size=len(group))
                    group = next(groups, None)
            yield sink.getvalue()

    def count(self, table: str, body: bytes) -> Counter[str]:
        """Return the number of rows of each page of a file."""
        keys = pq.read_table(io.BytesIO(body), columns=[_PAGE])[_PAGE]
        counts = keys.value_counts().to_pylist()
        return Counter({_path(table, one["values"]): one["counts"] for one in counts})


def _conformed(table: str, rows: pa.Table, schema: pa.Schema) -> pa.Table:
    unknown = sorted(set(rows.column_names) - set(schema.names))
    if unknown:
        raise DayUnfitError(
            f"{table} has columns that this version does not know: {', '.join(unknown)}. Deploy the"
            " newest glue_etl"
        )
    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    try:
        return pa.table(columns, names=schema.names).cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise DayUnfitError(f"{table} does not fit its contract: {error}") from error


def _runs(keys: pa.ChunkedArray) -> Iterator[tuple[str | None, int]]:
    """Return each value with the position after its last in a row."""
    encoded = pc.run_end_encode(keys.combine_chunks())
    yield from zip(encoded.values.to_pylist(), encoded.run_ends.to_pylist(), strict=True)


def _path(table: str, raw_key: str | None) -> str:
    try:
        return page_path(table, raw_key or "")
    except InvalidKeyError as error:
        raise DayUnfitError(f"{table} has rows of no page: {error}") from error


def _groups(rows: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    count = 0
    for some in rows:
        waiting.append(some)
        count += len(some)
        if count >= size:
            yield pa.concat_tables(waiting)
            waiting, count = [], 0
    if count:
        yield pa.concat_tables(waiting)
