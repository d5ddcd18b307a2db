"""Has Java load the classes that a small job needs: ``python -m glue_etl.adapters.class_archive``.

Where Java is told to, it leaves an archive of them as it ends (``-XX:ArchiveClassesAtExit``), from
which a later Java takes them in a third of the time. Whoever starts jobs on this machine makes it.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from glue_etl.adapters.spark_session import start
from glue_etl.settings import SessionArguments


def load_classes(spark: SparkSession, folder: str) -> int:
    """Do in small what the tables are made by: read, explode, join, group, rank, sort and write."""
    author = F.struct(F.col("id").cast("string").alias("key"), F.lit("name").alias("name"))
    rows = spark.range(100).select(
        "id", (F.col("id") % 7).alias("group"), F.array(author).alias("authors")
    )
    rows.write.parquet(f"{folder}/rows")
    read = spark.read.schema(rows.schema).parquet(f"{folder}/rows")
    place = F.row_number().over(Window.partitionBy("group").orderBy(F.col("id").desc()))
    first = read.withColumn("place", place).where("place < 5")
    exploded = first.select("id", "group", F.explode("authors").alias("author"))
    groups = exploded.groupBy("group").agg(
        F.count("*").alias("all"), F.collect_set("author.key").alias("keys")
    )
    joined = exploded.join(F.broadcast(groups), "group").unionByName(exploded.join(groups, "group"))
    written = joined.repartitionByRange("id").sortWithinPartitions("id")
    written.write.mode("overwrite").parquet(f"{folder}/joined")
    return spark.read.parquet(f"{folder}/joined").count()


def main() -> None:
    """Load them, and wait until Java has ended."""
    spark = start(SessionArguments(master="local[*]"), 0)
    gateway: Any = spark.sparkContext._gateway
    with TemporaryDirectory() as folder:
        load_classes(spark, f"file://{folder}")
    spark.stop()
    # It ends when its input does.
    gateway.proc.stdin.close()
    gateway.proc.wait()


if __name__ == "__main__":
    main()
