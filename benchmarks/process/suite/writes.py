"""Ways to write a page's finished rows and to register their partition."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any, Final

import awswrangler as wr
import boto3
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.process.suite.aws import BUCKET, DATABASE
from benchmarks.process.suite.pages import RawPage
from benchmarks.process.suite.ways import DAY, LIMITS, add_partition, append_naively
from process.adapters.sessions import MemoisingSession
from process.adapters.table_store import PARQUET, GlueTableStore
from process.logic.lineage import lineage_of
from process.logic.stage import build_output
from process.openlibrary.page import gunzip, parse
from process.records import Lineage
from schemas.derive.glue import glue_types
from schemas.tables import WORKS

_BY_NAME: Final = {
    pa.string(): pd.StringDtype("pyarrow"),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def rows_of(page: RawPage) -> pa.Table:
    """Return the rows that process makes of a page."""
    lineage: Lineage = lineage_of(page.key, page.metadata, page.metadata["sha256"])
    return build_output(parse(gunzip(page.body, LIMITS.page_bytes)), lineage).works


def file_of(page: RawPage) -> bytes:
    """Return the Parquet file that process makes of a page."""
    buffer = io.BytesIO()
    pq.write_table(rows_of(page), buffer, **PARQUET)
    return buffer.getvalue()


def _days() -> Iterator[str]:
    first = date.fromisoformat(DAY)
    return ((first + timedelta(days=number)).isoformat() for number in range(1, 10**6))


class Ours:
    """The catalogue adapter; every page is the first of its day, so each adds a partition."""

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = list(tables)
        self._catalogue = GlueTableStore(MemoisingSession(), BUCKET, DATABASE)
        self._catalogue.register(WORKS, DAY)
        self._unseen = _days()

    def __call__(self) -> None:
        """Write the pages."""
        for table in self._tables:
            self._catalogue.write(WORKS, "writes/ours.parquet", table)
            self._catalogue.register(WORKS, next(self._unseen))


class Plain:
    """pyarrow with the same options, and boto3."""

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = list(tables)
        self._s3, self._glue = boto3.client("s3"), boto3.client("glue")
        self._unseen = _days()

    def __call__(self) -> None:
        """Write the pages."""
        for table in self._tables:
            buffer = io.BytesIO()
            pq.write_table(table, buffer, **PARQUET)
            self._s3.put_object(Bucket=BUCKET, Key="writes/plain", Body=buffer.getvalue())
            add_partition(self._glue, next(self._unseen))


class ToParquet:
    """awswrangler's to_parquet at its best: Arrow-typed frame, declared types, own key, one client.

    Declared or known by name, a column is neither inferred nor cast.
    """

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = list(tables)
        self._session = MemoisingSession()
        self._catalogue = GlueTableStore(self._session, BUCKET, DATABASE)
        self._catalogue.register(WORKS, DAY)
        self._unseen = _days()
        types = glue_types(WORKS.columns).items()
        self._declared = {name: kind for name, kind in types if kind.startswith("array")}
        self._options = {name: value for name, value in PARQUET.items() if name != "compression"}

    def __call__(self) -> None:
        """Write the pages."""
        for table in self._tables:
            wr.s3.to_parquet(
                table.to_pandas(types_mapper=_pandas_type),
                path=f"s3://{BUCKET}/writes/to_parquet",
                compression=PARQUET["compression"],
                dtype=dict(self._declared),
                use_threads=False,
                boto3_session=self._session,
                pyarrow_additional_kwargs={
                    **self._options,
                    "coerce_timestamps": None,
                    "flavor": None,
                    "schema": table.schema,
                },
            )
            self._catalogue.register(WORKS, next(self._unseen))


class Naive:
    """awswrangler's dataset append, from a frame of Python objects that is ready beforehand."""

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = list(tables)
        self._frames: list[pd.DataFrame] = []

    def prepare(self) -> None:
        """Make frames as code without Arrow has them; awswrangler may change the ones it gets."""
        self._frames = [_objects(table) for table in self._tables]

    def __call__(self) -> None:
        """Write the pages."""
        for frame in self._frames:
            append_naively(frame, "naive_rows")


def _objects(table: pa.Table) -> pd.DataFrame:
    # awswrangler refuses columns that are null throughout.
    filled = [name for name in table.column_names if table[name].null_count < len(table)]
    columns = {name: table[name].to_pylist() for name in filled}
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _pandas_type(arrow_type: pa.DataType) -> Any:
    return _BY_NAME.get(arrow_type) or pd.ArrowDtype(arrow_type)
