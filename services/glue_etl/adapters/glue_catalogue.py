"""The Glue catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from glue_etl.errors import CatalogueError
from schemas.curated_tables import CURATED, CuratedTable


@dataclass(frozen=True, slots=True)
class GlueCatalogue:
    """A database of the Glue catalogue; ``client`` is boto3's for Glue. See the port.

    UpdateTable replaces a table's entry in one step, so a query plans with the old location or with
    the new one. Source: https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
    """

    client: Any
    database: str

    def switch(self, table: CuratedTable, location: str) -> None:
        """Update or create a table; see the port."""
        entry = {"DatabaseName": self.database, "TableInput": table.table_input(location)}
        with _translated(table.catalogue_name):
            if self._location(table) is None:
                try:
                    self.client.create_table(**entry)
                except self.client.exceptions.AlreadyExistsException:
                    self.client.update_table(**entry)
            else:
                self.client.update_table(**entry)

    def locations(self) -> Mapping[str, str]:
        """Return the tables' locations; see the port."""
        found = {}
        for table in CURATED.values():
            with _translated(table.catalogue_name):
                location = self._location(table)
            if location:
                found[table.name] = location
        return found

    def _location(self, table: CuratedTable) -> str | None:
        try:
            answer = self.client.get_table(DatabaseName=self.database, Name=table.catalogue_name)
        except self.client.exceptions.EntityNotFoundException:
            return None
        return str(answer["Table"]["StorageDescriptor"].get("Location", ""))


@contextmanager
def _translated(table: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise CatalogueError(
            f"the catalogue failed on table {table}: {error}", table=table
        ) from error
