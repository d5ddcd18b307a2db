"""Partitions of the processed tables, registered in the Glue catalogue as process does."""

from typing import Any

from lake.aws import Cloud
from schemas.derive.glue import glue_columns, storage_descriptor
from schemas.keys import day_prefix
from schemas.tables import PARTITIONS, Table

_PARAMETERS = {"classification": "json", "compressionType": "gzip", "typeOfData": "file"}


def register(cloud: Cloud, bucket: str, table: Table, day: str) -> None:
    """Register a table of JSON lines and its partition of a day, unless they are registered.

    Parameters
    ----------
    day
        UTC day, such as 2026-09-30.
    """
    glue = cloud.client("glue")
    where = {"DatabaseName": cloud.parameter("foundation/glue-database")}
    try:
        glue.get_table(**where, Name=table.catalogue_name)
    except glue.exceptions.EntityNotFoundException:
        _create_table(glue, where, table, f"s3://{bucket}/{table.location}")
    location = f"s3://{bucket}/{day_prefix(table.location, day)}"
    partition = {
        "Values": [day],
        "StorageDescriptor": _storage(table, location),
        "Parameters": _PARAMETERS,
    }
    try:
        glue.create_partition(**where, TableName=table.catalogue_name, PartitionInput=partition)
    except glue.exceptions.AlreadyExistsException:
        return


def _create_table(glue: Any, where: dict[str, str], table: Table, location: str) -> None:
    entry = {
        "Name": table.catalogue_name,
        "Description": table.description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {**_PARAMETERS, "EXTERNAL": "TRUE"},
        "PartitionKeys": glue_columns(PARTITIONS),
        "StorageDescriptor": _storage(table, location),
    }
    try:
        glue.create_table(**where, TableInput=entry)
    except glue.exceptions.AlreadyExistsException:
        # Process created it first, for a page of a crawl.
        return


def _storage(table: Table, location: str) -> dict[str, Any]:
    return {
        **storage_descriptor(table.columns, location, "json"),
        "Compressed": True,
        "StoredAsSubDirectories": False,
    }
