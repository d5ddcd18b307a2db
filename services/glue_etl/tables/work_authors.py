"""``work_authors``: which work has which authors."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from glue_etl.tables.columns import author_key


def named_authors(works: DataFrame) -> DataFrame:
    """Return one row per author that a work names.

    It has all columns of the work, and ``author_key``, ``position`` and ``name``.

    The rows come out in ranges of authors, as the tables' files want them.
    """
    found = works.select("*", F.posexplode("authors").alias("position", "author")).withColumns(
        {"author_key": author_key(F.col("author")), "name": F.col("author.name")}
    )
    named = found.where("author_key is not null").drop("author", "authors")
    return named.repartitionByRange("author_key")


def work_authors(works: DataFrame) -> DataFrame:
    """Make the table from the newest works."""
    named = named_authors(works.select("work_key", "authors"))
    return named.groupBy("author_key", "work_key").agg(F.min("position").alias("position"))
