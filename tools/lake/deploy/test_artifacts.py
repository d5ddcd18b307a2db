import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.aws import Cloud
from lake.deploy.artifacts import (
    artifact_key,
    content_digest,
    other_contents,
    require,
    upload,
    upload_members,
)
from lake.errors import ArtifactMissingError, DeployError

CODE = [("lambda_function.py", b"handler = 1"), ("pkg/data.json", b"{}" * 1000)]


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.status = 404

    def head_object(self, **request: str) -> None:
        if (request["Bucket"], request["Key"]) not in self.objects:
            error = {"ResponseMetadata": {"HTTPStatusCode": self.status}, "Error": {}}
            raise ClientError(error, "HeadObject")

    def put_object(self, **request: Any) -> None:
        self.objects[request["Bucket"], request["Key"]] = request["Body"]

    def get_paginator(self, _operation: str) -> Any:
        def paginate(**request: str) -> list[dict[str, Any]]:
            names = [key for _, key in self.objects if key.startswith(request["Prefix"])]
            return [{"Contents": [{"Key": name} for name in names]}]

        return SimpleNamespace(paginate=paginate)

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        self.objects[bucket, key] = Path(path).read_bytes()


def package(path: Path, entries: Sequence[tuple[str, bytes]], year: int = 2026) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content)
    return path


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    first = package(tmp_path / "1.zip", CODE)
    later = package(tmp_path / "2.zip", CODE[::-1], year=2027)
    folders = package(tmp_path / "3.zip", [("pkg/", b""), *CODE])
    assert first.read_bytes() != later.read_bytes()
    assert content_digest(first) == content_digest(later) == content_digest(folders)


@pytest.mark.parametrize(
    "entries",
    [CODE[:1], [("renamed.py", CODE[0][1]), CODE[1]], [(CODE[0][0], b"handler = 2"), CODE[1]]],
)
def test_different_contents_have_different_digests(
    tmp_path: Path, entries: list[tuple[str, bytes]]
) -> None:
    other = package(tmp_path / "2.zip", entries)
    assert content_digest(package(tmp_path / "1.zip", CODE)) != content_digest(other)


def test_a_file_that_is_not_a_package_is_refused(tmp_path: Path) -> None:
    whole = package(tmp_path / "whole.zip", CODE).read_bytes()
    middle = whole.index(b"pkg/data.json") + 16
    damaged = whole[:middle] + bytes(8) + whole[middle + 8 :]
    for content in (None, b"", b"no zip", whole[: len(whole) // 2], damaged):
        path = tmp_path / "package.zip"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DeployError, match=r"package\.zip is not a package"):
            content_digest(path)


def test_the_key_names_service_version_and_content() -> None:
    key = artifact_key("ingest", "1.2.0", "arm64", "0123456789abcdef" * 4)
    assert key == "services/ingest/ingest-1.2.0-arm64-0123456789abcdef.zip"


def test_a_package_is_uploaded_once(tmp_path: Path) -> None:
    s3 = FakeS3()
    cloud = Cloud(_clients={"s3": s3})
    path = package(tmp_path / "1.zip", CODE)
    assert upload(cloud, "artifacts", "key", path)
    assert not upload(cloud, "artifacts", "key", path)
    assert s3.objects == {("artifacts", "key"): path.read_bytes()}
    require(cloud, "artifacts", "key")


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ArtifactMissingError, match="s3://artifacts/key does not exist"):
        require(Cloud(_clients={"s3": FakeS3()}), "artifacts", "key")


def test_access_denied_is_not_taken_for_a_missing_package() -> None:
    s3: Any = FakeS3()
    s3.status = 403
    with pytest.raises(ClientError):
        require(Cloud(_clients={"s3": s3}), "artifacts", "key")


def test_members_are_stored_below_the_package_and_do_not_count_as_other_content(
    tmp_path: Path,
) -> None:
    # GIVEN a package that was uploaded with members
    s3, file = FakeS3(), package(tmp_path / "1.zip", [*CODE, ("pkg/job.py", b"run()")])
    cloud = Cloud(_clients={"s3": s3})
    key = artifact_key("glue_etl", "0.1.0", "x86_64", content_digest(file))
    upload_members(cloud, "bucket", key, file, {"pkg/job.py": "job.py"})
    upload(cloud, "bucket", key, file)

    # THEN they are objects of their own, and count as no other package of the version
    assert s3.objects["bucket", f"{key}/job.py"] == b"run()"
    assert other_contents(cloud, "bucket", key) == []
    other = artifact_key("glue_etl", "0.1.0", "x86_64", "f" * 64)
    assert other_contents(cloud, "bucket", other) == [key]


def test_a_package_without_its_members_is_refused(tmp_path: Path) -> None:
    file = package(tmp_path / "1.zip", CODE)

    with pytest.raises(DeployError, match="does not contain pkg/job.py"):
        upload_members(
            Cloud(_clients={"s3": FakeS3()}), "bucket", "key", file, {"pkg/job.py": "job.py"}
        )
