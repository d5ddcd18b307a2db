"""``work_subjects``: which work has which subjects, by its own word or by a listing's."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from schemas.source.dump import NO_LISTING


def listings(processed: DataFrame) -> DataFrame:
    """Return which subject's listing held a work, from processed rows; newest ``listed_run_id``."""
    listed = processed.where(F.col("source_subject") != NO_LISTING).select(
        "work_key", F.col("source_subject").alias("subject_key"), F.col("run_id")
    )
    return listed.groupBy("work_key", "subject_key").agg(F.max("run_id").alias("listed_run_id"))


def known_listings(work_subjects: DataFrame) -> DataFrame:
    """Return the same from the table of a build."""
    return work_subjects.where("listed_run_id is not null").select(
        "work_key", "subject_key", "listed_run_id"
    )


def named_subjects(works: DataFrame) -> DataFrame:
    """Return one row per subject that a work names: ``subject_key``, ``position``, ``name``.

    Two spellings of a work may have one key; a spelling of punctuation alone has none.
    """
    found = works.select("work_key", F.posexplode("subjects").alias("position", "subject"))
    return found.select(
        "work_key",
        F.col("subject.key").alias("subject_key"),
        "position",
        F.col("subject.name").alias("name"),
    ).where("subject_key is not null")


def work_subjects(works: DataFrame, listed: DataFrame) -> DataFrame:
    """Make the table from the newest works and the listings (which may repeat).

    The rows come out in ranges of subjects, as the table's files want them.
    """
    named = named_subjects(works).select(
        "work_key", "subject_key", "position", F.lit(None).cast("bigint").alias("listed")
    )
    told = listed.select(
        "work_key",
        "subject_key",
        F.lit(None).cast("int").alias("position"),
        _number(F.col("listed_run_id")).alias("listed"),
    )
    both = named.unionByName(told).repartitionByRange("subject_key")
    # Numbers, because Spark can only hash-aggregate those; sorting all rows takes twice as long.
    merged = both.groupBy("work_key", "subject_key").agg(
        F.min("position").alias("position"), F.max("listed").alias("listed")
    )
    return merged.select(
        "work_key", "subject_key", "position", _run_id(F.col("listed")).alias("listed_run_id")
    )


def _number(run_id: Column) -> Column:
    return F.translate(run_id, "TZ", "").cast("bigint")


def _run_id(number: Column) -> Column:
    digits = number.cast("string")
    return F.concat(F.substring(digits, 1, 8), F.lit("T"), F.substring(digits, 9, 6), F.lit("Z"))
