"""``authors``: the authors of the lake's works."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from glue_etl.tables.columns import first_rows
from glue_etl.tables.work_authors import named_authors


def authors(works: DataFrame) -> DataFrame:
    """Make the table from the newest works; a name is that of the newest work that gives one."""
    columns = ("work_key", "authors", "first_publish_year", "fetched_at")
    named = named_authors(works.select(*columns))
    order = [F.col("name").asc_nulls_last(), F.col("position")]
    once = first_rows(named, ["author_key", "work_key"], order)
    newest = F.max(F.when(F.col("name").isNotNull(), F.struct("fetched_at", "work_key", "name")))
    return once.groupBy("author_key").agg(
        newest["name"].alias("name"),
        F.count("*").alias("works"),
        F.min("first_publish_year").alias("first_publish_year"),
        F.max("first_publish_year").alias("last_publish_year"),
    )
