"""Tables of the Glue catalogue as pyarrow datasets: exactly what Athena would see.

A file in the bucket that is in no registered partition does not count.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lake.aws import Cloud
from lake.errors import QueryError

# What Hive, and so Glue, writes for null in a partition's name.
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_PARALLEL_LISTINGS = 16
# Header, end of the empty stream and trailer: a shorter file has no content, a longer one has.
EMPTY_GZIP_BYTES = 20
# pyarrow refuses a longer line. A rejected record keeps a million characters, of which JSON makes
# up to six bytes each; a larger block makes each file slower to read.
_LONGEST_JSON_LINE = 8 * 2**20
# How Athena writes the text of a view.
_VIEW_TEXT = re.compile(r"/\* Presto View: (\S+) \*/")


@dataclass(frozen=True)
class CatalogueTable:
    """A table as the catalogue describes it."""

    name: str
    description: Mapping[str, Any]

    @property
    def location(self) -> str:
        """Where its objects are; those of a partition may be elsewhere."""
        return str(self.description["StorageDescriptor"].get("Location", ""))

    @property
    def partition_keys(self) -> list[str]:
        """Names of the partition keys, in order."""
        return [key["Name"] for key in self.description.get("PartitionKeys", [])]

    @property
    def types(self) -> dict[str, str]:
        """Glue types by column: its columns, then its partition keys."""
        storage = self.description["StorageDescriptor"]["Columns"]
        columns = [*storage, *self.description.get("PartitionKeys", [])]
        return {column["Name"]: column["Type"] for column in columns}

    @property
    def view_sql(self) -> str | None:
        """Its query, if it is a view of Athena; None for a table.

        Raises
        ------
        QueryError
            It is a view in another form than Athena's.
        """
        if self.description.get("TableType") != "VIRTUAL_VIEW":
            return None
        found = _VIEW_TEXT.fullmatch(self.description.get("ViewOriginalText", ""))
        encoded = found[1] if found else ""
        try:
            return str(json.loads(base64.b64decode(encoded, validate=True))["originalSql"])
        except (TypeError, ValueError, KeyError) as error:
            raise QueryError(
                f"The view {self.name} has no text that Athena would understand."
            ) from error

    def schema(self) -> Any:
        """Return the Arrow schema."""
        import pyarrow as pa

        return pa.schema([(name, arrow_type(kind)) for name, kind in self.types.items()])

    def file_format(self) -> Any:
        """Return the pyarrow format of its objects.

        Raises
        ------
        QueryError
            It is a view, or in a format other than Parquet and JSON lines.
        """
        import pyarrow.dataset as ds
        from pyarrow.json import ReadOptions

        serde = self.description["StorageDescriptor"].get("SerdeInfo", {})
        library = serde.get("SerializationLibrary", "").lower()
        if "parquet" in library:
            return ds.ParquetFileFormat()
        if "json" in library:
            return ds.JsonFileFormat(read_options=ReadOptions(block_size=_LONGEST_JSON_LINE))
        kind = library or self.description.get("TableType", "unknown")
        raise QueryError(f"The local AWS cannot read table {self.name} (format {kind}).")


def find_table(cloud: Cloud, database: str, name: str) -> CatalogueTable | None:
    """Return a table of the catalogue; None where there is no such table."""
    glue = cloud.client("glue")
    try:
        found = glue.get_table(DatabaseName=database, Name=name)
    except glue.exceptions.EntityNotFoundException:
        return None
    return CatalogueTable(name, found["Table"])


def table_names(cloud: Cloud, database: str) -> list[str]:
    """Return the names of all tables, sorted."""
    glue = cloud.client("glue")
    try:
        pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=database))
    except glue.exceptions.EntityNotFoundException:
        return []
    return sorted(table["Name"] for page in pages for table in page["TableList"])


def dataset(cloud: Cloud, database: str, table: CatalogueTable, filesystem: Any) -> Any:
    """Return a pyarrow dataset over the registered objects of a table.

    Each object carries the values of its partition, so that a filter on these leaves the others
    unread. Columns that an object lacks are null.

    Parameters
    ----------
    cloud
        Where the catalogue is.
    database
        The table's database.
    table
        The table.
    filesystem
        A pyarrow filesystem whose paths are `<bucket>/<key>`.
    """
    import pyarrow.dataset as ds

    schema = table.schema()
    file_format = table.file_format()
    places = list(_places(cloud, database, table, schema))
    with ThreadPoolExecutor(_PARALLEL_LISTINGS) as pool:
        listings = pool.map(lambda place: _files(filesystem, place[0]), places)
        fragments = [
            file_format.make_fragment(path, filesystem, partition_expression=values)
            for (_, values), paths in zip(places, listings, strict=True)
            for path in paths
        ]
    return ds.FileSystemDataset(fragments, schema, file_format, filesystem)


def arrow_type(glue_type: str) -> Any:
    """Return the Arrow type of a Glue (Hive) type such as `array<struct<key:string>>`.

    Raises
    ------
    QueryError
        The type is not known.
    """
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        return _arrow(exp.DataType.build(glue_type, dialect="hive"))
    except (SqlglotError, IndexError, KeyError, ValueError) as error:
        raise QueryError(f"The catalogue has a column of unknown type {glue_type!r}.") from error


def _places(
    cloud: Cloud, database: str, table: CatalogueTable, schema: Any
) -> Iterator[tuple[str, Any]]:
    """Yield each location of a table, with the partition values of its rows."""
    import pyarrow.compute as pc

    if not table.partition_keys:
        yield table.location, pc.scalar(True)
        return
    pages = cloud.client("glue").get_paginator("get_partitions")
    for page in pages.paginate(DatabaseName=database, TableName=table.name):
        for partition in page["Partitions"]:
            values = dict(zip(table.partition_keys, partition["Values"], strict=True))
            yield partition["StorageDescriptor"]["Location"], _known(values, schema)


def _known(values: Mapping[str, str], schema: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pc.scalar(True)
    for name, text in values.items():
        key = pc.field(name)
        if text == _NULL_PARTITION:
            known = known & key.is_null()
        else:
            known = known & (key == pa.scalar(text).cast(schema.field(name).type))
    return known


def _files(filesystem: Any, location: str) -> list[str]:
    from pyarrow.fs import FileSelector, FileType

    path = location.split("://", 1)[-1].rstrip("/")
    found = filesystem.get_file_info(FileSelector(path, allow_not_found=True, recursive=True))
    # As Athena does: names that begin so are not data, and an empty object holds no rows.
    return sorted(
        info.path
        for info in found
        if info.type == FileType.File
        and info.size > (EMPTY_GZIP_BYTES if info.extension == "gz" else 0)
        and not info.base_name.startswith(("_", "."))
    )


def _arrow(kind: Any) -> Any:
    import pyarrow as pa

    name = kind.this.name
    if name == "ARRAY":
        return pa.list_(_arrow(kind.expressions[0]))
    if name == "MAP":
        return pa.map_(_arrow(kind.expressions[0]), _arrow(kind.expressions[1]))
    if name == "STRUCT":
        return pa.struct([(field.name, _arrow(field.args["kind"])) for field in kind.expressions])
    if name == "DECIMAL":
        # Hive's default is decimal(10,0).
        sizes = [int(parameter.name) for parameter in kind.expressions] or [10]
        return pa.decimal128(*sizes)
    return {
        "TEXT": pa.string(),
        "VARCHAR": pa.string(),
        "CHAR": pa.string(),
        "BOOLEAN": pa.bool_(),
        "TINYINT": pa.int8(),
        "SMALLINT": pa.int16(),
        "INT": pa.int32(),
        "BIGINT": pa.int64(),
        "FLOAT": pa.float32(),
        "DOUBLE": pa.float64(),
        "DATE": pa.date32(),
        # Without a zone: Athena has it so, in UTC.
        "TIMESTAMP": pa.timestamp("us"),
        "BINARY": pa.binary(),
        "VARBINARY": pa.binary(),
    }[name]
