import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.local.local_aws import LocalAws, Server
from lake.local.state import contents
from lake.local.state.contents import loaded_dumps, loss_to_confirm
from lake.testing.lakes import BUCKET, lake_in_memory, put, put_run
from schemas.keys import RawKey, dump_rows_prefix

RUN = "20260930T235959Z"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield lake_in_memory()


def test_only_runs_of_dumps_are_found(cloud: Cloud) -> None:
    put(cloud, RawKey.of("20261123T060000Z", "love", 0).processed_key("works"))

    assert loaded_dumps(cloud, BUCKET) == []

    for part in (0, 1):
        put(cloud, f"{dump_rows_prefix(RUN)}part-{part}.parquet")
    assert loaded_dumps(cloud, BUCKET) == [RUN]


class _Stopped(LocalAws):
    def running(self) -> Server | None:
        return None


class _Silent(LocalAws):
    def running(self) -> Server | None:
        return None

    def is_alive(self) -> bool:
        return True


class _Running(LocalAws):
    def running(self) -> Server | None:
        return Server(4566, 1)


@pytest.mark.parametrize(
    ("runs", "loss"),
    [
        ([], ""),
        (["20261123T060000Z"], ""),
        (["20261123T060000Z", "20261124T060000Z"], "2 runs"),
    ],
)
def test_more_than_the_run_of_a_demo_is_a_loss(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runs: list[str], loss: str
) -> None:
    monkeypatch.setattr(contents, "Cloud", lambda **_: cloud)
    for run in runs:
        put_run(cloud, run)

    assert loss_to_confirm(_Running(tmp_path, []), "openlake") == loss


def test_a_dump_is_a_loss(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(contents, "Cloud", lambda **_: cloud)
    put_run(cloud, RUN)
    put(cloud, f"{dump_rows_prefix(RUN)}part-0.parquet")

    loss = loss_to_confirm(_Running(tmp_path, []), "openlake")

    assert loss == f"1 run, of which these loaded a dump: {RUN}"


def test_a_lake_that_does_not_answer_is_a_loss(tmp_path: Path) -> None:
    assert "does not answer" in loss_to_confirm(_Silent(tmp_path, []), "openlake")


def test_a_lake_of_another_name_is_a_loss(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud.app = "renamed"
    monkeypatch.setattr(contents, "Cloud", lambda **_: cloud)
    local = _Running(tmp_path, [])

    assert loss_to_confirm(local, "renamed") == "1 bucket of something other than renamed"

    cloud.client("s3").delete_bucket(Bucket=BUCKET)
    assert loss_to_confirm(local, "renamed") == ""


def test_a_saved_lake_that_cannot_be_asked_is_a_loss(tmp_path: Path) -> None:
    local = _Stopped(tmp_path, [])
    assert loss_to_confirm(local, "openlake") == ""

    (tmp_path / "saved/000001").mkdir(parents=True)
    assert loss_to_confirm(local, "openlake") == "a saved lake that is damaged"

    description = {"saved": "2026-11-26T23:00:00+00:00", "port": 1, "files": 1, "bytes": 2_000_000}
    (tmp_path / "saved/000001/snapshot.json").write_text(json.dumps(description))
    assert "(2 MB)" in loss_to_confirm(local, "openlake")
