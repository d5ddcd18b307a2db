"""The adapters: files here, objects of S3 and the Glue catalogue keep the same promises."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from glue_etl.adapters.by_scheme import FilesByScheme, catalogue_for
from glue_etl.adapters.glue_catalogue import GlueCatalogue
from glue_etl.adapters.glue_partitions import GluePartitions
from glue_etl.adapters.local_files import LocalFiles
from glue_etl.adapters.s3_files import S3Files
from glue_etl.errors import (
    CatalogueDeniedError,
    CatalogueError,
    LeaseLostError,
    StorageDeniedError,
    StorageError,
    TransientError,
)
from glue_etl.ports import FileInfo, Files
from schemas.curated_tables import CURATED
from schemas.derive.glue import glue_columns, storage_descriptor
from schemas.tables import PARTITIONS, WORKS

TABLE = CURATED["works"]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    import boto3
    from moto import mock_aws

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        boto3.client("s3").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        boto3.client("glue").create_database(DatabaseInput={"Name": "lake_dev"})
        yield boto3


@pytest.fixture(params=["local", "s3", "by_scheme"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Files, str]:
    if request.param == "local":
        return LocalFiles(), f"file://{tmp_path}/data/"
    client = request.getfixturevalue("aws").client("s3")
    files = S3Files(client) if request.param == "s3" else FilesByScheme()
    return files, "s3://lake/data/"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("processed.json", "application/json"),
        ("part-00000.parquet", "application/octet-stream"),
        ("part-00000.txt.gz", "application/octet-stream"),
    ],
)
def test_an_object_is_called_json_only_if_it_is(aws: Any, name: str, kind: str) -> None:
    client = aws.client("s3")

    S3Files(client).write(f"s3://lake/data/{name}", b"{}")

    assert client.head_object(Bucket="lake", Key=f"data/{name}")["ContentType"] == kind


def test_files_go_to_a_worker_with_the_region_of_the_driver(
    aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN files that were used, of whose client no copy can be sent."""
    files = FilesByScheme()
    files.write("s3://lake/data/a", b"1")

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    sent = pickle.loads(pickle.dumps(files))  # noqa: S301  # its own

    assert sent.region == "eu-west-1"
    assert sent.read("s3://lake/data/a") == b"1"


def test_files_are_written_read_listed_and_deleted(place: tuple[Files, str]) -> None:
    files, root = place
    assert (files.read(f"{root}a"), files.find(root), files.folders(root)) == (None, [], [])

    files.write(f"{root}t/build=1/p%3Ax.parquet", b"one")
    files.write(f"{root}t/build=2/x", b"1234")
    files.write(f"{root}t/build=2/x", b"12345")
    files.write(f"{root}t/_x", b"")

    assert files.read(f"{root}t/build=2/x") == b"12345"
    assert files.folders(f"{root}t/") == ["build=1", "build=2"]
    assert files.find(f"{root}t/build=1/p") == [FileInfo(f"{root}t/build=1/p%3Ax.parquet", 3)]
    assert [file.size for file in files.find(root)] == [0, 3, 5]

    files.delete(f"{root}t/build=1/")
    files.delete(f"{root}t/_x")
    files.delete(f"{root}none/")
    files.delete(f"{root}none")
    assert [file.uri for file in files.find(root)] == [f"{root}t/build=2/x"]


def test_markers_of_folders_are_no_files_and_go_with_their_folder(aws: Any) -> None:
    """GIVEN what S3A and EMRFS leave of folders THEN a listing has files only."""
    client, files = aws.client("s3"), S3Files(aws.client("s3"))
    build = "curated_data/works/build=B"
    for key in ("curated_data/", f"{build}/", f"{build}/_temporary_$folder$", f"{build}_$folder$"):
        client.put_object(Bucket="lake", Key=key, Body=b"")
    files.write(f"s3://lake/{build}/part-0.parquet", b"rows")

    assert [file.uri for file in files.find("s3://lake/")] == [f"s3://lake/{build}/part-0.parquet"]
    assert files.folders("s3://lake/curated_data/works/") == ["build=B"]

    files.delete(f"s3://lake/{build}/")
    left = [item["Key"] for item in client.list_objects_v2(Bucket="lake")["Contents"]]
    assert left == ["curated_data/", f"{build}_$folder$"]


