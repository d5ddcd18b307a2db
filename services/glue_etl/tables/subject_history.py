"""``subject_history``: OpenLibrary's counts per subject and run, with what changed."""

from __future__ import annotations

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from glue_etl.tables.columns import first_rows

_COUNTS: Final = (
    "subject_key",
    "run_id",
    "name",
    "work_count",
    "ebook_count",
    "raw_key",
    "fetched_at",
    "listed_works",
)


def subject_counts(snapshots: DataFrame, works: DataFrame) -> DataFrame:
    """Take the counts out of processed snapshots, each with what the run's listing held."""
    held = works.groupBy("run_id", F.col("source_subject").alias("subject")).agg(
        F.countDistinct("work_key").alias("found")
    )
    counted = snapshots.join(held, ["run_id", "subject"], "left")
    return (
        counted.withColumn("listed_works", F.coalesce("found", F.lit(0)))
        .withColumnRenamed("subject", "subject_key")
        .select(*_COUNTS)
    )


def known_counts(history: DataFrame) -> DataFrame:
    """Take the counts out of the table of a build."""
    return history.select(*_COUNTS)


def subject_history(counts: DataFrame) -> DataFrame:
    """Make the table from counts, which may repeat; late ones change the deltas around them."""
    order = [F.col(name).desc() for name in ("fetched_at", "raw_key", "work_count")]
    order += [F.col(name).desc_nulls_last() for name in ("ebook_count", "name")]
    once = first_rows(counts, ["subject_key", "run_id"], order)
    before = Window.partitionBy("subject_key").orderBy("run_id")
    return once.withColumns(
        {
            "previous_run_id": F.lag("run_id").over(before),
            "work_count_delta": F.col("work_count") - F.lag("work_count").over(before),
            "ebook_count_delta": F.col("ebook_count") - F.lag("ebook_count").over(before),
        }
    )
