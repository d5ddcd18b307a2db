"""Pages, rows, curated tables, query: the deployed package on real Spark, for the local AWS.

The local AWS calls every Glue job a success without running it; what counts here is what a query
sees.
"""

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.deploy.parameters import LOCAL
from lake.errors import EtlFailedError
from lake.etl import refresh
from lake.etl.backfill import run_backfill
from lake.etl.bulk import ANY_GROWTH, LocalRoute
from lake.etl.curated import read_curated
from lake.etl.refresh import EtlOptions, EtlResult
from lake.etl.workspace import Workspace
from lake.local import spark
from lake.operations.status.reading import read_status
from lake.query.execute import run_query
from openlibrary_standin import StandInConfig
from schemas.curated_tables import CURATED
from schemas.keys import (
    PROCESSED_PREFIX,
    RUNS_PREFIX,
    dump_quarantine_prefix,
    dump_rows_prefix,
    processed_ledger_key,
)
from schemas.tables import QUARANTINE
from tests.e2e.conftest import PROJECT, SANDBOX
from tests.e2e.crawls import run_lake, serving
from tests.e2e.iceberg_readers import in_key_order, read_by_duckdb, read_by_pyiceberg

SPARK = SANDBOX / "tests/spark.pex/__main__.py"
DUCKDB = SANDBOX / "tests/duckdb.pex/__main__.py"
SUBJECTS = ["fantasy", "place:london"]
# Where the requirements of tests are unpacked: what is packed is taken from there, if it can be.
PEX_ROOT = SANDBOX / ".cache/pex_root"
DUMP_RUN = "20200531T235959Z"
BAD_LINE = "/type/work\t/works/OL900000009W\t1\t2020-01-01T00:00:00\t[]"


@dataclass(frozen=True)
class Lake:
    """A lake with two runs of the crawl, and the workspace of its ETL."""

    cloud: Cloud
    bucket: str
    workspace: Workspace

    def etl(self, options: EtlOptions | None = None) -> EtlResult:
        """Run the ETL as `./lake etl` does."""
        return refresh.run_etl(self.cloud, self.workspace, options or EtlOptions(memory="1g"), tell)

    def value(self, sql: str) -> Any:
        """Return the one value of a query."""
        ((found,),) = run_query(self.cloud, sql).rows
        return found

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return run_query(self.cloud, sql).rows


