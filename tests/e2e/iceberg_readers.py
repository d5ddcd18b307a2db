"""Reads Iceberg tables of the local AWS as others do: with PyIceberg, and with DuckDB.

Each runs in the environment that has it, and writes what it finds to Parquet files.
"""

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from lake.aws import LOCAL_ACCOUNT, LOCAL_REGION, Cloud
from schemas.curated_tables import CURATED
from schemas.derive.arrow import arrow_schema

PYICEBERG = """
import json, sys
import pyarrow.parquet as pq
from pyiceberg.catalog.glue import GlueCatalog
given = json.loads(sys.argv[1])
catalog = GlueCatalog("glue", **given["properties"])
for name in given["tables"]:
    found = catalog.load_table((given["database"], name))
    pq.write_table(found.scan().to_arrow(), f"{given['folder']}/{name}.parquet")
"""
DUCKDB = """
import importlib, json, sys
from pathlib import Path
import duckdb
given = json.loads(sys.argv[1])
connection = duckdb.connect()
for name in ("avro", "httpfs", "iceberg"):
    (folder,) = importlib.import_module(f"duckdb_extension_{name}").__path__
    (extension,) = Path(folder).rglob("*.duckdb_extension")
    connection.load_extension(str(extension))
connection.execute(given["secret"])
for name, metadata in given["tables"].items():
    rows = f"SELECT * FROM iceberg_scan('{metadata}')"
    connection.execute(f"COPY ({rows}) TO '{given['folder']}/{name}.parquet' (FORMAT parquet)")
"""
Rows = list[tuple[Any, ...]]


def read_by_pyiceberg(
    python: list[str], cloud: Cloud, database: str, folder: Path
) -> dict[str, Rows]:
    """Read all curated tables through the Glue catalogue."""
    properties = {"glue.endpoint": cloud.endpoint, "s3.endpoint": cloud.endpoint}
    for service in ("glue", "s3"):
        properties |= {
            f"{service}.region": LOCAL_REGION,
            f"{service}.access-key-id": LOCAL_ACCOUNT,
            f"{service}.secret-access-key": "local",
        }
    given = {"properties": properties, "database": database, "tables": list(CURATED)}
    return _read(python, PYICEBERG, given, folder)


def read_by_duckdb(python: list[str], cloud: Cloud, database: str, folder: Path) -> dict[str, Rows]:
    """Read all curated tables by the metadata that the Glue catalogue names."""
    host = urlsplit(str(cloud.endpoint)).netloc
    secret = f"""
        CREATE SECRET (TYPE s3, KEY_ID '{LOCAL_ACCOUNT}', SECRET 'local', USE_SSL false,
        REGION '{LOCAL_REGION}', ENDPOINT '{host}', URL_STYLE 'path')
    """
    tables = {
        name: cloud.client("glue").get_table(DatabaseName=database, Name=name)["Table"][
            "Parameters"
        ]["metadata_location"]
        for name in CURATED
    }
    return _read(python, DUCKDB, {"secret": secret, "tables": tables}, folder)


def in_key_order(name: str, rows: Rows) -> Rows:
    """Sort rows of a curated table by its key."""
    table = CURATED[name]
    columns = [column.name for column in table.columns]
    places = [columns.index(part) for part in table.key]
    return sorted(rows, key=lambda row: [row[place] for place in places])


def _read(python: list[str], script: str, given: dict[str, Any], folder: Path) -> dict[str, Rows]:
    folder.mkdir()
    command = [*python, "-c", script, json.dumps(given | {"folder": str(folder)})]
    subprocess.run(command, check=True)
    found = {}
    for name, table in CURATED.items():
        schema = arrow_schema(table.columns)
        columns = pq.read_table(folder / f"{name}.parquet").cast(schema).columns
        rows = zip(*map(_values, columns), strict=True)
        found[name] = in_key_order(name, list(rows))
    return found


def _values(column: pa.ChunkedArray) -> list[Any]:
    # As in Glue, whose timestamps have no zone.
    without_zone = pa.timestamp("us")
    is_time = pa.types.is_timestamp(column.type)
    values: list[Any] = (column.cast(without_zone) if is_time else column).to_pylist()
    return values
