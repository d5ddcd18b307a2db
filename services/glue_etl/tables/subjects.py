"""``subjects``: every subject of a work and every one crawled, with the latest counts."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from glue_etl.tables.columns import first_rows, subject_kind
from glue_etl.tables.work_subjects import named_subjects


def subjects(works: DataFrame, work_subjects: DataFrame, history: DataFrame) -> DataFrame:
    """Make the table from ``works``, ``work_subjects`` and ``subject_history``."""
    newest = first_rows(history, ["subject_key"], [F.col("run_id").desc()])
    latest = newest.select(
        "subject_key",
        F.col("name").alias("source_name"),
        "work_count",
        "ebook_count",
        "run_id",
        "fetched_at",
    )
    counted = work_subjects.groupBy("subject_key").agg(F.count("*").alias("works"))
    joined = (
        counted.join(_usual_spellings(works), "subject_key", "left")
        .join(latest, "subject_key", "full")
        .withColumn("works", F.coalesce("works", F.lit(0)))
        .withColumn("name", F.coalesce("source_name", "spelling"))
    )
    return joined.withColumn("kind", subject_kind(F.col("subject_key")))


def tracked_subjects(subjects_table: DataFrame, limit: int) -> DataFrame:
    """Choose the subjects that get a history and rankings: ``subject_key``.

    Parameters
    ----------
    limit
        How many of the largest subjects join those that were crawled.
    """
    largest = subjects_table.orderBy(F.col("works").desc(), "subject_key").limit(limit)
    crawled = subjects_table.where("run_id is not null")
    return largest.select("subject_key").union(crawled.select("subject_key")).distinct()


def _usual_spellings(works: DataFrame) -> DataFrame:
    uses = named_subjects(works).groupBy("subject_key", "name").agg(F.count("*").alias("uses"))
    # Of spellings used equally often, the one that sorts first: the least, negated counts first.
    least = F.min(F.struct((-F.col("uses")).alias("uses"), "name"))
    return uses.groupBy("subject_key").agg(least["name"].alias("spelling"))
