"""Roles reach the objects of the contracts: each stage those of its own, and no other."""

import pytest

from infra.rules.access import may
from infra.rules.objects import ETL, EVERYTHING, READS, REMOVES, WRITES
from infra.rules.template import load


@pytest.mark.parametrize("key", EVERYTHING)
@pytest.mark.parametrize("role", READS, ids="-".join)
def test_role_reaches_the_objects_of_its_stage_only(role: tuple[str, str], key: str) -> None:
    template, name = load(role[0]), role[1]
    target = f"{{data-bucket}}/{key}"

    assert may(template, name, "s3:GetObject", target) == (key in READS[role])
    assert may(template, name, "s3:PutObject", target) == (key in WRITES[role])
    assert may(template, name, "s3:DeleteObject", target) == (key in REMOVES[role])
    for action in ("s3:DeleteObjectVersion", "s3:PutObjectAcl"):
        assert not may(template, name, action, target)


@pytest.mark.parametrize("role", READS, ids="-".join)
def test_role_can_tell_a_missing_object_from_a_forbidden_one(role: tuple[str, str]) -> None:
    template, name = load(role[0]), role[1]

    listed = READS[role] | REMOVES[role]
    for key in listed:
        assert may(template, name, "s3:ListBucket", key)
    prefixes = {f"{key.split('/', 1)[0]}/" for key in EVERYTHING}
    for prefix in {"", *prefixes} - {f"{key.split('/', 1)[0]}/" for key in listed}:
        assert not may(template, name, "s3:ListBucket", prefix)


# Folders that Spark writes, and the one above them.
FOLDERS = ["curated_data/works/build=B", "curated_data/works"]
ABOVE = "curated_data"


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_etl_reaches_the_folders_that_spark_writes(folder: str) -> None:
    """GIVEN S3A, the connector of Glue since 5.1 THEN a folder is asked for with no slash, too."""
    template, name = load(ETL[0]), ETL[1]

    for target in (f"{{data-bucket}}/{folder}{slash}" for slash in ("", "/")):
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            assert may(template, name, action, target), target
    for slash in ("", "/"):
        assert may(template, name, "s3:ListBucket", f"{folder}{slash}")


def test_the_etl_may_see_that_the_folder_above_is_no_file() -> None:
    template, name = load(ETL[0]), ETL[1]
    target = f"{{data-bucket}}/{ABOVE}"

    assert may(template, name, "s3:GetObject", target)
    assert may(template, name, "s3:ListBucket", ABOVE)
    assert not may(template, name, "s3:PutObject", target)
    assert not may(template, name, "s3:DeleteObject", target)


@pytest.mark.parametrize("role", ["EtlRole", "BulkRole"])
def test_jobs_read_their_package_and_no_other(role: str) -> None:
    template = load("glue_etl")

    assert may(template, role, "s3:GetObject", "${ArtifactBucket}/services/glue_etl/x.zip")
    assert not may(template, role, "s3:GetObject", "${ArtifactBucket}/services/ingest/x.zip")
    assert not may(template, role, "s3:PutObject", "${ArtifactBucket}/services/glue_etl/x.zip")
