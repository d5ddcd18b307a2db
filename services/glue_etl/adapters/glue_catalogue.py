"""The Glue catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from glue_etl.adapters.failures import translated_glue
from glue_etl.errors import CatalogueError, LeaseLostError
from schemas.curated_tables import CURATED, CuratedTable

#: Table parameter that holds the token of the lease under which the table was switched last.
TOKEN: Final = "lake.lease_token"


@dataclass(frozen=True, slots=True)
class GlueCatalogue:
    """A database of the Glue catalogue; ``client`` is boto3's for Glue. See the port.

    UpdateTable replaces a table's entry in one step, so a query plans with the old location or with
    the new one. Source: https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
    """

    client: Any
    database: str

    def switch(self, table: CuratedTable, location: str, token: int) -> None:
        """Update or create a table; see the port. Parameters that others set are kept.

        The table's version makes the update conditional, so that of two writers one is refused.
        """
        mine = table.table_input(location)
        with translated_glue(table.name):
            found = self._entry(table)
            if found and found.get("PartitionKeys"):
                raise CatalogueError(
                    f"table {table.name} is partitioned, so process wrote it before it wrote"
                    " crawled_works. Delete it from the catalogue, its objects stay: see"
                    " docs/etl.md",
                    table=table.name,
                )
            before = (found or {}).get("Parameters", {})
            if int(before.get(TOKEN, 0)) > token:
                raise LeaseLostError(
                    f"a later job has switched table {table.name}; this one stops here"
                )
            mine["Parameters"] = before | mine["Parameters"] | {TOKEN: str(token)}
            entry: dict[str, Any] = {"DatabaseName": self.database, "TableInput": mine}
            if found is None:
                try:
                    self.client.create_table(**entry)
                except self.client.exceptions.AlreadyExistsException:
                    self.client.update_table(**entry)
            else:
                version = {"VersionId": found["VersionId"]} if found.get("VersionId") else {}
                self.client.update_table(**entry, **version)

    def locations(self) -> Mapping[str, str]:
        """Return the tables' locations; see the port."""
        found = {}
        for table in CURATED.values():
            with translated_glue(table.name):
                entry = self._entry(table)
            if entry:
                found[table.name] = str(entry["StorageDescriptor"].get("Location", ""))
        return found

    def _entry(self, table: CuratedTable) -> dict[str, Any] | None:
        try:
            answer = self.client.get_table(DatabaseName=self.database, Name=table.name)
        except self.client.exceptions.EntityNotFoundException:
            return None
        entry: dict[str, Any] = answer["Table"]
        return entry