def test_files_are_deleted_on_condition_that_they_are_as_they_were(tmp_path: Path) -> None:
    files, root = LocalFiles(), f"file://{tmp_path}/"
    for name in ("same", "changed", "gone"):
        files.write(f"{root}{name}", b"1")
    found = [FileInfo(file.uri, file.size, files.etag(file)) for file in files.find(root)]
    files.write(f"{root}changed", b"2")
    files.delete(f"{root}gone")

    files.delete_unchanged(found)

    assert [file.uri for file in files.find(root)] == [f"{root}changed"]


class RefusingS3:
    """Answers like S3 when conditions of DeleteObjects do not hold; moto knows none."""

    def __init__(self, *codes: str) -> None:
        self.codes = codes
        self.asked: list[dict[str, str]] = []

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self.asked += Delete["Objects"]
        return {"Errors": [{"Key": "a", "Code": code} for code in self.codes]}


def test_s3_is_asked_to_check_each_object_that_it_deletes() -> None:
    found = [FileInfo(f"s3://lake/{number}", 1, "e") for number in range(1001)]
    client = RefusingS3("PreconditionFailed", "NoSuchKey")

    S3Files(client).delete_unchanged(found)

    assert client.asked == [{"Key": str(number), "ETag": "e"} for number in range(1001)]
    with pytest.raises(StorageError, match="InternalError"):
        S3Files(RefusingS3("PreconditionFailed", "InternalError")).delete_unchanged(found[:1])
    with pytest.raises(StorageDeniedError, match="S3 denied DeleteObjects on s3://lake/a; give"):
        S3Files(RefusingS3("InternalError", "AccessDenied")).delete_unchanged(found[:1])


def test_a_conditional_write_is_refused_once_the_file_has_changed(
    place: tuple[Files, str],
) -> None:
    files, root = place
    assert files.write_if(f"{root}a", b"0", "another version") is None
    first = files.write_if(f"{root}a", b"1", None)
    assert files.write_if(f"{root}a", b"2", None) is None
    second = files.write_if(f"{root}a", b"2", first)
    assert files.write_if(f"{root}a", b"3", first) is None

    found = files.read_versioned(f"{root}a")
    assert found is not None
    assert (found.body, found.version) == (b"2", second)
    assert files.read_versioned(f"{root}b") is None


