"""The same job by DuckDB alone: ``python -m benchmarks.glue_etl.suite.duckdb_peer ROOT MIB``.

It makes the tables of the comparison in glue_etl's tests, straight from the processed files to
Parquet, with the job's own bounds. It checks no rules and publishes nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import duckdb

from glue_etl.settings import JobArguments
from glue_etl.testing.duckdb_tables import statements
from schemas.curated_tables import CURATED

THREADS: Final = 2
_PROCESSED: Final = ("works", "subject_snapshots", "subject_facets")


def build(root: Path, memory_mib: int) -> dict[str, int]:
    """Make the tables of the lake at ``root`` in ``root/duckdb``; return their rows."""
    out = root / "duckdb"
    out.mkdir()
    with duckdb.connect(str(out / "work.db")) as database:
        database.execute(f"set threads = {THREADS}")
        database.execute(f"set memory_limit = '{memory_mib}MiB'")
        database.execute("set preserve_insertion_order = false")
        for name in _PROCESSED:
            files = f"{root}/processed_data/{name}/**/*.parquet"
            # Folders of this benchmark's own.
            view = f"create view p_{name} as select * from read_parquet('{files}')"  # noqa: S608
            database.execute(view)
        # No dump is compared.
        database.execute("create view p_unreadable as select '' work_key where false")
        for name, statement in statements(_bounds()).items():
            database.execute(f"create table {name} as {statement}")
        return {name: _save(database, name, out) for name in CURATED}


def _bounds() -> dict[str, int]:
    given = JobArguments.model_validate(
        {"processed": "file:///p", "curated": "file:///c", "runs": "file:///r"}
    )
    return {
        "min_works": given.pair_min_works,
        "pair_subjects": given.pair_subjects,
        "pairs": given.pair_limit,
        "tracked": given.tracked_subjects,
        "places": given.ranking_places,
    }


def _save(database: duckdb.DuckDBPyConnection, name: str, out: Path) -> int:
    order = ", ".join(CURATED[name].sort)
    rows = f"select * from {name} order by {order}"  # noqa: S608  # names of contracts
    found = database.execute(
        f"copy ({rows}) to '{out}/{name}.parquet' (format parquet, compression zstd)"
    ).fetchone()
    assert found is not None  # noqa: S101  # COPY tells its rows
    return int(found[0])


if __name__ == "__main__":
    made = build(Path(sys.argv[1]), int(sys.argv[2]))
    print(json.dumps({"tables": {name: {"rows": rows} for name, rows in made.items()}}))
