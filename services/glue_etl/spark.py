"""What the job knows of Spark wherever it runs: how it reads files, and what is little for it."""

from __future__ import annotations

from typing import Final

from pyspark.sql import DataFrameReader, SparkSession

#: Input (bytes) below which Spark's preparations for large data cost more than they bring.
SMALL: Final = 4 * 2**20


def reader(spark: SparkSession) -> DataFrameReader:
    """Return a reader that takes paths as they are; Spark's own takes them for patterns.

    The option is Spark's, for its own use (``DataSource.GLOB_PATHS_KEY``).
    """
    return spark.read.option("__globPaths__", "false")
