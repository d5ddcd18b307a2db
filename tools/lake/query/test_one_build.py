from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import QueryError, UnreadableObjectError
from lake.query.catalogue import CatalogueTable
from lake.query.one_build import at_one_build
from lake.testing.lakes import lake_in_memory, located, publish, put, record
from schemas.curated_tables import CURATED
from schemas.keys import CURRENT_BUILD_KEY, build_record_key, curated_ledger_key
from schemas.ledger.curated_build import (
    CuratedLedger,
    CurrentBuild,
    PublishedBuild,
    RuleOutcome,
)

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


@pytest.mark.parametrize("as_of", ["B0", "20200101T000000Z", "../x", "nonsense"])
@pytest.mark.parametrize("tables", [{}, {"a": located("authors", "B2")}])
def test_what_is_not_kept_is_named(
    cloud: Cloud, as_of: str, tables: dict[str, CatalogueTable]
) -> None:
    """GIVEN a name of no build and no run THEN it is refused, also where no table depends on it."""
    publish(cloud, [RUN], "B2", "B1")

    with pytest.raises(QueryError, match="is not kept") as caught:
        at_one_build(cloud, tables, as_of)
    assert caught.value.hint == "Builds that are kept: B2, B1."


def test_a_build_that_readers_never_had_is_refused(cloud: Cloud) -> None:
    """GIVEN builds that broke a rule, and one that was not published THEN the sound are named."""
    publish(cloud, [RUN], "B3", "B2", "B1")
    broken = [RuleOutcome(rule="keys_unique:works", passed=False, detail="2 rows")]
    whole = record("new", [RUN], None, 2)
    put(cloud, build_record_key("new"), whole.model_dump_json())
    for name in ("B2", "bad"):
        failed = whole.model_copy(update={"build": name, "rules": broken})
        put(cloud, build_record_key(name), failed.model_dump_json())

    for name, problem in {
        "bad": "breaks keys_unique:works",
        "B2": "breaks keys_unique:works",
        "new": "is not published",
    }.items():
        with pytest.raises(QueryError, match=f"'{name}' {problem}") as caught:
            at_one_build(cloud, {"a": located("authors", "B3")}, name)
        assert caught.value.hint == "Builds that are kept: B3, B1."


def test_a_build_that_is_being_removed_is_refused(cloud: Cloud) -> None:
    publish(cloud, [RUN], "B2", "B1")
    kept = [PublishedBuild(build=name, published_at=NOW) for name in ("B2", "B1")]
    removing = CurrentBuild(builds=kept, removing=["B1"])
    put(cloud, CURRENT_BUILD_KEY, removing.model_dump_json())

    with pytest.raises(QueryError, match="'B1' is not published") as caught:
        at_one_build(cloud, {"a": located("authors", "B2")}, "B1")
    assert caught.value.hint == "Builds that are kept: B2."


def test_a_damaged_record_does_not_hide_the_builds_that_are_kept(cloud: Cloud) -> None:
    publish(cloud, [RUN], "B2", "B1")
    put(cloud, build_record_key("B1"), "{")

    with pytest.raises(QueryError) as caught:
        at_one_build(cloud, {}, "B0")
    assert caught.value.hint == "Builds that are kept: B2."
    with pytest.raises(UnreadableObjectError, match="B1.json cannot be read"):
        at_one_build(cloud, {}, "B1")
