"""Column expressions that several tables share."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention
from pyspark.sql.types import StructType
from pyspark.sql.window import Window

from schemas.derive import columns as neutral
from schemas.derive.spark import spark_schema
from schemas.subjects import PREFIXED_KINDS


def struct_type(columns: Sequence[neutral.Column]) -> StructType:
    """Return the Spark schema of a contract's columns."""
    return StructType.fromJson(spark_schema(columns))


def conform(frame: DataFrame, columns: Sequence[neutral.Column]) -> DataFrame:
    """Return exactly the contract's columns, in its order and with its types."""
    fields = struct_type(columns).fields
    return frame.select(*(F.col(field.name).cast(field.dataType) for field in fields))


def first_rows(frame: DataFrame, key: Sequence[str], order: Sequence[Column]) -> DataFrame:
    """Keep the first row of each key; the order must be total for the result to be one."""
    numbered = frame.withColumn(
        "_number", F.row_number().over(Window.partitionBy(*key).orderBy(*order))
    )
    return numbered.where("_number = 1").drop("_number")


def subject_kind(key: Column) -> Column:
    """Return the kind of a canonical subject key from its prefix."""
    kind = F.lit("subject")
    for prefixed in PREFIXED_KINDS:
        kind = F.when(key.startswith(f"{prefixed}:"), prefixed).otherwise(kind)
    return kind


def author_key(author: Column) -> Column:
    """Return the key of an author struct, or one made of the name where the source gives none."""
    return F.coalesce(author["key"], F.concat(F.lit("name:"), author["name"]))
