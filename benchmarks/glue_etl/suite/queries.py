"""The dashboard's questions, asked of processed small files and of curated tables, in DuckDB."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Final

import duckdb

from glue_etl.testing.lake import Lake
from glue_etl.testing.tables import current_build
from schemas.curated_tables import CURATED

#: For each question its form over processed rows, where a work may be repeated, and over curated
#: tables; both give the same answer.
QUESTIONS: Final = {
    "how many works": (
        "select count(distinct work_key) from p_works",
        "select count(*) from works",
    ),
    "largest subjects": (
        """select s.key, count(distinct work_key) n from p_works, unnest(subjects) u(s)
            group by all order by n desc, 1 limit 20""",
        # Those whose listings were crawled are the subjects of more works than name them.
        """select subject_key, works from subjects where run_id is null
            order by works desc, 1 limit 20""",
    ),
    "one subject by decade": (
        """select decade, count(distinct work_key) from p_works
            where list_contains(list_transform(subjects, lambda s: s.key), 'subject_7')
            group by all order by 1""",
        """select decade, count(*) from work_subjects join works using (work_key)
            where subject_key = 'subject_7' group by all order by 1""",
    ),
    "decades and access": (
        """select decade, access_level, count(*) from (
            select distinct work_key, decade, access_level from p_works)
            group by all order by all""",
        "select decade, access_level, count(*) from works group by all order by all",
    ),
    "top authors": (
        """select a.key, count(distinct work_key) n from p_works, unnest(authors) u(a)
            group by all order by n desc, 1 limit 20""",
        """select author_key, works from author_rankings where subject_key = '#all'
            order by works desc, 1 limit 20""",
    ),
}


def query_seconds(lake: Lake, repeats: int) -> dict[str, tuple[float, float]]:
    """Return the median seconds of each question, over processed and over curated files.

    Raises
    ------
    RuntimeError
        When the answers differ.
    """
    found = {}
    with duckdb.connect() as database:
        _views(database, lake.root)
        for name, (processed, curated) in QUESTIONS.items():
            answers = [database.sql(sql).fetchall() for sql in (processed, curated)]
            if answers[0] != answers[1]:
                raise RuntimeError(f"{name}: processed and curated disagree")
            found[name] = (
                _median(database, processed, repeats),
                _median(database, curated, repeats),
            )
    return found


def _views(database: duckdb.DuckDBPyConnection, root: Path) -> None:
    # The views' names and folders are this benchmark's own.
    curated = root / "curated_data"
    build = current_build(curated)
    folders = {name: curated / table.folder(build) for name, table in CURATED.items()}
    folders["p_works"] = root / "processed_data" / "works"
    for name, folder in folders.items():
        files = f"read_parquet('{folder}/**/*.parquet')"
        database.execute(f"create view {name} as select * from {files}")  # noqa: S608


def _median(database: duckdb.DuckDBPyConnection, sql: str, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        database.sql(sql).fetchall()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)
