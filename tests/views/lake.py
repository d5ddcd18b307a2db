"""A lake of fakes that holds given tables: the catalogue in memory, the bucket a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lake.testing.fake_lake import JSON_LINES, PARQUET, Lake
from schemas.tables import PARTITIONS
from tests.views.tables import Tables

_SERDES: Final = {"parquet": PARQUET, "json": JSON_LINES}
_PARTITION_KEYS: Final = {column.name for column in PARTITIONS}


def bucket_of(folder: Path) -> Path:
    """Return where the files of such a lake lie, below its folder."""
    return folder / "bucket"


def lake_of(folder: Path, tables: Tables) -> Lake:
    """Return a lake with these tables, whose files lie in :func:`bucket_of` its folder."""
    lake = Lake(folder)
    for name, stored in tables.stored.items():
        keys = _PARTITION_KEYS if stored.days else set()
        columns = {column: kind for column, kind in stored.types.items() if column not in keys}
        lake.glue.add(name, columns, _SERDES[stored.format], stored.days)
    return lake
