"""The partitions of the processed tables in the Glue catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from glue_etl.adapters.failures import translated_glue
from glue_etl.adapters.glue_catalogue import TOKEN
from glue_etl.errors import CatalogueError, LeaseLostError
from schemas.tables import Table

#: What of Glue's ``Partition`` its ``PartitionInput`` takes.
_PARTITION_INPUT: Final = {"Values", "StorageDescriptor", "Parameters"}


@dataclass(frozen=True, slots=True)
class GluePartitions:
    """A database of the Glue catalogue; ``client`` is boto3's for Glue. See the port.

    An update replaces a partition's entry in one step, so a query plans with the old location or
    with the new one. It knows no versions, unlike UpdateTable: a late call of a process that has
    lost the lease is found and made good by the next job. BatchUpdatePartition is used for one
    partition because the local AWS lacks UpdatePartition.
    Source: https://docs.aws.amazon.com/glue/latest/webapi/API_BatchUpdatePartition.html
    """

    client: Any
    database: str

    def locations(self, table: Table) -> Mapping[str, str]:
        """Return the days' locations; see the port."""
        name = table.catalogue_name
        with translated_glue(name):
            pages = self.client.get_paginator("get_partitions")
            try:
                return {
                    found["Values"][0]: str(found["StorageDescriptor"].get("Location", ""))
                    for page in pages.paginate(DatabaseName=self.database, TableName=name)
                    for found in page["Partitions"]
                }
            except self.client.exceptions.EntityNotFoundException:
                return {}

    def switch(self, table: Table, day: str, location: str, token: int) -> None:
        """Update a partition; see the port. Parameters that others set are kept."""
        where = {"DatabaseName": self.database, "TableName": table.catalogue_name}
        with translated_glue(table.catalogue_name):
            found = self.client.get_partition(**where, PartitionValues=[day])["Partition"]
            before = found.get("Parameters", {})
            if int(before.get(TOKEN, 0)) > token:
                raise LeaseLostError(
                    f"a later job has switched {day} of table {table.name}; this one stops here"
                )
            mine = {name: value for name, value in found.items() if name in _PARTITION_INPUT}
            mine["Parameters"] = before | {TOKEN: str(token)}
            mine["StorageDescriptor"] = found["StorageDescriptor"] | {
                "Location": location,
                # The table may have got columns since the partition was made.
                "Columns": self._columns(table),
            }
            entry = {"PartitionValueList": [day], "PartitionInput": mine}
            answer = self.client.batch_update_partition(**where, Entries=[entry])
        if answer.get("Errors"):
            raise CatalogueError(
                f"the catalogue failed on {day} of {table.name}: {answer['Errors'][0]}",
                table=table.name,
            )

    def _columns(self, table: Table) -> list[dict[str, Any]]:
        found = self.client.get_table(DatabaseName=self.database, Name=table.catalogue_name)
        columns: list[dict[str, Any]] = found["Table"]["StorageDescriptor"]["Columns"]
        return columns
