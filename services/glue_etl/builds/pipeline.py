"""Makes a build: reads the new runs and the build before, writes every table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from glue_etl.builds.writing import TableWriter, read_table
from glue_etl.compaction.days import TableInput
from glue_etl.settings import JobArguments
from glue_etl.spark import reader
from glue_etl.tables.author_rankings import author_rankings
from glue_etl.tables.authors import authors
from glue_etl.tables.columns import struct_type
from glue_etl.tables.precedence import (
    NewestDump,
    listings_since,
    newest_works,
    rows_since,
    work_states,
)
from glue_etl.tables.publishing_history import (
    known_years,
    newest_years,
    publishing_history,
    source_years,
)
from glue_etl.tables.subject_history import known_counts, subject_counts, subject_history
from glue_etl.tables.subject_pairs import PairBounds, subject_pairs
from glue_etl.tables.subjects import subjects, tracked_subjects
from glue_etl.tables.work_authors import work_authors
from glue_etl.tables.work_subjects import known_listings, listings, work_subjects
from schemas.tables import TABLES


@dataclass(frozen=True, slots=True)
class State:
    """What is known of the source, of some runs or of a build; states of parts can be united.

    Attributes
    ----------
    works
        States of works.
    listings
        Which subject's listing held which work.
    counts
        The source's counts of subjects.
    years
        The source's works per subject and year.
    """

    works: DataFrame
    listings: DataFrame
    counts: DataFrame
    years: DataFrame

    def united(self, other: State) -> State:
        """Put two states together; rows may repeat."""
        return State(
            self.works.unionByName(other.works),
            self.listings.unionByName(other.listings),
            self.counts.unionByName(other.counts),
            self.years.unionByName(other.years),
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What keeps the derived tables bounded; see ``JobArguments``."""

    pairs: PairBounds
    tracked_subjects: int
    ranking_places: int

    @classmethod
    def of(cls, arguments: JobArguments) -> Bounds:
        """Take the bounds out of the job's arguments."""
        pairs = PairBounds(arguments.pair_subjects, arguments.pair_min_works, arguments.pair_limit)
        return cls(pairs, arguments.tracked_subjects, arguments.ranking_places)


def state_of_runs(
    spark: SparkSession,
    tables: Mapping[str, TableInput],
    runs: Sequence[str],
    dump: NewestDump | None = None,
) -> State:
    """Return the state that the processed rows of some runs describe.

    Parameters
    ----------
    tables
        Where they lie, by processed table.
    dump
        The newest dump, if the runs are all that there are; newer ones than it need none.
    """
    processed = {name: _read(spark, name, tables.get(name, TableInput()), runs) for name in TABLES}
    works = processed["works"]
    return State(
        work_states(rows_since(works, dump)),
        listings_since(listings(works), works, dump),
        subject_counts(processed["subject_snapshots"], processed["works"]),
        source_years(processed["subject_facets"]),
    )


def state_of_build(spark: SparkSession, curated: str, build: str) -> State:
    """Return the state that a build holds."""

    def table(name: str) -> DataFrame:
        return read_table(spark, curated, name, build)

    return State(
        table("works"),
        known_listings(table("work_subjects")),
        known_counts(table("subject_history")),
        known_years(table("publishing_history")),
    )


def write_tables(state: State, writer: TableWriter, bounds: Bounds, at_once: int = 1) -> None:
    """Write all tables that follow from a state; they are always the same for the same state.

    Parameters
    ----------
    at_once
        Tables that are made at the same time.
    """
    saved: dict[str, Future[DataFrame]] = {}

    def table(name: str) -> DataFrame:
        return saved[name].result()

    with ThreadPoolExecutor(at_once) as pool:

        def save(name: str, rows: Callable[[], DataFrame], *, clustered: bool = False) -> None:
            saved[name] = pool.submit(lambda: writer.save(name, rows(), clustered=clustered))

        def tracked() -> DataFrame:
            return tracked_subjects(table("subjects"), bounds.tracked_subjects)

        # Each after those that it is made of: threads take them in this order, so none waits for a
        # table that nobody makes.
        save("works", lambda: newest_works(state.works), clustered=True)
        save("subject_history", lambda: subject_history(state.counts))
        save(
            "work_subjects",
            lambda: work_subjects(table("works"), state.listings),
            clustered=True,
        )
        save("work_authors", lambda: work_authors(table("works")), clustered=True)
        save("authors", lambda: authors(table("works")), clustered=True)
        save(
            "subjects",
            lambda: subjects(table("works"), table("work_subjects"), table("subject_history")),
        )
        save(
            "subject_pairs",
            lambda: subject_pairs(
                table("subjects"), table("work_subjects"), table("works").count(), bounds.pairs
            ),
        )
        save(
            "publishing_history",
            lambda: publishing_history(
                table("works"), table("work_subjects"), tracked(), newest_years(state.years)
            ),
        )
        save(
            "author_rankings",
            lambda: author_rankings(
                table("works"),
                table("work_subjects"),
                table("work_authors"),
                tracked(),
                bounds.ranking_places,
            ),
        )
    for name in saved:
        table(name)


def _read(spark: SparkSession, name: str, table: TableInput, runs: Sequence[str]) -> DataFrame:
    schema = struct_type(TABLES[name].columns)
    parts = [
        reader(spark).schema(schema).parquet(*uris)
        for uris in (table.pages, table.compacted)
        if uris
    ]
    if not parts:
        return spark.createDataFrame([], schema)
    if table.superseded:
        keys = spark.createDataFrame([(key,) for key in table.superseded], "raw_key string")
        parts[-1] = parts[-1].join(F.broadcast(keys), "raw_key", "left_anti")
    return reduce(DataFrame.unionByName, parts).where(F.col("run_id").isin(*runs))
