"""``subject_pairs``: which subjects works share, and how much more than chance would have it."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window


@dataclass(frozen=True, slots=True)
class PairBounds:
    """What keeps the pairs few.

    Attributes
    ----------
    subjects
        Only this many of the largest subjects are paired: pairs grow with their square.
    min_works
        Pairs that fewer works share are chance, and left out.
    pairs
        At most this many pairs, the most frequent ones.
    """

    subjects: int
    min_works: int
    pairs: int


def subject_pairs(
    subjects: DataFrame, work_subjects: DataFrame, all_works: int, bounds: PairBounds
) -> DataFrame:
    """Make the table from ``subjects``, ``work_subjects`` and the number of all works."""
    paired = _numbered(subjects, bounds)
    # Small numbers instead of keys: the shuffle is a third, and pairs are counted by hash.
    tagged = work_subjects.join(
        F.broadcast(paired.select("subject_key", "number")), "subject_key"
    ).select("work_key", "number")
    numbers = F.sort_array(F.collect_list("number")).alias("numbers")
    per_work = tagged.groupBy("work_key").agg(numbers).where("size(numbers) > 1")
    # Each with those after it: half of all with all.
    pairs = per_work.select("numbers", F.posexplode("numbers").alias("place", "a")).select(
        "a", F.explode(F.expr("slice(numbers, place + 2, size(numbers))")).alias("b")
    )
    counted = pairs.groupBy("a", "b").agg(F.count("*").alias("works"))
    frequent = counted.where(F.col("works") >= bounds.min_works)
    return _most_frequent(_named(frequent, paired), bounds).withColumn(
        "lift_thousandths", _lift_thousandths(all_works)
    )


def _numbered(subjects: DataFrame, bounds: PairBounds) -> DataFrame:
    frequent = subjects.where(F.col("works") >= bounds.min_works)
    largest = frequent.orderBy(F.col("works").desc(), "subject_key").limit(bounds.subjects)
    # Numbered by key, so that a pair's order by number is its order by key.
    number = F.row_number().over(Window.orderBy("subject_key"))
    return largest.select("subject_key", "works", number.alias("number"))


def _named(pairs: DataFrame, numbered: DataFrame) -> DataFrame:
    for side in ("a", "b"):
        names = numbered.select(
            F.col("number").alias(side),
            F.col("subject_key").alias(f"subject_key_{side}"),
            F.col("works").alias(f"works_{side}"),
        )
        pairs = pairs.join(F.broadcast(names), side)
    return pairs


def _most_frequent(pairs: DataFrame, bounds: PairBounds) -> DataFrame:
    order = (F.col("works").desc(), "subject_key_a", "subject_key_b")
    return pairs.orderBy(*order).limit(bounds.pairs)


def _lift_thousandths(all_works: int) -> Column:
    # Whole numbers below 2**63 up to 90 million works; a quotient of doubles could be rounded
    # otherwise by another engine.
    return F.expr(f"(1000 * works * {all_works}) div (works_a * works_b)")
