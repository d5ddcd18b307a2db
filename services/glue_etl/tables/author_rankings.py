"""``author_rankings``: the authors with the most works, per subject and over all."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from schemas.rows.curated import ALL_WORKS


def author_rankings(
    works: DataFrame,
    work_subjects: DataFrame,
    work_authors: DataFrame,
    tracked: DataFrame,
    limit: int,
) -> DataFrame:
    """Make the table.

    Parameters
    ----------
    works, work_subjects, work_authors
        The tables.
    tracked
        The subjects that get a ranking: ``subject_key``.
    limit
        Places per subject.
    """
    editions = works.select("work_key", F.coalesce("edition_count", F.lit(0)).alias("editions"))
    written = work_authors.select("work_key", "author_key").join(editions, "work_key")
    of_subjects = work_subjects.select("work_key", "subject_key").join(
        F.broadcast(tracked), "subject_key"
    )
    by_subject = _totals(written.join(of_subjects, "work_key"), "subject_key", "author_key")
    overall = _totals(written, "author_key").withColumn("subject_key", F.lit(ALL_WORKS))
    order = Window.partitionBy("subject_key").orderBy(
        F.col("works").desc(), F.col("editions").desc(), "author_key"
    )
    ranked = by_subject.unionByName(overall).withColumn("rank", F.row_number().over(order))
    return ranked.where(F.col("rank") <= limit)


def _totals(rows: DataFrame, *by: str) -> DataFrame:
    return rows.groupBy(*by).agg(F.count("*").alias("works"), F.sum("editions").alias("editions"))
