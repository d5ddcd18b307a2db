"""Roles reach the objects of the contracts: each stage those of its own, and no other."""

import pytest

from infra.rules.access import may
from infra.rules.objects import BULK, ETL, EVERYTHING, READS, REMOVES, WRITES
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

    for key in READS[role]:
        assert may(template, name, "s3:ListBucket", key)
    prefixes = {f"{key.split('/', 1)[0]}/" for key in EVERYTHING}
    for prefix in {"", *prefixes} - {f"{key.split('/', 1)[0]}/" for key in READS[role]}:
        assert not may(template, name, "s3:ListBucket", prefix)


# Folders that Spark's jobs write, and those above them.
DAY_FOLDER = "quarantine_data/works/ingest_date=2026-09-30"
FOLDERS = {
    ETL: {"curated_data/works/build=B", "curated_data/works"},
    BULK: {
        "processed_data/dump_works/ingest_date=2026-09-30/R",
        "processed_data/dump_works",
        f"{DAY_FOLDER}/R-dump",
    },
}
ABOVE: dict[tuple[str, str], set[str]] = {
    ETL: {"curated_data"},
    BULK: {"processed_data", DAY_FOLDER, "quarantine_data/works", "quarantine_data"},
}


@pytest.mark.parametrize(
    ("role", "folder"), [(role, folder) for role, found in FOLDERS.items() for folder in found]
)
def test_a_job_reaches_the_folders_that_spark_writes(role: tuple[str, str], folder: str) -> None:
    """GIVEN S3A, the connector of Glue since 5.1 THEN a folder is asked for with no slash, too."""
    template, name = load(role[0]), role[1]

    for target in (f"{{data-bucket}}/{folder}{slash}" for slash in ("", "/")):
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            assert may(template, name, action, target), target
    for slash in ("", "/"):
        assert may(template, name, "s3:ListBucket", f"{folder}{slash}")


@pytest.mark.parametrize(
    ("role", "folder"), [(role, folder) for role, found in ABOVE.items() for folder in found]
)
def test_a_job_may_see_that_a_folder_above_is_no_file(role: tuple[str, str], folder: str) -> None:
    template, name = load(role[0]), role[1]
    target = f"{{data-bucket}}/{folder}"

    assert may(template, name, "s3:GetObject", target)
    assert may(template, name, "s3:ListBucket", folder)
    assert not may(template, name, "s3:PutObject", target)
    assert not may(template, name, "s3:DeleteObject", target)


@pytest.mark.parametrize("role", ["EtlRole", "BulkRole"])
def test_jobs_read_their_package_and_no_other(role: str) -> None:
    template = load("glue_etl")

    assert may(template, role, "s3:GetObject", "${ArtifactBucket}/services/glue_etl/x.zip")
    assert not may(template, role, "s3:GetObject", "${ArtifactBucket}/services/ingest/x.zip")
    assert not may(template, role, "s3:PutObject", "${ArtifactBucket}/services/glue_etl/x.zip")
