"""A lake in a folder whose builds are published as Iceberg tables too. Needs no Spark.

The Glue catalogue is moto's; files and metadata are of this machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from moto import mock_aws
from pyiceberg.table import Table

from glue_etl.adapters.by_scheme import ReleasedFiles
from glue_etl.adapters.glue_catalogue import GlueCatalogue
from glue_etl.adapters.iceberg_catalogue import BUILD, GlueConnection, IcebergCatalogue
from glue_etl.adapters.local_files import LocalFiles
from glue_etl.adapters.two_catalogues import TwoCatalogues
from glue_etl.builds.lease import Lease
from glue_etl.builds.publication import Publisher, Retention
from glue_etl.ports import Catalogue
from glue_etl.testing.builds import record_of
from glue_etl.testing.memory import Clock
from schemas.curated_tables import CURATED, CuratedTable
from schemas.derive.arrow import arrow_schema
from schemas.keys import iceberg_table_prefix

PLAIN, ICEBERG = "lake_dev", "lake_dev_iceberg"
Rows = list[dict[str, Any]]


@contextmanager
def glue_of_moto() -> Iterator[boto3.Session]:
    """Mock AWS, with the two databases, for the length of the block; yields a session."""
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name="eu-west-1")
        for name in (PLAIN, ICEBERG):
            session.client("glue").create_database(DatabaseInput={"Name": name})
        yield session


@dataclass
class IcebergLake:
    """A lake below a folder, with its two catalogues and a clock."""

    root: Path
    session: boto3.Session
    clock: Clock = field(default_factory=Clock)
    keep: int = 2

    def __post_init__(self) -> None:
        glue = self.session.client("glue")
        self.connection = GlueConnection(self.session, glue, self.session.client("s3"))
        self.iceberg = IcebergCatalogue(self.connection, ICEBERG, LocalFiles(), self.curated)
        self.plain = GlueCatalogue(glue, PLAIN)
        self.both = TwoCatalogues(self.iceberg, self.plain)

    @property
    def curated(self) -> str:
        """URI of the curated tables."""
        return f"file://{self.root}/curated_data/"

    def publisher(self, catalogue: Catalogue | None = None) -> Publisher:
        """Return a publisher of a process of its own."""
        files = ReleasedFiles(release=self.iceberg.release)
        lease = Lease(files, f"{self.curated}_lease.json", self.clock, self.clock.sleep)
        return Publisher(
            files,
            catalogue or self.both,
            self.curated,
            f"file://{self.root}/runs/",
            Retention(self.keep, timedelta(hours=1)),
            lease,
            self.clock,
        )

    def write(self, build: str, *, tables: tuple[str, ...] = tuple(CURATED)) -> None:
        """Write a build: one row a table, whose first column says which build it is of."""
        for name in tables:
            table = CURATED[name]
            folder = self.root / "curated_data" / table.folder(build)
            folder.mkdir(parents=True)
            rows = [{table.columns[0].name: build}]
            schema = arrow_schema(table.columns)
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "part-0.parquet")

    def job(self, build: str, catalogue: Catalogue | None = None) -> None:
        """Write a build and publish it, as the job does."""
        self.write(build)
        publisher = self.publisher(catalogue)
        with publisher.lease.held("build"):
            publisher.repair()
            publisher.record_build(record_of(LocalFiles(), self.curated, build))
            publisher.publish(build)

    def table(self, name: str) -> Table:
        """Load an Iceberg table, as a reader does."""
        return self.connection().load_table((ICEBERG, name))

    def rows(self, name: str) -> Rows:
        """Read an Iceberg table, in the order of its key."""
        found: Rows = self.table(name).scan().to_arrow().to_pylist()
        return sorted(found, key=lambda row: [row[column] for column in CURATED[name].key])

    def seen(self) -> dict[str, list[str]]:
        """Return which builds a reader of each Iceberg table finds."""
        return {name: self.first_column(CURATED[name]) for name in CURATED}

    def first_column(self, table: CuratedTable) -> list[str]:
        """Return the first column of an Iceberg table."""
        return [row[table.columns[0].name] for row in self.rows(table.name)]

    def builds_of_snapshots(self, name: str) -> list[str]:
        """Return the builds that a table's snapshots tell, oldest first."""
        told = [s.summary and s.summary[BUILD] for s in self.table(name).snapshots()]
        return [build for build in told if build]

    def metadata_files(self, name: str) -> set[str]:
        """Return the names of a table's manifests and lists of manifests."""
        folder = self.root / iceberg_table_prefix(name) / "metadata"
        return {path.name for path in folder.glob("*.avro")}
