"""What Spark builds is what a reader of the Iceberg tables finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.conftest import put_run
from glue_etl.job import publisher_for
from glue_etl.settings import JobArguments
from glue_etl.testing.iceberg import ICEBERG, PLAIN, IcebergLake, glue_of_moto
from glue_etl.testing.lake import Lake
from glue_etl.testing.tables import current_build, read_tables
from schemas.curated_tables import CURATED

SECOND = "20261123T060000Z"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with glue_of_moto() as made:
        yield made


def test_all_tables_are_those_that_spark_built(session: Any, built: Lake, spark: Any) -> None:
    """GIVEN a lake whose tables are published plain WHEN the option is turned on and the next run
    comes THEN every Iceberg table has the rows of the new build.
    """
    from glue_etl.builds.etl import Etl

    put_run(built, SECOND, 1)
    more = {"pair_min_works": 1, "database": PLAIN, "iceberg_database": ICEBERG}
    arguments = JobArguments.parse(built.arguments(**more))
    publisher = publisher_for(arguments, LocalFiles())

    outcome = Etl(arguments, LocalFiles(), publisher, lambda _: spark).run()

    lake = IcebergLake(built.root, session)
    curated = built.root / "curated_data"
    assert outcome.status == "published"
    assert lake.builds_of_snapshots("works") == [current_build(curated)]
    expected = read_tables(curated)
    assert all(expected.values())
    for name in CURATED:
        assert lake.rows(name) == expected[name], name
