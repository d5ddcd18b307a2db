"""Writes a build's tables: few files of sensible size, sorted, exactly as the contract says.

Each file holds a range of keys of its own, so that a look-up reads one file and not all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from glue_etl.spark import reader
from glue_etl.tables.columns import conform, struct_type
from schemas.curated_tables import CURATED


@dataclass(frozen=True, slots=True)
class TableWriter:
    """The folder of one build.

    Attributes
    ----------
    curated
        URI of the curated tables.
    """

    spark: SparkSession
    curated: str
    build: str

    def save(self, name: str, rows: DataFrame, *, clustered: bool = False) -> DataFrame:
        """Write a table and return it as read back, so that nothing is computed twice.

        Parameters
        ----------
        clustered
            Whether the rows lie in ranges of the first sort column already, so that a shuffle can
            be spared.
        """
        table = CURATED[name]
        placed = rows if clustered else rows.repartitionByRange(*table.sort)
        ordered = conform(placed, table.columns).sortWithinPartitions(*table.sort)
        ordered.write.mode("overwrite").parquet(self._uri(name))
        return self.read(name)

    def read(self, name: str) -> DataFrame:
        """Read a table of the build."""
        return read_table(self.spark, self.curated, name, self.build)

    def _uri(self, name: str) -> str:
        return f"{self.curated}{CURATED[name].folder(self.build)}"


def read_table(spark: SparkSession, curated: str, name: str, build: str) -> DataFrame:
    """Read a table of a build."""
    table = CURATED[name]
    schema = struct_type(table.columns)
    # The folder's name would add a column, which the table does not have.
    return reader(spark).schema(schema).parquet(f"{curated}{table.folder(build)}")
