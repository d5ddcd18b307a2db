"""The tables: Parquet objects by pyarrow, stored and catalogued by awswrangler."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import awswrangler as wr
import boto3
import pyarrow as pa
import pyarrow.parquet as pq

from process.adapters.failures import translated_glue, translated_s3
from process.errors import CatalogueError, SchemaConflictError
from schemas.derive.columns import Column
from schemas.derive.compatibility import catalogue_conflicts
from schemas.derive.glue import JSON_SERDE, glue_columns, glue_comments, glue_types
from schemas.keys import day_prefix
from schemas.tables import PARTITIONS, Table

# Columns whose values repeat within a page. For the others a dictionary costs time, and makes files
# larger by a tenth.
_REPEATING: Final = [
    *("source_subject", "subject", "kind", "facet", "access_level", "availability_status"),
    *("run_id", "raw_key", "fetched_at", "contract_version"),
    *(f"subjects.list.element.{part}" for part in ("key", "name", "kind")),
    "ia_collections.list.element",
]
# Columns that queries filter by; statistics of the others let no engine skip a file.
_FILTERED: Final = ["work_key", "edition_count", "first_publish_year", "decade", "key", "year"]
#: Seconds for which table and partition count as catalogued, once they were seen to be.
KNOWN_SECONDS: Final = 600.0
_ATTEMPTS: Final = 4
_WRANGLER_ERRORS: Final = (
    wr.exceptions.ServiceApiError,
    wr.exceptions.InvalidArgument,
    wr.exceptions.InvalidTable,
)
#: What of Glue's ``Table`` its ``TableInput`` takes.
_TABLE_INPUT: Final = {
    *("Name", "Description", "Owner", "Retention", "StorageDescriptor"),
    *("PartitionKeys", "TableType", "Parameters"),
}
#: How Parquet is written.
PARQUET: Final = {
    "compression": "zstd",
    "version": "2.6",
    "use_dictionary": _REPEATING,
    "write_statistics": _FILTERED,
}


class GlueTableStore:
    """The tables of one database; see :class:`process.ports.TableStore`.

    It remembers for some minutes which tables and partitions it has seen, so that a warm container
    makes no catalogue call for a day that it knows.
    """

    def __init__(
        self,
        session: boto3.Session,
        bucket: str,
        database: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._bucket = bucket
        self._database = database
        self._clock = clock
        self._columns: dict[str, tuple[float, dict[str, str]]] = {}
        self._known_until: dict[tuple[str, str], float] = {}

    def write(self, table: Table, key: str, rows: pa.Table) -> None:
        """Write rows as one Parquet object; see the port."""
        # wr.s3.to_parquet() takes pandas frames alone: the way into one and out of it again costs
        # as much as all the rest of the write.
        content = io.BytesIO()
        pq.write_table(rows, content, **PARQUET)
        content.seek(0)
        path = f"s3://{self._bucket}/{key}"
        with translated_s3(key):
            wr.s3.upload(content, path, use_threads=False, boto3_session=self._session)

    def register(self, table: Table, ingest_date: str) -> None:
        """Make sure that table, columns and partition are catalogued; see the port."""
        if self._clock() < self._known_until.get((table.catalogue_name, ingest_date), 0.0):
            return
        with translated_glue(table.catalogue_name, *_WRANGLER_ERRORS):
            try:
                self._add_partition(table, ingest_date, self._columns_of(table))
            except Exception:
                # Somebody may have dropped the table since it was seen.
                self._columns.pop(table.catalogue_name, None)
                raise
        self._known_until[table.catalogue_name, ingest_date] = self._clock() + KNOWN_SECONDS

    def _columns_of(self, table: Table) -> dict[str, str]:
        until, columns = self._columns.get(table.catalogue_name, (0.0, {}))
        if until <= self._clock():
            columns = self._ensure_table(table)
            self._columns[table.catalogue_name] = self._clock() + KNOWN_SECONDS, columns
        return columns

    def _ensure_table(self, table: Table) -> dict[str, str]:
        """Return the table's columns in the catalogue, in its order, once it has all of ours."""
        for _ in range(_ATTEMPTS):
            found = self._get_table(table.catalogue_name)
            if found is None:
                self._create(table)
                continue
            columns = {one["Name"]: one["Type"] for one in found["StorageDescriptor"]["Columns"]}
            self._refuse_conflicts(table, columns)
            missing = [column for column in table.columns if column.name not in columns]
            if not missing:
                return columns
            self._append(found, missing)
        raise CatalogueError(
            f"table {table.catalogue_name} did not keep the columns that were added to it",
            table=table.catalogue_name,
        )

    def _get_table(self, name: str) -> dict[str, Any] | None:
        glue = self._session.client("glue")
        try:
            found: dict[str, Any] = glue.get_table(DatabaseName=self._database, Name=name)["Table"]
        except glue.exceptions.EntityNotFoundException:
            return None
        return found

    def _append(self, found: dict[str, Any], missing: Sequence[Column]) -> None:
        # Of two containers at once, the later would undo the earlier: the version prevents it, and
        # the next look finds what is still missing.
        # Glue may answer with an empty owner, which its own input refuses.
        changed = {name: value for name, value in found.items() if name in _TABLE_INPUT and value}
        storage = found["StorageDescriptor"]
        columns = [*storage["Columns"], *glue_columns(missing)]
        changed["StorageDescriptor"] = {**storage, "Columns": columns}
        version = {"VersionId": found["VersionId"]} if found.get("VersionId") else {}
        glue = self._session.client("glue")
        with suppress(glue.exceptions.ConcurrentModificationException):
            glue.update_table(DatabaseName=self._database, TableInput=changed, **version)

    def _refuse_conflicts(self, table: Table, found: dict[str, str]) -> None:
        conflicts = catalogue_conflicts(table.columns, found)
        if conflicts:
            raise SchemaConflictError(
                f"table {self._database}.{table.catalogue_name}: {'; '.join(conflicts)}. A"
                " column's type never changes: name the new column otherwise, or restore the"
                " catalogue's type.",
                table=table.catalogue_name,
            )

    def _create(self, table: Table) -> None:
        # In this mode awswrangler leaves a table that somebody else made meanwhile.
        settings: dict[str, Any] = {
            "database": self._database,
            "table": table.catalogue_name,
            "path": f"s3://{self._bucket}/{table.location}",
            "columns_types": glue_types(table.columns),
            "partitions_types": glue_types(PARTITIONS),
            "description": table.description,
            "columns_comments": glue_comments((*table.columns, *PARTITIONS)),
            "mode": "append",
            "boto3_session": self._session,
        }
        if table.format == "parquet":
            wr.catalog.create_parquet_table(**settings, compression="zstd")
        else:
            wr.catalog.create_json_table(
                **settings,
                compression="gzip",
                serde_library=JSON_SERDE,
                schema_evolution=True,
            )

    def _add_partition(self, table: Table, ingest_date: str, columns: dict[str, str]) -> None:
        location = f"s3://{self._bucket}/{day_prefix(table.location, ingest_date)}"
        settings: dict[str, Any] = {
            "database": self._database,
            "table": table.catalogue_name,
            "partitions_values": {location: [ingest_date]},
            # The table's columns in the table's order, whichever contract made them.
            "columns_types": columns,
            "boto3_session": self._session,
        }
        if table.format == "parquet":
            wr.catalog.add_parquet_partitions(**settings, compression="zstd")
        else:
            wr.catalog.add_json_partitions(**settings, compression="gzip", serde_library=JSON_SERDE)