class RepeatingS3:
    """Repeats each write, as a client does whose answers get lost."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def put_object(self, **request: Any) -> Any:
        self.client.put_object(**request)
        return self.client.put_object(**request)

    def get_object(self, **request: Any) -> Any:
        return self.client.get_object(**request)


def test_a_conditional_write_whose_answer_was_lost_is_recognised(aws: Any) -> None:
    files = S3Files(RepeatingS3(aws.client("s3")))

    first = files.write_if("s3://lake/a", b"1", None)
    assert first is not None
    second = files.write_if("s3://lake/a", b"2", first)

    found = files.read_versioned("s3://lake/a")
    assert found is not None
    assert (found.body, found.version) == (b"2", second)
    assert files.write_if("s3://lake/a", b"3", first) is None


def test_equal_contents_have_equal_etags_wherever_they_are(place: tuple[Files, str]) -> None:
    files, root = place
    for name, body in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        files.write(f"{root}{name}", body)

    etags = [files.etag(file) for file in files.find(root)]

    # MD5, as S3 has it.
    assert etags[:2] == ["f97c5d29941bfb1b2fdab0874906ab82"] * 2
    assert etags[2] != etags[0]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    files = LocalFiles()
    files.write(f"file://{tmp_path}/a", b"old")
    with (tmp_path / "a").open("rb") as reader:
        files.write(f"file://{tmp_path}/a", b"new and longer")

        assert reader.read() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_storage_that_fails_is_told(aws: Any, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="NoSuchBucket"):
        S3Files(aws.client("s3")).find("s3://other/x")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        LocalFiles().write(f"file://{tmp_path}/file/x", b"")


@contextmanager
def refused(client: Any, code: str) -> Iterator[None]:
    """Have every call of a client refused."""

    def refusal(model: Any, **_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, model.name)

    event = f"before-call.{client.meta.service_model.service_name}"
    client.meta.events.register(event, refusal)
    try:
        yield
    finally:
        client.meta.events.unregister(event, refusal)


CALLS: list[tuple[str, Callable[[S3Files], object]]] = [
    ("GetObject", lambda files: files.read("s3://lake/a")),
    ("PutObject", lambda files: files.write("s3://lake/a", b"")),
    ("PutObject", lambda files: files.write_if("s3://lake/a", b"", None)),
    ("ListObjectsV2", lambda files: files.find("s3://lake/a")),
    ("ListObjectsV2", lambda files: files.folders("s3://lake/a")),
    ("DeleteObjects", lambda files: files.delete("s3://lake/a")),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
def test_a_right_that_is_missing_on_s3_is_told_from_what_passes(
    aws: Any, operation: str, call: Callable[[S3Files], object]
) -> None:
    client = aws.client("s3")

    for code in ("AccessDenied", "AllAccessDisabled", "403"):
        with pytest.raises(StorageDeniedError) as denied, refused(client, code):
            call(S3Files(client))
        assert str(denied.value).startswith(f"S3 denied {operation} on ")
        assert denied.value.fields["operation"] == operation
        assert not isinstance(denied.value, TransientError)
    for code in ("SlowDown", "503", "ExpiredToken"):
        with pytest.raises(StorageError), refused(client, code):
            call(S3Files(client))


def test_a_right_that_is_missing_on_a_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("")
    # Not by the file's mode, which does not stop a superuser.
    denied = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(Path, "read_bytes", Mock(side_effect=denied))

    with pytest.raises(StorageDeniedError, match="a: .*Permission denied"):
        LocalFiles().read(f"file://{tmp_path}/a")


@pytest.mark.parametrize(
    ("code", "expected", "said"),
    [
        ("AccessDeniedException", CatalogueDeniedError, "AWS denied Get.* on table .*works; give"),
        ("ThrottlingException", CatalogueError, "the catalogue failed on table .*works"),
    ],
)
def test_a_right_that_is_missing_in_the_catalogue_is_told_from_what_passes(
    aws: Any, code: str, expected: type[Exception], said: str
) -> None:
    client = aws.client("glue")
    catalogue, partitions = GlueCatalogue(client, "lake_dev"), GluePartitions(client, "lake_dev")
    calls: list[Callable[[], object]] = [
        lambda: catalogue.switch(TABLE, "s3://lake/x/", 1),
        catalogue.locations,
        lambda: partitions.locations(WORKS),
        lambda: partitions.switch(WORKS, "2026-11-23", "s3://lake/x/", 1),
    ]

    for call in calls:
        with pytest.raises(expected, match=said), refused(client, code):
            call()


def test_the_catalogue_switches_a_table_and_creates_what_is_missing(aws: Any) -> None:
    client = aws.client("glue")
    catalogue = GlueCatalogue(client, "lake_dev")
    assert catalogue.locations() == {}

    for location in (
        "s3://lake/curated_data/works/build=1/",
        "s3://lake/curated_data/works/build=2/",
    ):
        catalogue.switch(TABLE, location, 1)
        catalogue.switch(TABLE, location, 1)

        assert catalogue.locations() == {"works": location}
    made = client.get_table(DatabaseName="lake_dev", Name="works")["Table"]
    assert made["Description"] == TABLE.description
    assert made["StorageDescriptor"]["Columns"][0]["Comment"]


def test_a_switch_keeps_what_others_noted_and_a_late_one_is_refused(aws: Any) -> None:
    """GIVEN a table that an operator has marked WHEN jobs switch it THEN the mark stays, and the
    job whose lease is older comes too late.
    """
    client = aws.client("glue")
    catalogue = GlueCatalogue(client, "lake_dev")
    catalogue.switch(TABLE, "s3://lake/build=1/", 1)
    marked = TABLE.table_input("s3://lake/build=1/")
    marked["Parameters"] |= {"owner": "me", "lake.lease_token": "1"}
    client.update_table(DatabaseName="lake_dev", TableInput=marked)

    catalogue.switch(TABLE, "s3://lake/build=3/", 3)
    with pytest.raises(LeaseLostError):
        catalogue.switch(TABLE, "s3://lake/build=2/", 2)

    found = client.get_table(DatabaseName="lake_dev", Name="works")["Table"]
    assert found["Parameters"]["owner"] == "me"
    assert found["StorageDescriptor"]["Location"] == "s3://lake/build=3/"


def test_a_partitioned_table_of_that_name_is_left_as_it_is(aws: Any) -> None:
    """GIVEN the table works that process wrote under this name once WHEN the job would switch it
    THEN it says what to do, and changes nothing.
    """
    client = aws.client("glue")
    rows_of_all_runs = TABLE.table_input("s3://lake/processed_data/works/")
    rows_of_all_runs["PartitionKeys"] = [{"Name": "ingest_date", "Type": "string"}]
    client.create_table(DatabaseName="lake_dev", TableInput=rows_of_all_runs)

    with pytest.raises(CatalogueError, match="Delete it from the catalogue"):
        GlueCatalogue(client, "lake_dev").switch(TABLE, "s3://lake/build=1/", 1)

    found = client.get_table(DatabaseName="lake_dev", Name="works")["Table"]
    assert found["StorageDescriptor"]["Location"] == "s3://lake/processed_data/works/"


def test_a_catalogue_that_fails_is_told(aws: Any) -> None:
    with pytest.raises(CatalogueError, match="works"):
        GlueCatalogue(aws.client("glue"), "none").switch(TABLE, "s3://lake/x/", 1)


def test_a_catalogue_is_used_when_one_is_named(aws: Any) -> None:
    assert isinstance(catalogue_for("lake_dev"), GlueCatalogue)
    assert catalogue_for(None).locations() == {}


@pytest.fixture
def partitions(aws: Any) -> GluePartitions:
    """A processed table of one day, made by an older version with fewer columns."""
    client = aws.client("glue")
    place = f"s3://lake/{WORKS.location}"
    columns = storage_descriptor(WORKS.columns, place, "parquet")
    client.create_table(
        DatabaseName="lake_dev",
        TableInput={
            "Name": WORKS.catalogue_name,
            "PartitionKeys": glue_columns(PARTITIONS),
            "StorageDescriptor": columns,
        },
    )
    older = columns | {
        "Location": f"{place}ingest_date=2026-11-23/",
        "Columns": [{"Name": "title"}],
    }
    client.create_partition(
        DatabaseName="lake_dev",
        TableName=WORKS.catalogue_name,
        PartitionInput={
            "Values": ["2026-11-23"],
            "StorageDescriptor": older,
            "Parameters": {"owner": "me"},
        },
    )
    return GluePartitions(client, "lake_dev")


def test_a_day_is_switched_with_the_columns_of_its_table(partitions: GluePartitions) -> None:
    location = "s3://lake/compacted_data/works/ingest_date=2026-11-23/7/"

    partitions.switch(WORKS, "2026-11-23", location, 7)
    partitions.switch(WORKS, "2026-11-23", location, 7)

    assert partitions.locations(WORKS) == {"2026-11-23": location}
    found = partitions.client.get_partition(
        DatabaseName="lake_dev", TableName=WORKS.catalogue_name, PartitionValues=["2026-11-23"]
    )["Partition"]
    assert found["Parameters"] == {"owner": "me", "lake.lease_token": "7"}
    assert len(found["StorageDescriptor"]["Columns"]) == len(WORKS.columns)
    assert "parquet" in found["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].lower()


def test_a_late_switch_of_a_day_is_refused(partitions: GluePartitions) -> None:
    partitions.switch(WORKS, "2026-11-23", "s3://lake/3/", 3)

    with pytest.raises(LeaseLostError):
        partitions.switch(WORKS, "2026-11-23", "s3://lake/2/", 2)

    assert partitions.locations(WORKS) == {"2026-11-23": "s3://lake/3/"}


def test_a_table_that_is_not_there_has_no_days(aws: Any) -> None:
    assert GluePartitions(aws.client("glue"), "lake_dev").locations(WORKS) == {}
