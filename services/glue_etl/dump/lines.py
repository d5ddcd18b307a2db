"""The lines of a dump as Spark reads them, each with its position."""

from __future__ import annotations

from math import ceil
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from glue_etl.spark import reader

_MASK: Final = (1 << 33) - 1
#: Bytes of a compressed dump that become one partition, and one file of rows of about that size.
_PART: Final = 32 * 2**20


def dealt_lines(spark: SparkSession, uri: str, size: int) -> DataFrame:
    """Read a dump's lines (:func:`numbered_lines`) in partitions that all workers have a share of.

    Parameters
    ----------
    size
        The file's size in bytes.
    """
    lines = numbered_lines(spark, uri)
    if not _is_compressed(uri):
        return lines
    # It is one partition, however large. By position, since Spark sorts what it deals in turn.
    parts = max(spark.sparkContext.defaultParallelism, ceil(size / _PART))
    return lines.repartition(parts, "position")


def numbered_lines(spark: SparkSession, uri: str) -> DataFrame:
    """Read a text's lines as bytes, each with its position from 0: ``line``, ``position``."""
    # Other line ends may be data: JSON allows U+2028 and editors typed it.
    lines = reader(spark).option("lineSep", "\n").text(uri)
    numbered = lines.select(
        F.col("value").cast("binary").alias("line"), F.monotonically_increasing_id().alias("id")
    )
    place = numbered.select(
        "line",
        F.shiftright("id", 33).alias("part"),
        F.col("id").bitwiseAND(F.lit(_MASK)).alias("index"),
    )
    if _is_compressed(uri):
        return place.select("line", F.col("index").alias("position"))
    starts, start = [], 0
    for row in sorted(place.groupBy("part").count().collect()):
        starts.append((row["part"], start))
        start += row["count"]
    known = spark.createDataFrame(starts, "part bigint, start bigint")
    joined = place.join(F.broadcast(known), "part")
    return joined.select("line", (F.col("start") + F.col("index")).alias("position"))


def _is_compressed(uri: str) -> bool:
    """Return whether a dump is one stream, which Spark cannot split."""
    return uri.endswith(".gz")
