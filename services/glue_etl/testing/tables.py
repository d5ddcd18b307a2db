"""Reads published builds the way readers do: by the record, then the files. Needs no Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from schemas.curated_tables import CURATED
from schemas.derive.arrow import arrow_schema
from schemas.keys import CURATED_PREFIX, CURRENT_BUILD_KEY, below
from schemas.ledger.curated_build import CurrentBuild

Rows = list[dict[str, Any]]


def current_build(curated: Path) -> str:
    """Return the id of the published build."""
    return CurrentBuild.model_validate_json(
        (curated / below(CURATED_PREFIX, CURRENT_BUILD_KEY)).read_bytes()
    ).build


def read_table(curated: Path, name: str, build: str) -> Rows:
    """Read a table of a build, in the order of its key.

    Raises
    ------
    FileNotFoundError
        When the build has no file of the table.
    """
    table = CURATED[name]
    files = sorted((curated / table.folder(build)).glob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"{name} has no file in build {build}")
    schema = arrow_schema(table.columns)
    rows: Rows = []
    for file in files:
        # As it was written: a column of another type would be a broken contract.
        rows += pq.ParquetFile(file).read().cast(schema).to_pylist()
    return sorted(rows, key=lambda row: [row[column] for column in table.key])


def read_tables(curated: Path, build: str | None = None) -> dict[str, Rows]:
    """Read all tables of a build; of the published one by default."""
    chosen = build or current_build(curated)
    return {name: read_table(curated, name, chosen) for name in CURATED}
