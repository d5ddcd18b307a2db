"""``publishing_history``: works by year of first publication, of the lake and of the source."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from glue_etl.tables.columns import first_rows
from schemas.rows.curated import ALL_WORKS


def source_years(facets: DataFrame) -> DataFrame:
    """Take the source's counts per subject and year out of processed facets."""
    return facets.where(
        (F.col("facet") == "publishing_history") & F.col("year").isNotNull()
    ).select(
        F.col("subject").alias("subject_key"),
        "year",
        F.col("count").alias("source_works"),
        F.col("run_id").alias("source_run_id"),
    )


def known_years(history: DataFrame) -> DataFrame:
    """Take the source's counts out of the table of a build."""
    return history.where("source_run_id is not null").select(
        "subject_key", "year", "source_works", "source_run_id"
    )


def newest_years(years: DataFrame) -> DataFrame:
    """Keep, per subject, the whole history of the newest run that has one.

    A year that one history has twice keeps its larger count.
    """
    newest = Window.partitionBy("subject_key")
    of_newest = years.withColumn("_newest", F.max("source_run_id").over(newest)).where(
        "source_run_id = _newest"
    )
    once = first_rows(of_newest, ["subject_key", "year"], [F.col("source_works").desc()])
    return once.drop("_newest")


def publishing_history(
    works: DataFrame, work_subjects: DataFrame, tracked: DataFrame, source: DataFrame
) -> DataFrame:
    """Make the table.

    Parameters
    ----------
    works, work_subjects
        The tables.
    tracked
        The subjects that get a history: ``subject_key``.
    source
        The source's counts, as :func:`newest_years` gives them.
    """
    dated = works.where("first_publish_year is not null").select(
        "work_key", F.col("first_publish_year").alias("year")
    )
    of_subjects = work_subjects.join(F.broadcast(tracked), "subject_key").join(dated, "work_key")
    by_subject = of_subjects.groupBy("subject_key", "year").agg(F.count("*").alias("works"))
    by_year = dated.groupBy("year").agg(F.count("*").alias("works"))
    all_years = by_subject.unionByName(by_year.withColumn("subject_key", F.lit(ALL_WORKS)))
    return all_years.join(source, ["subject_key", "year"], "full").withColumn(
        "works", F.coalesce("works", F.lit(0))
    )
