"""The jobs' command lines."""

from __future__ import annotations

import pytest

from glue_etl.errors import InvalidArgumentsError
from glue_etl.settings import BulkArguments, JobArguments

WHERE = [
    *("--processed", "s3://lake/processed_data"),
    *("--compacted", "s3://lake/compacted_data"),
    *("--curated", "file:///data/curated/"),
    *("--runs", "s3://lake/runs/"),
]


def test_places_are_all_that_a_job_must_be_told() -> None:
    arguments = JobArguments.parse(WHERE)

    assert arguments.processed == "s3://lake/processed_data/"
    assert arguments.curated == "file:///data/curated/"
    assert (arguments.run_id, arguments.full, arguments.publish) == ([], False, True)
    assert arguments.master is None


def test_texts_become_what_they_mean() -> None:
    more = ["--run-id", "20261123T060000Z,20261124T060000Z", "--full", "true", "--keep", "7"]

    arguments = JobArguments.parse([*WHERE, *more])

    assert arguments.run_id == ["20261123T060000Z", "20261124T060000Z"]
    assert (arguments.full, arguments.keep) == (True, 7)


def test_what_glue_adds_is_passed_over() -> None:
    glue = ["--JOB_NAME", "etl", "--JOB_RUN_ID", "jr_1", "--TempDir", "s3://x/"]

    assert JobArguments.parse([*WHERE, *glue]).keep == 3


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        ([], "--processed: Field required"),
        (["--curated", "/data"], "--curated: String should match"),
        ([*WHERE, "--run-id", "yesterday"], "--run-id"),
        ([*WHERE, "--run-id", "20261399T000000Z"], "--run-id"),
        ([*WHERE, "--previous", "../x"], "--previous"),
        ([*WHERE, "--keep", "0"], "--keep"),
        ([*WHERE, "--kepe", "3"], "unknown arguments: --kepe 3"),
        ([*WHERE, "--keep"], "expected one argument"),
        ([*WHERE, "--run", "20261123T060000Z"], "unknown arguments"),
    ],
)
def test_a_wrong_argument_is_named(argv: list[str], complaint: str) -> None:
    with pytest.raises(InvalidArgumentsError, match=complaint):
        JobArguments.parse(argv)


@pytest.mark.parametrize("others", [[], ["--database", "lake_dev"]])
def test_iceberg_tables_have_a_database_apart(others: list[str]) -> None:
    with pytest.raises(InvalidArgumentsError, match="--iceberg-database needs --database"):
        JobArguments.parse([*WHERE, *others, "--iceberg-database", "lake_dev"])


def test_a_dump_is_a_file() -> None:
    with pytest.raises(InvalidArgumentsError, match="--dump"):
        BulkArguments.parse(["--dump", "s3://lake/dumps/"])


@pytest.mark.parametrize("name", ["_d.txt", ".d.txt", "d.txt._COPYING_"])
def test_a_dump_that_spark_would_not_see_is_refused(name: str) -> None:
    argv = ["--run-id", "20260930T235959Z", "--processed", "s3://b/p/"]
    argv += ["--quarantine", "s3://b/q/", "--runs", "s3://b/r/"]

    with pytest.raises(InvalidArgumentsError, match="--dump: .*Spark passes over"):
        BulkArguments.parse([*argv, "--dump", f"s3://b/{name}"])
