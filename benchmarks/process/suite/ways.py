"""Ways from a raw page's bytes to Parquet in S3: process itself, the bound and the naive way."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from typing import Any, Final

import awswrangler as wr
import boto3
import pandas as pd
import pyarrow as pa
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from benchmarks.process.suite.aws import BUCKET, DATABASE
from benchmarks.process.suite.pages import RawPage
from process.adapters.s3_store import S3Store
from process.adapters.sessions import MemoisingSession
from process.adapters.table_store import GlueTableStore
from process.logic.outputs import Outputs
from process.logic.stage import Limits, process_page
from process.ports import StoredObject
from schemas.derive.glue import glue_columns
from schemas.keys import day_prefix
from schemas.limits import MAX_PAGE_BYTES
from schemas.tables import TABLES, WORKS

DAY: Final = "2026-11-23"
LIMITS: Final = Limits(32 * 2**20, MAX_PAGE_BYTES)
_TEXTS: Final = pa.list_(pa.string())
_WORK: Final = pa.struct(
    {
        "key": pa.string(),
        "title": pa.string(),
        "edition_count": pa.int32(),
        "cover_id": pa.int64(),
        "cover_edition_key": pa.string(),
        "subject": _TEXTS,
        "ia_collection": _TEXTS,
        "lendinglibrary": pa.bool_(),
        "printdisabled": pa.bool_(),
        "lending_edition": pa.string(),
        "lending_identifier": pa.string(),
        "authors": pa.list_(pa.struct({"key": pa.string(), "name": pa.string()})),
        "first_publish_year": pa.int32(),
        "ia": pa.string(),
        "public_scan": pa.bool_(),
        "has_fulltext": pa.bool_(),
        "checked_out": pa.bool_(),
        "availability": pa.struct({"status": pa.string()}),
    }
)
_PAGE: Final = pa.schema({"works": pa.list_(_WORK)})


class GivenStore(S3Store):
    """The bucket, with raw pages at hand: all ways begin with a page's bytes in memory."""

    def __init__(self, client: Any, pages: Iterable[RawPage]) -> None:
        super().__init__(client, BUCKET)
        objects = {
            page.key.key: StoredObject(page.body, page.metadata, len(page.body), "")
            for page in pages
        }
        object.__setattr__(self, "_given", objects)

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        """Return a page that is at hand, or read an object."""
        given: dict[str, StoredObject] = self._given  # type: ignore[attr-defined]  # set above
        return given.get(key) or super().get(key, max_bytes)


class Ours:
    """Process itself, as warm as a container is after its first page."""

    def __init__(self, pages: list[RawPage], *, from_s3: bool = False) -> None:
        session = MemoisingSession()
        client = session.client("s3")
        catalogue = GlueTableStore(session, BUCKET, DATABASE)
        for table in TABLES.values():
            catalogue.register(table, DAY)
        self._outputs = Outputs(
            S3Store(client, BUCKET) if from_s3 else GivenStore(client, pages), catalogue
        )
        self._pages = pages
        if from_s3:
            for page in pages:
                client.put_object(
                    Bucket=BUCKET, Key=page.key.key, Body=page.body, Metadata=page.metadata
                )

    def __call__(self) -> int:
        """Process the pages; return the number of rejected records."""
        results = [process_page(self._outputs, page.key.key, LIMITS) for page in self._pages]
        if any(result.reason_code for result in results):
            raise RuntimeError("a page was rejected whole")
        return sum(result.quarantined for result in results)


class Bound:
    """The least that a page can cost in Python: nothing is validated, cleaned or traced.

    Arrow's own reader parses the JSON into the source's columns, in one block and one thread, which
    is its fastest for a page; one PUT, one partition.
    """

    def __init__(self, pages: list[RawPage], *, with_partition: bool = True) -> None:
        self._pages = pages
        self._s3 = boto3.client("s3")
        self._glue = boto3.client("glue") if with_partition else None

    def __call__(self) -> None:
        """Write the pages."""
        for page in self._pages:
            buffer = io.BytesIO()
            pq.write_table(self._read(page.body), buffer, compression="zstd")
            key = f"bound/ingest_date={DAY}/{page.key.offset}.parquet"
            self._s3.put_object(Bucket=BUCKET, Key=key, Body=buffer.getvalue())
            if self._glue:
                add_partition(self._glue, DAY)

    @staticmethod
    def _read(body: bytes) -> pa.Table:
        content = gzip.decompress(body)
        table = pa_json.read_json(
            pa.BufferReader(content),
            read_options=pa_json.ReadOptions(use_threads=False, block_size=len(content) + 1),
            parse_options=pa_json.ParseOptions(
                explicit_schema=_PAGE, unexpected_field_behavior="ignore"
            ),
        )
        return pa.Table.from_struct_array(table["works"].combine_chunks().flatten())


class Naive:
    """What the tutorials do: pandas, and awswrangler's dataset append with the catalogue.

    Of ``availability`` it takes the status alone: awswrangler refuses the rest, of which some
    fields are null throughout.
    """

    def __init__(self, pages: list[RawPage]) -> None:
        self._pages = pages

    def __call__(self) -> None:
        """Write the pages."""
        for page in self._pages:
            works = json.loads(gzip.decompress(page.body))["works"]
            for work in works:
                work["availability"] = (work.get("availability") or {}).get("status")
            frame = pd.DataFrame(works)
            append_naively(frame, "naive_works")


def append_naively(frame: pd.DataFrame, table: str) -> None:
    """Append a frame of Python objects to a table and its catalogue entry."""
    frame["ingest_date"] = DAY
    wr.s3.to_parquet(
        frame,
        path=f"s3://{BUCKET}/{table}/",
        dataset=True,
        mode="append",
        database=DATABASE,
        table=table,
        partition_cols=["ingest_date"],
        compression="zstd",
    )


def add_partition(glue: Any, day: str) -> None:
    """Add a partition of ``crawled_works`` by boto3."""
    location = f"s3://{BUCKET}/{day_prefix(WORKS.location, day)}"
    descriptor = {"Columns": glue_columns(WORKS.columns), "Location": location}
    glue.batch_create_partition(
        DatabaseName=DATABASE,
        TableName=WORKS.catalogue_name,
        PartitionInputList=[{"Values": [day], "StorageDescriptor": descriptor}],
    )
