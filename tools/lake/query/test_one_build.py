from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import QueryError
from lake.query.catalogue import CatalogueTable
from lake.query.one_build import at_one_build
from lake.testing.lakes import lake_in_memory, located, publish, put
from schemas.curated_tables import CURATED
from schemas.keys import curated_ledger_key
from schemas.ledger.curated_build import CuratedLedger

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RUN = "20261122T060000Z"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield lake_in_memory()


def builds(tables: dict[str, CatalogueTable]) -> set[str]:
    return {table.location.partition("build=")[2] for table in tables.values()}


@pytest.mark.parametrize("current", ["B1", "B2"])
def test_a_join_sees_one_build_at_every_step_of_a_switch(cloud: Cloud, current: str) -> None:
    publish(cloud, [RUN], current)
    for step in range(len(CURATED) + 1):
        half = {
            name: located(name, "B2" if number < step else "B1")
            for number, name in enumerate(CURATED)
        }

        assert builds(at_one_build(cloud, half)) == {f"{current}/"}


def test_other_tables_and_a_lake_without_builds_stay_as_they_are(cloud: Cloud) -> None:
    processed = CatalogueTable("works", {"StorageDescriptor": {"Location": "s3://x/works/"}})
    tables = {"works": processed, "a": located("authors", "B1"), "s": located("subjects", "B1")}

    assert at_one_build(cloud, tables) == tables


@pytest.mark.parametrize("as_of", ["B1", RUN])
def test_an_older_build_that_is_kept_can_be_read(cloud: Cloud, as_of: str) -> None:
    publish(cloud, [RUN], "B2", "B1")
    ledger = CuratedLedger(
        run_id=RUN, build="B1", published_at=NOW, contract_version="1", tables={}
    )
    put(cloud, curated_ledger_key(RUN), ledger.model_dump_json())

    assert builds(at_one_build(cloud, {"a": located("authors", "B2")}, as_of)) == {"B1/"}


@pytest.mark.parametrize("as_of", ["B0", "20200101T000000Z", "../x"])
def test_what_is_not_kept_is_named(cloud: Cloud, as_of: str) -> None:
    publish(cloud, [RUN], "B2", "B1")

    with pytest.raises(QueryError, match="is not kept") as caught:
        at_one_build(cloud, {"a": located("authors", "B2")}, as_of)
    assert caught.value.hint == "Builds that are kept: B2, B1."
