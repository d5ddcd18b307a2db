from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import DumpError, EtlFailedError
from lake.etl.backfill import BackfillResult, run_backfill
from lake.etl.bulk import LocalRoute
from lake.etl.refresh import EtlOptions, Workspace
from lake.testing.lakes import BUCKET, DATABASE, FakeJobs, keys, lake_in_memory, put, put_run

RUN = "20260930T235959Z"
CRAWL = "20261122T060000Z"
ROWS = f"processed_data/dump_works/ingest_date=2026-09-30/{RUN}/"
BAD = f"quarantine_data/works/ingest_date=2026-09-30/{RUN}-dump/"


@contextmanager
def step(_title: str) -> Iterator[Callable[[str], None]]:
    """Show nothing."""
    yield lambda _detail: None


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield lake_in_memory()


@pytest.fixture
def jobs(cloud: Cloud) -> FakeJobs:
    return FakeJobs(cloud=cloud)


@pytest.fixture
def route(tmp_path: Path, cloud: Cloud, jobs: FakeJobs) -> LocalRoute:
    return LocalRoute(cloud, Workspace(tmp_path / "etl", jobs), EtlOptions())


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "a dump [2026-09-30].txt"
    path.write_bytes(b"line\n" * 10)
    return path


def load(route: LocalRoute, dump: Path, run_id: str | None = None) -> BackfillResult:
    return run_backfill(route, dump.parent / "dumps", str(dump), run_id, step)


def test_a_dump_becomes_a_run_and_the_run_a_build(
    cloud: Cloud, route: LocalRoute, jobs: FakeJobs, dump: Path
) -> None:
    result = load(route, dump)

    # THEN every line is counted, rows and quarantine are in the bucket, and the ETL took the run
    loaded = result.loaded
    assert (loaded.status, loaded.run_id) == ("loaded", RUN)
    assert (loaded.lines, loaded.rows, loaded.quarantined) == (10, 9, 1)
    assert {f"{ROWS}part-0.parquet", f"{BAD}part-0.txt.gz"} < keys(cloud)
    assert (result.etl.status, result.etl.new_runs) == ("published", [RUN])
    # What Spark is given is no pattern.
    assert jobs.calls[0][1]["dump"].endswith("/dumps/a-dump-2026-09-30-.txt")
    # What came of the dump here need not be fetched again: only the bucket's ledger of it is.
    assert result.etl.objects_staged == 0


def test_quarantined_lines_can_be_queried(cloud: Cloud, route: LocalRoute, dump: Path) -> None:
    load(route, dump)
    load(route, dump)

    glue = cloud.client("glue")
    (partition,) = glue.get_partitions(DatabaseName=DATABASE, TableName="quarantine")["Partitions"]
    assert partition["Values"] == ["2026-09-30"]
    place = partition["StorageDescriptor"]["Location"]
    assert f"s3://{BUCKET}/{BAD}".startswith(place)


def test_a_dump_is_loaded_once(route: LocalRoute, jobs: FakeJobs, dump: Path) -> None:
    first = load(route, dump)

    again = load(route, dump)

    assert again.loaded.status == "unchanged"
    assert again.loaded.rows == first.loaded.rows
    assert again.etl.status == "unchanged"
    assert jobs.modules().count("bulk") == 1


def test_files_of_a_killed_load_do_not_count(cloud: Cloud, route: LocalRoute, dump: Path) -> None:
    """GIVEN files of an attempt without its ledger WHEN the dump is loaded THEN they are gone."""
    put(cloud, f"{ROWS}part-of-another-attempt.parquet")

    load(route, dump)

    assert f"{ROWS}part-of-another-attempt.parquet" not in keys(cloud)


def test_a_crawl_is_not_taken_for_a_dump(cloud: Cloud, route: LocalRoute, dump: Path) -> None:
    put_run(cloud, CRAWL)
    put(cloud, f"runs/run_id={CRAWL}/manifest.json")

    with pytest.raises(DumpError, match="is a crawl") as caught:
        load(route, dump, CRAWL)

    assert "--run-id" in caught.value.hint


def test_a_dump_that_is_refused_leaves_nothing(
    cloud: Cloud, route: LocalRoute, jobs: FakeJobs, dump: Path
) -> None:
    jobs.failing["glue_etl.bulk"] = EtlFailedError("cut off", code="dump.truncated")
    before = keys(cloud)

    with pytest.raises(EtlFailedError, match="cut off"):
        load(route, dump)

    assert keys(cloud) == before
    assert route.workspace.job_log.newest(BUCKET, 1)[0].job == "bulk"


def test_a_damaged_dump_is_named_by_the_users_path(
    tmp_path: Path, route: LocalRoute, jobs: FakeJobs, dump: Path
) -> None:
    link = f"file://{tmp_path}/etl/dumps/a-dump-2026-09-30-.txt"
    jobs.failing["glue_etl.bulk"] = EtlFailedError(f"{link} is damaged", code="dump.truncated")

    with pytest.raises(EtlFailedError) as caught:
        load(route, dump)

    assert caught.value.message == f"{dump} is damaged"
    assert caught.value.code == "dump.truncated"
