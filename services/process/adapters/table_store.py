"""The tables: Parquet objects by pyarrow, stored and catalogued by awswrangler."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import awswrangler as wr
import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import BotoCoreError, ClientError

from process.errors import CatalogueError, SchemaConflictError, StorageError
from schemas.derive.glue import JSON_SERDE, glue_comments, glue_types
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
#: How Parquet is written.
PARQUET: Final = {
    "compression": "zstd",
    "version": "2.6",
    "use_dictionary": _REPEATING,
    "write_statistics": _FILTERED,
}


class GlueTableStore:
    """The tables of one database; see :class:`process.ports.TableStore`.

    It remembers which tables and partitions it has seen, so a warm container makes no catalogue
    call for a day that it knows.
    """

    def __init__(self, session: boto3.Session, bucket: str, database: str) -> None:
        self._session = session
        self._bucket = bucket
        self._database = database
        self._tables: set[str] = set()
        self._partitions: set[tuple[str, str]] = set()

    def write(self, table: Table, key: str, rows: pa.Table) -> None:
        """Write rows as one Parquet object; see the port."""
        # wr.s3.to_parquet() takes pandas frames alone: the way into one and out of it again costs
        # as much as all the rest of the write.
        content = io.BytesIO()
        pq.write_table(rows, content, **PARQUET)
        content.seek(0)
        path = f"s3://{self._bucket}/{key}"
        try:
            wr.s3.upload(content, path, use_threads=False, boto3_session=self._session)
        except (BotoCoreError, ClientError, wr.exceptions.ServiceApiError) as error:
            raise StorageError(f"writing {key} failed: {error}", key=key) from error

    def register(self, table: Table, ingest_date: str) -> None:
        """Make sure that table, columns and partition are catalogued; see the port."""
        if (table.name, ingest_date) in self._partitions:
            return
        with _translated(table.name):
            if table.name not in self._tables:
                self._ensure_table(table)
                self._tables.add(table.name)
            self._add_partition(table, ingest_date)
        self._partitions.add((table.name, ingest_date))

    def _ensure_table(self, table: Table) -> None:
        wanted = glue_types(table.columns)
        found = self._column_types(table)
        if found is None:
            self._create_or_extend(table)
            # Another container may have been first, with an older or a newer contract.
            found = self._column_types(table) or {}
        self._refuse_conflicts(table, wanted, found)
        if wanted.keys() - found.keys():
            self._create_or_extend(table)

    def _refuse_conflicts(
        self, table: Table, wanted: dict[str, str], found: dict[str, str]
    ) -> None:
        conflicts = [
            f"{name} is {found[name]} in the catalogue and {wanted[name]} in the contract"
            for name in sorted(wanted.keys() & found.keys())
            if found[name].replace(" ", "").lower() != wanted[name]
        ]
        if conflicts:
            raise SchemaConflictError(
                f"table {self._database}.{table.name}: {'; '.join(conflicts)}. A column's type"
                " never changes: name the new column otherwise, or restore the catalogue's type.",
                table=table.name,
            )

    def _column_types(self, table: Table) -> dict[str, str] | None:
        types: dict[str, str] | None = wr.catalog.get_table_types(
            self._database, table.name, boto3_session=self._session
        )
        return types

    def _create_or_extend(self, table: Table) -> None:
        # In this mode awswrangler makes a table that is missing, leaves one that somebody else made
        # meanwhile, and appends columns that are missing.
        settings: dict[str, Any] = {
            "database": self._database,
            "table": table.name,
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

    def _add_partition(self, table: Table, ingest_date: str) -> None:
        location = f"s3://{self._bucket}/{day_prefix(table.location, ingest_date)}"
        settings: dict[str, Any] = {
            "database": self._database,
            "table": table.name,
            "partitions_values": {location: [ingest_date]},
            "columns_types": glue_types(table.columns),
            "boto3_session": self._session,
        }
        if table.format == "parquet":
            wr.catalog.add_parquet_partitions(**settings, compression="zstd")
        else:
            wr.catalog.add_json_partitions(**settings, compression="gzip", serde_library=JSON_SERDE)


@contextmanager
def _translated(table: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, wr.exceptions.ServiceApiError) as error:
        raise CatalogueError(
            f"the catalogue failed on table {table}: {error}", table=table
        ) from error