def python_of(packed: Path) -> str:
    """Return the Python of an environment that is packed for these tests."""
    told = subprocess.run(
        [sys.executable, str(packed), "-c", "import sys; print(sys.executable)"],
        env={**os.environ, "PEX_INTERPRETER": "1", "PEX_ROOT": str(PEX_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


def crawl_again(cloud: Cloud, bucket: str, revision: int) -> None:
    """Crawl a stand-in at a time of its life, and wait for process."""
    config = StandInConfig(works=400, bad_record_share=0.05, revision=revision)
    with serving(config) as url:
        run_lake(cloud, bucket, url, SUBJECTS)


@pytest.fixture(scope="module")
def lake(cloud: Cloud, bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Everything deployed, and one run crawled and processed."""
    spark.require_java()
    (unit,) = units.select(["glue_etl"])
    deployment.deploy_unit(cloud, PROJECT, unit, LOCAL["glue_etl"], print)
    folder = tmp_path_factory.mktemp("etl")
    jobs = spark.deployed_jobs(cloud, PROJECT, folder / "package")
    crawl_again(cloud, bucket, revision=0)
    command = [python_of(SPARK), "-P"]
    return Lake(cloud, bucket, Workspace(folder, replace(jobs, command=command)))


@pytest.fixture(scope="module")
def first(lake: Lake) -> EtlResult:
    """The first build."""
    return lake.etl()


@pytest.fixture(scope="module")
def second(lake: Lake, first: EtlResult) -> EtlResult:
    """The build after the next run."""
    crawl_again(lake.cloud, lake.bucket, revision=1)
    return lake.etl()


def tell(_line: str) -> None:
    """Ignore progress."""


@contextmanager
def step(_title: str) -> Iterator[Callable[[str], None]]:
    """Take no notice of a step of a backfill."""
    yield tell


def counted(lake: Lake) -> dict[str, int]:
    """Count the rows of every curated table, as a query sees them."""
    return {
        name: lake.value(f"SELECT count(*) FROM {table.name}")  # noqa: S608
        for name, table in CURATED.items()
    }


def assert_whole(lake: Lake) -> None:
    """Compare the curated tables with the processed ones, by queries."""
    works = "SELECT count(DISTINCT work_key) FROM crawled_works"
    newest = """
        SELECT count(*) FROM works c WHERE c.origin = 'listing' AND NOT EXISTS (
          SELECT 1 FROM crawled_works w WHERE w.work_key = c.work_key AND w.run_id = c.run_id
            AND w.raw_key = c.raw_key AND w.position = c.position AND w.title = c.title)
    """
    older = """
        SELECT count(*) FROM works c JOIN crawled_works w ON w.work_key = c.work_key
        WHERE w.run_id > c.run_id
    """
    listed = """
        SELECT count(*) FROM (SELECT DISTINCT work_key, source_subject FROM crawled_works) w
        LEFT JOIN work_subjects s ON s.work_key = w.work_key AND s.subject_key = w.source_subject
        WHERE s.work_key IS NULL
    """
    assert lake.value("SELECT count(*) FROM works WHERE origin = 'listing'") == lake.value(works)
    assert [lake.value(sql) for sql in (newest, older, listed)] == [0, 0, 0]
    snapshots = "SELECT count(*) FROM subject_snapshots"
    assert lake.value("SELECT count(*) FROM subject_history") == lake.value(snapshots)


def test_a_query_sees_what_spark_built(lake: Lake, first: EtlResult) -> None:
    assert first.status == "published"
    assert first.tables == counted(lake)
    assert first.tables["works"] > 0
    assert_whole(lake)


def test_the_next_build_extends_the_last(lake: Lake, second: EtlResult) -> None:
    """GIVEN a published build WHEN a run follows THEN it alone is fetched."""
    assert (second.status, second.mode, len(second.new_runs)) == ("published", "incremental", 1)
    (run,) = second.new_runs
    staged = [str(path.relative_to(lake.workspace.stage.data)) for path in _files(lake)]
    processed = [name for name in staged if name.startswith("processed_data/")]
    assert processed
    assert all(run in name for name in processed)
    # Its files, its ledger, and the pointer to the last build.
    assert second.objects_staged == len(processed) + 2
    assert second.tables == counted(lake)
    assert_whole(lake)


def test_increments_and_a_full_build_agree(lake: Lake, second: EtlResult) -> None:
    tables = {
        name: f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}"  # noqa: S608
        for name, table in CURATED.items()
    }
    before = {name: lake.rows(sql) for name, sql in tables.items()}

    full = lake.etl(EtlOptions(full=True, memory="1g"))

    assert (full.mode, full.build != second.build) == ("full", True)
    for name, sql in tables.items():
        assert lake.rows(sql) == before[name], name


def test_the_status_shows_build_lag_and_jobs(lake: Lake, second: EtlResult) -> None:
    found = read_status(lake.cloud, lake.workspace.job_log.newest).etl
    current = read_curated(lake.cloud, lake.bucket).current

    assert current is not None
    assert found.build == current.build
    assert found.waiting_runs == []
    assert found.rows["works"] == second.tables["works"]
    assert found.job_runs[0].state == "SUCCEEDED"


def test_a_dump_enters_the_same_tables(lake: Lake, second: EtlResult, tmp_path: Path) -> None:
    # GIVEN a dump of a hundred works that nobody crawled, and of one bad line
    dump = tmp_path / "ol_dump_works_2020-05-31.txt"
    lines = [*(_dump_line(number) for number in range(100)), BAD_LINE]
    dump.write_text("".join(f"{line}\n" for line in lines))
    options = EtlOptions(memory="1g", max_ratio=ANY_GROWTH)
    route = LocalRoute(lake.cloud, lake.workspace, options)

    # WHEN it takes the bulk route
    result = run_backfill(route, tmp_path, str(dump), None, step, agent="lake")

    # THEN each line is a row of the tables, or can be found in quarantine
    loaded = result.loaded
    assert (loaded.run_id, loaded.lines, loaded.rows, loaded.quarantined) == (DUMP_RUN, 101, 100, 1)
    assert lake.value("SELECT count(*) FROM works WHERE origin = 'dump'") == 100
    sql = f"SELECT payload FROM quarantine WHERE run_id = '{DUMP_RUN}'"  # noqa: S608
    assert [row[0] for row in lake.rows(sql)] == [BAD_LINE]
    assert result.etl.tables == counted(lake)
    assert (
        lake.value("SELECT count(*) FROM work_subjects WHERE subject_key = 'dumped_things'") == 50
    )


def test_the_job_writes_a_dump_to_s3_from_where_its_lines_are(lake: Lake, tmp_path: Path) -> None:
    """GIVEN a dump on this disk, since Spark has no connector to S3 here, and a bucket for the
    rest, as on Glue THEN Spark's Python workers write rows and rejected lines there.
    """
    dump = tmp_path / "ol_dump_works_2020-07-31.txt"
    lines = [*(_dump_line(number) for number in range(100)), BAD_LINE]
    dump.write_text("".join(f"{line}\n" for line in lines))
    s3, bucket, run_id = lake.cloud.client("s3"), "dumps-only", "20200731T235959Z"
    s3.create_bucket(Bucket=bucket)
    places = {
        "processed": f"s3://{bucket}/{PROCESSED_PREFIX}",
        "quarantine": f"s3://{bucket}/{QUARANTINE.location}",
        "runs": f"s3://{bucket}/{RUNS_PREFIX}",
    }

    result = lake.workspace.jobs.run(
        "glue_etl.bulk",
        {"dump": dump.as_uri(), "run-id": run_id, **places, "master": "local[2]"},
        tmp_path / "bulk.log",
        environment=spark.aws_environment(lake.cloud),
    )

    assert (result["lines"], result["rows"], result["quarantined"]) == (101, 100, 1)
    found = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    rows = [key for key in found if key.startswith(dump_rows_prefix(run_id))]
    quarantine = dump_quarantine_prefix(QUARANTINE.location, run_id)
    rejected = [key for key in found if key.startswith(quarantine)]
    assert sorted(found) == sorted([*rows, *rejected, processed_ledger_key(run_id)])
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in rows]
    assert sum(pq.read_metadata(io.BytesIO(body)).num_rows for body in bodies) == 100
    (body,) = (s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in rejected)
    assert json.loads(gzip.decompress(body))["payload"] == BAD_LINE


def test_a_dump_that_is_cut_off_is_refused_whole(lake: Lake, tmp_path: Path) -> None:
    whole = "".join(f"{_dump_line(number)}\n" for number in range(2000)).encode()
    cut = tmp_path / "cut_2020-06-30.txt.gz"
    cut.write_bytes(gzip.compress(whole)[:-2000])
    route = LocalRoute(lake.cloud, lake.workspace, EtlOptions(memory="1g"))

    with pytest.raises(EtlFailedError, match=r"dump\.truncated"):
        run_backfill(route, tmp_path, str(cut), None, step, agent="lake")

    assert "20200630T235959Z" not in json.dumps(
        lake.rows("SELECT DISTINCT run_id FROM crawled_works")
    )
    assert read_status(lake.cloud, lake.workspace.job_log.newest).etl.waiting_runs == []


def test_iceberg_tables_have_the_rows_of_the_plain_ones(
    lake: Lake, second: EtlResult, tmp_path: Path
) -> None:
    """GIVEN a lake that is up to date WHEN the ETL is asked for Iceberg tables THEN PyIceberg and
    DuckDB find in all of them what a query of the plain tables finds.
    """
    result = lake.etl(EtlOptions(iceberg=True, memory="1g"))

    plain = {
        name: in_key_order(name, lake.rows(f"SELECT * FROM {name}"))  # noqa: S608
        for name in CURATED
    }
    database = f"{lake.cloud.parameter('foundation/glue-database')}_iceberg"
    spark, duckdb = [python_of(SPARK)], [python_of(DUCKDB)]
    assert {name: len(rows) for name, rows in plain.items()} == result.tables
    assert read_by_pyiceberg(spark, lake.cloud, database, tmp_path / "pyiceberg") == plain
    assert read_by_duckdb(duckdb, lake.cloud, database, tmp_path / "duckdb") == plain


def _files(lake: Lake) -> list[Path]:
    return [path for path in lake.workspace.stage.data.rglob("*") if path.is_file()]


def _dump_line(number: int) -> str:
    work = {
        "key": f"/works/OL{900_000_100 + number}W",
        "title": f"Work {number}",
        "type": {"key": "/type/work"},
        "subjects": ["Dumped things"] if number % 2 else [],
        "authors": [{"author": {"key": f"/authors/OL{number}A"}}],
    }
    columns = ["/type/work", work["key"], "1", "2020-05-01T00:00:00", json.dumps(work)]
    return "\t".join(str(column) for column in columns)
