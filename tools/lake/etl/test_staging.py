from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import EtlError
from lake.etl.staging import Stage
from lake.objects import StoredObject, list_objects

BUCKET = "data"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        s3 = boto3.client("s3", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        s3.create_bucket(Bucket=BUCKET)
        yield Cloud(endpoint="http://127.0.0.1:1", _clients={"s3": s3})


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def put(cloud: Cloud, **bodies: str) -> None:
    for key, body in bodies.items():
        cloud.client("s3").put_object(Bucket=BUCKET, Key=f"p/{key}", Body=body.encode())


def keys(cloud: Cloud) -> set[str]:
    return {item.key for item in list_objects(cloud, BUCKET, "")}


def fetch(cloud: Cloud, stage: Stage) -> Any:
    return stage.fetch(cloud, BUCKET, list_objects(cloud, BUCKET, "p/"))


def files(stage: Stage) -> dict[str, str]:
    found = (path for path in stage.data.rglob("*") if path.is_file())
    return {str(path.relative_to(stage.data)): path.read_text() for path in found}


def test_markers_of_folders_are_not_staged(cloud: Cloud, stage: Stage) -> None:
    put(cloud, **{"": "", "f/": "", "f/a": "1", "f_$folder$": ""})

    assert fetch(cloud, stage).fetched == 1
    assert files(stage) == {"p/f/a": "1"}


def test_only_new_and_changed_objects_are_fetched(cloud: Cloud, stage: Stage) -> None:
    # GIVEN a stage of three objects
    put(cloud, a="1", b="2", c="3")
    assert fetch(cloud, stage).fetched == 3

    # WHEN one is changed, one added, one removed, and one file was damaged meanwhile
    put(cloud, a="changed", d="new")
    cloud.client("s3").delete_object(Bucket=BUCKET, Key="p/b")
    stage.path("p/c").write_text("damaged")
    again = fetch(cloud, stage)

    # THEN these are fetched, and what is no more wanted is removed
    assert (again.objects, again.fetched, again.removed) == (3, 3, 1)
    assert files(stage) == {"p/a": "changed", "p/c": "3", "p/d": "new"}
    assert fetch(cloud, stage).fetched == 0


def test_an_interrupted_fetch_resumes(cloud: Cloud, stage: Stage) -> None:
    put(cloud, a="1", b="2")
    gone = StoredObject("p/gone", '"x"', 1)

    with pytest.raises(Exception, match="404"):
        stage.fetch(cloud, BUCKET, [*list_objects(cloud, BUCKET, "p/"), gone])

    assert not [name for name in files(stage) if "/_" in name]
    fetch(cloud, stage)
    assert files(stage) == {"p/a": "1", "p/b": "2"}


@pytest.mark.parametrize("key", ["../up", "p/../../up", "/etc/x", "p//x", "p/./x", ""])
def test_a_key_that_is_not_a_path_is_refused(stage: Stage, key: str) -> None:
    with pytest.raises(EtlError, match="not a path"):
        stage.path(key)


def test_encoded_names_are_kept(cloud: Cloud, stage: Stage) -> None:
    """GIVEN a key with the encoding of a subject THEN neither the file's name nor its address
    decodes it.
    """
    put(cloud, **{"R-place%3Afrance-0.parquet": "x"})
    fetch(cloud, stage)

    assert files(stage) == {"p/R-place%3Afrance-0.parquet": "x"}
    assert stage.uri("p/").startswith("file:///")


def test_files_of_an_earlier_attempt_are_replaced(cloud: Cloud, stage: Stage) -> None:
    # GIVEN a build of which a killed upload left a part under other names
    put(cloud, **{"build=B/part-old": "old", "build=A/part": "a"})
    path = stage.path("p/build=B/part-new")
    path.parent.mkdir(parents=True)
    path.write_text("new")

    # WHEN it is sent
    sent = stage.store(cloud, BUCKET, ["p/build=B/"])

    # THEN the bucket has this build's files alone, and other builds are as they were
    assert sent == 1
    assert keys(cloud) == {"p/build=A/part", "p/build=B/part-new"}


def test_uploaded_files_are_not_fetched_again(cloud: Cloud, stage: Stage) -> None:
    stage.path("p").mkdir(parents=True)
    stage.path("p/a").write_text("1")
    stage.store(cloud, BUCKET, ["p/"])

    assert fetch(cloud, stage).fetched == 0
    assert stage.store(cloud, BUCKET, ["p/"]) == 0


def test_a_file_in_the_place_of_a_removed_one_is_sent(cloud: Cloud, stage: Stage) -> None:
    """GIVEN a file of the same name and size, as of another dump THEN it is sent."""
    stage.path("p").mkdir(parents=True)
    stage.path("p/a").write_text("Emma")
    stage.store(cloud, BUCKET, ["p/"])

    stage.remove("p/")
    stage.path("p").mkdir(parents=True)
    stage.path("p/a").write_text("Anna")

    assert stage.store(cloud, BUCKET, ["p/"]) == 1
    body = cloud.client("s3").get_object(Bucket=BUCKET, Key="p/a")["Body"].read()
    assert body == b"Anna"


def test_an_incomplete_upload_is_an_error(
    cloud: Cloud, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.path("p").mkdir(parents=True)
    stage.path("p/a").write_text("whole")
    monkeypatch.setattr("lake.etl.staging._send", lambda *_: put(cloud, a="who"))

    with pytest.raises(EtlError, match="did not arrive complete"):
        stage.store(cloud, BUCKET, ["p/"])


def test_only_files_below_the_prefix_are_removed(stage: Stage) -> None:
    for key in ("p/R1-a", "p/R2-a", "q/x"):
        stage.path(key).parent.mkdir(parents=True, exist_ok=True)
        stage.path(key).write_text("")

    stage.remove("p/R1-")

    assert set(files(stage)) == {"p/R2-a", "q/x"}
