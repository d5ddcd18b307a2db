"""The lake on this machine survives a restart whole, or is back as it was saved."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.deploy.parameters import LOCAL
from lake.local.local_aws import LocalAws, free_port
from lake.local.supervisor import members
from lake.objects import object_keys
from lake.operations.check.command import check_lake
from lake.runs.ledger import run_ids
from openlibrary_standin import StandInConfig
from tests.e2e.conftest import MINISTACK, PROJECT
from tests.e2e.crawls import run_lake, serving


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalAws]:
    found = LocalAws(tmp_path / "aws", MINISTACK, keeps_state=True)
    yield found
    found.stop(save=False)


def started(local: LocalAws) -> Cloud:
    return Cloud(endpoint=local.start(free_port()).endpoint)


def crawl_once(cloud: Cloud) -> str:
    """Run the lake, and return the run's id."""
    bucket = cloud.parameter("foundation/data-bucket")
    with serving(StandInConfig(works=600, revision=len(run_ids(cloud, bucket)))) as url:
        manifest, _ = run_lake(cloud, bucket, url, ["love"])
    return manifest.run_id


def require_whole(cloud: Cloud, runs: list[str]) -> None:
    """Check every run, and that they are all that there is."""
    found = check_lake(cloud, None, everything=True, say=print)
    assert found.ok, found.differences
    assert run_ids(cloud, cloud.parameter("foundation/data-bucket")) == runs


def versions(cloud: Cloud) -> dict[str, tuple[object, ...]]:
    """Return every version in the data bucket: ETag, time, size, and metadata of the newest."""
    s3, bucket = cloud.client("s3"), cloud.parameter("foundation/data-bucket")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    found: dict[str, tuple[object, ...]] = {
        f"{item['Key']} {item['VersionId']}": (item["ETag"], item["LastModified"], item["Size"])
        for page in pages
        for item in page["Versions"]
    }
    for key in object_keys(cloud, bucket, ""):
        head = s3.head_object(Bucket=bucket, Key=key)
        found[key] = (head["ETag"], head["ContentType"], head["Metadata"])
    return found


def test_a_lake_goes_on_after_a_restart_and_is_whole_after_a_kill(local: LocalAws) -> None:
    # GIVEN a lake with a run, two versions of an object, and a message that waits
    cloud = started(local)
    for unit in units.select(["bootstrap", "foundation", "process"]):
        deployment.deploy_unit(cloud, PROJECT, unit, LOCAL.get(unit.name, {}), print)
    first = crawl_once(cloud)
    bucket = cloud.parameter("foundation/data-bucket")
    for body in (b"1", b"22"):
        cloud.client("s3").put_object(Bucket=bucket, Key="config/x", Body=body, Metadata={"a": "b"})
    dead_letters = "process/dlq-url"
    cloud.client("sqs").send_message(QueueUrl=cloud.parameter(dead_letters), MessageBody="kept")
    before = versions(cloud)

    # WHEN it is stopped and started, on another port
    local.stop()
    cloud = started(local)

    # THEN nothing is missing or changed, and another run goes through
    assert versions(cloud) == before
    queue = cloud.parameter(dead_letters)
    (message,) = cloud.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "kept"
    cloud.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    require_whole(cloud, [first])
    second = crawl_once(cloud)
    require_whole(cloud, [first, second])

    # WHEN it is saved, and later killed at work
    local.stop()
    cloud = started(local)
    crawl_once(cloud)
    family = [psutil.Process(local.require().supervisor_pid), *members(local.folder / "tmp")]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=10)

    # THEN the next session says so, and has the lake as it was saved
    lost = local.unsaved()
    cloud = started(local)
    assert lost is not None
    require_whole(cloud, [first, second])
