"""Iceberg tables over the files of the builds, in a database of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    NoSuchIcebergTableError,
    NoSuchNamespaceError,
    NoSuchPropertyException,
    NoSuchTableError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Snapshot

from glue_etl.adapters.failures import translated_glue
from glue_etl.errors import CatalogueError, LeaseLostError
from glue_etl.ports import Files
from schemas.curated_tables import CURATED, CuratedTable
from schemas.derive.arrow import arrow_schema
from schemas.keys import CURATED_PREFIX, below, iceberg_table_prefix, parse_build

#: In the summary of a snapshot: the build whose files it names.
BUILD: Final = "lake.build"
#: Table property that holds the token of the lease under which the table was switched last.
TOKEN: Final = "lake.lease_token"
#: Source: https://iceberg.apache.org/docs/latest/configuration/#table-properties
_PROPERTIES: Final = {
    "format-version": "2",
    # A commit that met another one is not repeated: whoever lost the lease would overtake.
    "commit.retry.num-retries": "0",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
}
_FAILURES: Final = (
    CommitFailedException,
    CommitStateUnknownException,
    NoSuchNamespaceError,
    OSError,
    TableAlreadyExistsError,
    ValidationException,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class IcebergCatalogue:
    """Iceberg v2 tables that name the Parquet files of a build as they lie. See the port.

    A table's content is replaced in one commit, whose snapshot tells the build. Snapshots of older
    builds stay for as long as the builds do: see :meth:`release`.

    Attributes
    ----------
    catalog
        Connects to the catalogue; called for each task, because credentials expire during a build.
    curated
        URI of the curated tables.
    """

    catalog: Callable[[], Catalog]
    database: str
    files: Files
    curated: str

    def switch(self, table: CuratedTable, location: str, token: int) -> None:
        """Replace a table's content by the files of a location; see the port."""
        build = parse_build(location)
        with translated_glue(table.name, *_FAILURES, kind="Iceberg table"):
            found = self._table(table) or self._create(table)
            before = int(found.properties.get(TOKEN, 0))
            if before > token:
                raise LeaseLostError(
                    f"a later job has switched Iceberg table {table.name}; this one stops here"
                )
            is_there = _build_of(found) == build
            if is_there and before == token:
                return
            with found.transaction() as change:
                change.set_properties({TOKEN: str(token)})
                if not is_there:
                    uris = [file.uri for file in self.files.find(location)]
                    _replace(change, table, uris, {BUILD: str(build)})

    def locations(self) -> Mapping[str, str]:
        """Return the folders of the builds that the tables show; see the port."""
        found = {}
        for table in CURATED.values():
            with translated_glue(table.name, *_FAILURES, kind="Iceberg table"):
                known = self._table(table)
            build = _build_of(known) if known else None
            if build:
                found[table.name] = f"{self.curated}{table.folder(build)}"
        return found

    def release(self, uri: str) -> None:
        """Expire the snapshots that name files below a URI, so that these may be deleted.

        Their manifests go with them.

        Raises
        ------
        CatalogueError
            When readers are in one of them, or a tag or a branch keeps one.
        """
        name = uri.removeprefix(self.curated).partition("/")[0]
        if not uri.startswith(self.curated) or name not in CURATED:
            return
        with translated_glue(name, *_FAILURES, kind="Iceberg table"):
            found = self._table(CURATED[name])
            if found:
                self._expire(found, uri)

    def _expire(self, found: Table, uri: str) -> None:
        named = {snapshot.snapshot_id: _data(found, snapshot) for snapshot in found.snapshots()}
        kept = {ref.snapshot_id for ref in found.refs().values()}
        going = {key for key, files in named.items() if any(f.startswith(uri) for f in files)}
        if going & kept:
            raise CatalogueError(
                f"Iceberg table {found.name()[-1]} still names files below {uri}: publish another"
                " build, or remove the tag or branch that keeps them"
            )
        if not going:
            return
        # A replacement is two snapshots in one commit; the empty one between is of no use.
        going |= {key for key, files in named.items() if not files} - kept
        before = _metadata(found)
        found.maintenance.expire_snapshots().by_ids(sorted(going)).commit()
        for path in sorted(before - _metadata(found.refresh())):
            self.files.delete(path)

    def _table(self, table: CuratedTable) -> Table | None:
        try:
            return self.catalog().load_table((self.database, table.name))
        except (NoSuchIcebergTableError, NoSuchPropertyException) as error:
            raise CatalogueError(
                f"{self.database}.{table.name} is not an Iceberg table: delete it from the"
                " catalogue, or name another database",
                table=table.name,
            ) from error
        except NoSuchTableError:
            return None

    def _create(self, table: CuratedTable) -> Table:
        return self.catalog().create_table(
            (self.database, table.name),
            schema=arrow_schema(table.columns),
            location=self.curated + below(CURATED_PREFIX, iceberg_table_prefix(table.name)),
            properties=_PROPERTIES | {"comment": table.description},
        )


@dataclass(frozen=True, slots=True)
class GlueConnection:
    """Connects PyIceberg to Glue and S3 by a boto3 session, whose credentials are always fresh."""

    session: Any
    glue: Any
    s3: Any

    def __call__(self) -> Catalog:
        """Return the catalogue."""
        found = self.session.get_credentials().get_frozen_credentials()
        properties = {
            "s3.endpoint": self.s3.meta.endpoint_url,
            "s3.region": self.s3.meta.region_name,
            "s3.access-key-id": found.access_key,
            "s3.secret-access-key": found.secret_key,
            "s3.session-token": found.token,
        }
        given = {name: value for name, value in properties.items() if value}
        return GlueCatalog("glue", client=self.glue, **given)


def _replace(
    change: Transaction, table: CuratedTable, uris: list[str], summary: dict[str, str]
) -> None:
    with change.update_schema() as schema:
        schema.union_by_name(arrow_schema(table.columns))
    current = change.table_metadata.current_snapshot()
    if current and _count(current):
        change.delete(AlwaysTrue())
    change.add_files(uris, snapshot_properties=summary, check_duplicate_files=False)


def _build_of(table: Table) -> str | None:
    snapshot = table.current_snapshot()
    return snapshot.summary[BUILD] if snapshot and snapshot.summary else None


def _count(snapshot: Snapshot) -> int:
    return int((snapshot.summary and snapshot.summary["total-data-files"]) or 0)


def _data(table: Table, snapshot: Snapshot) -> set[str]:
    """Return the data files that a snapshot names."""
    return {
        entry.data_file.file_path
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io)
    }


def _metadata(table: Table) -> set[str]:
    """Return the manifests and lists of manifests of a table's snapshots."""
    found = table.snapshots()
    manifests = {m.manifest_path for snapshot in found for m in snapshot.manifests(table.io)}
    return manifests | {snapshot.manifest_list for snapshot in found}
