"""``works``: the newest state of every work."""

from __future__ import annotations

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from glue_etl.tables.columns import conform, first_rows
from schemas.curated_tables import CURATED
from schemas.source.dump import NO_LISTING

_COLUMNS: Final = CURATED["works"].columns


def work_states(processed: DataFrame) -> DataFrame:
    """Turn processed rows into states of works, several per work.

    What a dump does not know becomes null; a processed row may not be null there.
    """
    listed = F.col("source_subject") != NO_LISTING
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
    """Keep the newest state of each work; see ``CuratedWorkRow`` for listing and dump.

    It is associative: states may be states that were kept before, and new ones. A raw object and a
    position in it are one record, and the hash decides should a record ever have two forms.

    The rows come out in ranges of works, as the table's files want them.
    """
    order = [
        (F.col("origin") == "listing").desc(),
        *(F.col(name).desc() for name in ("fetched_at", "run_id", "raw_key", "position")),
        F.col("record_hash").desc(),
    ]
    return first_rows(states.repartitionByRange("work_key"), ["work_key"], order)
