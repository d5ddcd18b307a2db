import http.server
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import DumpError, EtlFailedError
from lake.etl.backfill import BackfillResult, run_backfill
from lake.etl.bulk import GlueRoute, LocalRoute
from lake.etl.dump import digest_of, local_dump
from lake.etl.refresh import EtlOptions
from lake.etl.workspace import Workspace
from lake.testing.http_server import serving
from lake.testing.lakes import BUCKET, DATABASE, FakeJobs, keys, lake_in_memory, put, put_run
from schemas.keys import dump_key, processed_ledger_key
from schemas.ledger.run import DumpSource
from schemas.testing.ledgers import processed_ledger

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
    return run_backfill(route, dump.parent / "dumps", str(dump), run_id, step, agent="lake")


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


def test_a_dump_among_the_files_of_the_etl_is_read_and_stays(route: LocalRoute) -> None:
    place = route.workspace.folder / "dumps/ol_dump_works_2026-09-30.txt"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"line\n" * 10)

    assert load(route, place).loaded.status == "loaded"

    assert place.read_bytes() == b"line\n" * 10


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


@pytest.mark.parametrize("other", ["name", "size", "content"])
def test_another_dump_is_not_taken_for_one_that_was_loaded(
    route: LocalRoute, jobs: FakeJobs, dump: Path, other: str
) -> None:
    load(route, dump)
    body = {"size": b"line\n" * 11, "content": b"else\n" * 10}.get(other, b"line\n" * 10)
    second = dump.with_name("another 2026-09-30.txt") if other == "name" else dump
    second.write_bytes(body)

    with pytest.raises(DumpError, match=f"run {RUN} was loaded from another dump") as caught:
        load(route, second)

    assert "--run-id" in caught.value.hint
    assert jobs.modules().count("bulk") == 1
    assert load(route, second, "20260930T235958Z").loaded.status == "loaded"


def test_a_dump_whose_ledger_names_no_file_counts_as_loaded(
    cloud: Cloud, route: LocalRoute, dump: Path
) -> None:
    """GIVEN a dump that a version loaded which noted no file WHEN it comes THEN it is known."""
    put(cloud, processed_ledger_key(RUN), processed_ledger(RUN).model_dump_json())
    put(cloud, f"{ROWS}part-0.parquet")

    assert load(route, dump).loaded.status == "unchanged"


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


class Server(http.server.BaseHTTPRequestHandler):
    """Serves a dump that never changes; counts how often it is fetched."""

    fetched: ClassVar[int] = 0

    def do_HEAD(self) -> None:  # noqa: N802
        self.send_response(200)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", "5")
        self.end_headers()

    def do_GET(self) -> None:  # noqa: N802
        Server.fetched += 1
        self.do_HEAD()
        self.wfile.write(b"line\n")

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.mark.parametrize(
    ("code", "fetched"),
    [("dump.damaged", 2), ("dump.truncated", 2), ("dump.bad_lines", 1), ("lease.held", 1)],
)
def test_only_what_cannot_be_read_is_fetched_again(
    tmp_path: Path,
    route: LocalRoute,
    jobs: FakeJobs,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    fetched: int,
) -> None:
    """GIVEN a dump that was damaged on its way WHEN the command is run again, as the message says
    THEN it is fetched once more; after other failures it is not.
    """
    monkeypatch.setattr(Server, "fetched", 0)
    with serving(Server) as address:
        place = f"{address}/ol_dump_works_2026-09-30.txt"
        jobs.failing["glue_etl.bulk"] = EtlFailedError("fetch it again", code=code)
        with pytest.raises(EtlFailedError):
            run_backfill(route, tmp_path / "dumps", place, None, step, agent="lake")
        del jobs.failing["glue_etl.bulk"]
        result = run_backfill(route, tmp_path / "dumps", place, None, step, agent="lake")
        again = run_backfill(route, tmp_path / "dumps", place, None, step, agent="lake")

    assert (result.loaded.status, Server.fetched) == ("loaded", fetched)
    assert again.loaded.status == "unchanged"


def test_a_damaged_upload_is_replaced_and_a_right_one_sent_once(
    cloud: Cloud, dump: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN objects of the dump's name and size WHEN they differ, or say nothing of their content
    THEN the file is uploaded before the job, and not again when it is there.
    """
    named = local_dump(dump)
    key, body = dump_key(named.name), dump.read_bytes()
    put(cloud, key, "x" * len(body))
    s3, read = cloud.client("s3"), list[bytes]()
    route = GlueRoute(cloud, EtlOptions())

    def run_job(*_: object) -> None:
        read.append(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        put(cloud, processed_ledger_key(RUN), processed_ledger(RUN).model_dump_json())

    monkeypatch.setattr("lake.etl.bulk.glue_jobs.run_job", run_job)
    route.load(BUCKET, named, lambda _: None)
    written = s3.head_object(Bucket=BUCKET, Key=key)["LastModified"]
    monkeypatch.setattr(s3, "upload_file", None)
    route.load(BUCKET, named, lambda _: None)

    assert read == [body, body]
    found = s3.head_object(Bucket=BUCKET, Key=key)
    assert found["LastModified"] == written
    loaded = DumpSource(name=named.name, size=len(body), etag=found["ETag"].strip('"'))
    assert route.digest_of(BUCKET, loaded) == digest_of(dump)
    assert route.digest_of(BUCKET, loaded.model_copy(update={"etag": "other"})) is None
