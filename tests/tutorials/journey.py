"""Takes records all the way, in the project that is on the path: page, dump, build and view.

``python journey.py FOLDER VIEW`` prints what the view answers, and the column in each table, as
JSON. It runs as a process of its own, because it imports a changed copy of the project.
"""

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from analytics.views.definitions import views
from glue_etl.adapters.local_files import LocalFiles
from glue_etl.adapters.spark_session import start
from glue_etl.builds.etl import Etl
from glue_etl.dump.load import load_dump, source_of
from glue_etl.job import publisher_for
from glue_etl.settings import BulkArguments, JobArguments, SessionArguments
from glue_etl.testing.lake import Lake as Folders
from openlibrary_standin.parameters import Query
from openlibrary_standin.works.catalogue import Catalogue
from process.logic.stage import process_page
from process.testing.fakes import LIMITS, Lake, MemoryStore, MemoryTableStore
from process.testing.pages import packed

FIELD = "readinglog_count"
WORKS = 50
CRAWL, DUMP = "20261123T060000Z", "20260930T000000Z"


def process(folders: Folders) -> None:
    """Process a page of the stand-in, and leave its rows where the job looks for them."""
    page = Catalogue(subject_works={"love": 100}).page("love", Query(limit=WORKS, offset=0))
    store = MemoryStore()
    lake = Lake(store, MemoryTableStore(store))
    result = process_page(lake.outputs, lake.put_raw(packed(page)), LIMITS)
    if result.rows != WORKS:
        raise RuntimeError(f"the page became {result}")
    for key, rows in lake.tables.written.items():
        path = folders.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, path)
    folders.finish(CRAWL, result.rows)


def load(folders: Folders, spark: Any) -> None:
    """Load a dump of one work."""
    work = {"key": "/works/OL77W", "title": "Of the dump"}
    dump = folders.root / "ol_dump_works_2026-09-30.txt"
    dump.write_text(f"/type/work\t/works/OL77W\t1\t2026-01-01\t{json.dumps(work)}\n")
    arguments = {
        "dump": f"file://{dump}",
        "run-id": DUMP,
        "processed": folders.processed,
        "quarantine": f"file://{folders.root}/quarantine_data/works/",
        "runs": folders.runs,
    }
    argv = [part for name, value in arguments.items() for part in (f"--{name}", value)]
    parsed, files = BulkArguments.parse(argv), LocalFiles()
    source = source_of(parsed, files)
    if source is None:
        raise RuntimeError("the dump is not there")
    load_dump(parsed, files, spark, source)


def build(folders: Folders, spark: Any) -> Path:
    """Build the curated tables; return the folder of ``works``."""
    arguments = JobArguments.parse(folders.arguments(pair_min_works=1))
    files = LocalFiles()
    Etl(arguments, files, publisher_for(arguments, files), lambda _: spark).run()
    (works,) = (folders.root / "curated_data/works").glob("build=*")
    return works


def main(root: Path, view: str) -> None:
    """Do it all, and print what came out."""
    folders = Folders(root)
    process(folders)
    spark = start(SessionArguments(master="local[2]", driver_memory="1g"), 1)
    try:
        load(folders, spark)
        works = build(folders, spark)
    finally:
        spark.stop()
    with duckdb.connect() as engine:
        engine.execute(f"CREATE VIEW works AS FROM read_parquet('{works}/*.parquet')")
        # Names of our own.
        counts = f"SELECT origin, count(*), count({FIELD}) FROM works GROUP BY 1 ORDER BY 1"  # noqa: S608
        found = {
            "works": engine.sql(counts).fetchall(),
            "view": engine.sql(views()[view].sql).fetchall(),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
