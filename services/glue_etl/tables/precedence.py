"""Whose word counts when several have a work: crawled listings, and dumps of all works.

Each is as of its run: a listing of the crawl's time, a dump of the end of its day, whenever either
was loaded. The newest that has a work tells its state, and the newest listing what that does not.
A whole dump has every work of its day, so what is older counts only where the dump confirms it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from glue_etl.tables.columns import conform, first_rows
from schemas.curated_tables import CURATED
from schemas.source.dump import NO_LISTING

_COLUMNS: Final = CURATED["works"].columns


@dataclass(frozen=True, slots=True)
class NewestDump:
    """The newest dump of a build.

    Attributes
    ----------
    unreadable
        Works of which it has a line that could not be read: they are there, and it says no more.
    """

    run_id: str
    unreadable: frozenset[str] = frozenset()


def rows_since(processed: DataFrame, dump: NewestDump | None) -> DataFrame:
    """Keep the processed rows that count: those of the dump, newer ones, and what it confirms.

    Of older rows these are listings' of a work that the dump has, and all of a work whose line
    could not be read.
    """
    if dump is None:
        return processed
    older = processed.where(F.col("run_id") < dump.run_id)
    unreadable = _unreadable(processed, dump)
    there = _rows_of(processed, dump).select("work_key").union(unreadable)
    # Apart, so that the files of older dumps are passed over by their statistics.
    kept = [
        processed.where(F.col("run_id") >= dump.run_id),
        older.where(_is_listed()).join(there, "work_key", "left_semi"),
    ]
    if dump.unreadable:
        kept.append(
            older.where(~_is_listed()).join(F.broadcast(unreadable), "work_key", "left_semi")
        )
    return reduce(DataFrame.unionByName, kept)


def listings_since(listed: DataFrame, processed: DataFrame, dump: NewestDump | None) -> DataFrame:
    """Keep the listings' word on subjects that is newer than the dump, or that it confirms.

    Parameters
    ----------
    listed
        Which run's listing of a subject held a work: ``work_key``, ``subject_key``,
        ``listed_run_id``.
    """
    if dump is None:
        return listed
    older = listed.where(F.col("listed_run_id") < dump.run_id)
    named = _rows_of(processed, dump).select("work_key", F.col("subjects.key").alias("named"))
    confirmed = older.join(named, "work_key").where(F.array_contains("named", older["subject_key"]))
    kept = [
        listed.where(F.col("listed_run_id") >= dump.run_id),
        confirmed.select(*listed.columns),
    ]
    if dump.unreadable:
        kept.append(_not_overruled(older, processed, dump))
    return reduce(DataFrame.unionByName, kept)


def _not_overruled(older: DataFrame, processed: DataFrame, dump: NewestDump) -> DataFrame:
    """Keep what listings say of works whose line could not be read, unless an older dump denies it.

    Of the older dumps the newest that has the work is asked.
    """
    unreadable = F.broadcast(_unreadable(processed, dump))
    dumps = processed.where((F.col("run_id") < dump.run_id) & ~_is_listed())
    told = dumps.join(unreadable, "work_key", "left_semi").select(
        "work_key", F.struct("run_id", F.col("subjects.key").alias("named")).alias("dump")
    )
    newest = told.groupBy("work_key").agg(F.max("dump").alias("dump"))
    counts = (
        F.col("dump").isNull()
        | (F.col("listed_run_id") > F.col("dump.run_id"))
        | F.array_contains("dump.named", F.col("subject_key"))
    )
    found = older.join(unreadable, "work_key", "left_semi").join(newest, "work_key", "left")
    return found.where(counts).select(*older.columns)


def work_states(processed: DataFrame) -> DataFrame:
    """Turn processed rows into states of works, several per work.

    What a dump does not know becomes null; a processed row may not be null there.
    """
    listed = _is_listed()
    return conform(
        processed.withColumns(
            {
                "origin": F.when(listed, "listing").otherwise("dump"),
                "edition_count": F.when(listed, F.col("edition_count")),
                "access_level": F.when(listed, F.col("access_level")),
                "source_subject": F.when(listed, F.col("source_subject")),
            }
        ),
        _COLUMNS,
    )


def newest_works(states: DataFrame) -> DataFrame:
    """Make one row of the states of each work: the newest, and what only a listing tells.

    It is associative as long as every dump is given with all listings before it: states may be
    states that were kept before, and newer listings. A raw object and a position in it are one
    record, and the hash decides should a record ever have two forms.

    The rows come out in ranges of works, as the table's files want them.
    """
    names = ("run_id", "fetched_at", "raw_key", "position", "record_hash")
    order = [F.col(name).desc() for name in names]
    whole = (
        Window.partitionBy("work_key")
        .orderBy(*order)
        .rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    )
    filled = [column.name for column in _COLUMNS if column.nullable]
    told = F.struct(*filled, "authors", "ia_collections")
    listing = F.first(F.when(F.col("origin") == "listing", told), ignorenulls=True).over(whole)
    placed = states.repartitionByRange("work_key").withColumn("_listing", listing)
    newest = first_rows(placed, ["work_key"], order)
    columns = {name: F.coalesce(name, F.col("_listing")[name]) for name in filled}
    # An edition says whose cover it is, so it goes with the listing's cover alone.
    same_cover = columns["cover_id"].eqNullSafe(F.col("_listing.cover_id"))
    columns["cover_edition_key"] = F.coalesce(
        "cover_edition_key", F.when(same_cover, F.col("_listing.cover_edition_key"))
    )
    by_key = F.col("origin") == "dump"
    named = _named(F.col("authors"), F.col("_listing.authors"))
    columns["authors"] = F.when(by_key, named).otherwise(F.col("authors"))
    columns["ia_collections"] = F.coalesce("_listing.ia_collections", "ia_collections")
    return newest.withColumns(columns).drop("_listing")


def _named(authors: Column, known: Column) -> Column:
    """Name authors that are given by key alone as the listing does."""

    def named(author: Column) -> Column:
        same = F.filter(known, lambda other: other["key"] == author["key"])
        name = F.coalesce(author["name"], F.get(same, F.lit(0))["name"])
        return F.struct(author["key"].alias("key"), name.alias("name"))

    return F.transform(authors, named)


def _is_listed() -> Column:
    return F.col("source_subject") != NO_LISTING


def _rows_of(processed: DataFrame, dump: NewestDump) -> DataFrame:
    return processed.where((F.col("run_id") == dump.run_id) & ~_is_listed())


def _unreadable(processed: DataFrame, dump: NewestDump) -> DataFrame:
    keys = [(key,) for key in sorted(dump.unreadable)]
    return processed.sparkSession.createDataFrame(keys, "work_key string")
