"""Damaged objects of the run ledger, of the curated tables and of what is compacted."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import EtlError, UnreadableObjectError
from lake.etl.compacted import fingerprints
from lake.etl.curated import read_curated
from lake.etl.waiting import _is_curated
from lake.query.one_build import at_one_build
from lake.runs.ledger import read_run
from lake.testing.lakes import BUCKET, lake_in_memory, located, publish, put, put_run
from schemas import keys
from schemas.ledger.compacted import CompactedDay

RUN = "20261122T060000Z"
DAY = CompactedDay(
    day="2026-11-22",
    generation="17",
    tables={},
    runs={},
    compacted_at="2026-11-26T00:00:00Z",
    token=17,
)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        made = lake_in_memory()
        publish(made, [RUN], "B2", "B1")
        put_run(made, RUN)
        put(made, keys.compacted_day_key(DAY.day), DAY.model_dump_json())
        yield made


def curated(cloud: Cloud) -> Any:
    return read_curated(cloud, BUCKET)


def run(cloud: Cloud) -> Any:
    return read_run(cloud, BUCKET, RUN)


def compacted(cloud: Cloud) -> Any:
    return fingerprints(cloud, BUCKET)


def a_join(cloud: Cloud) -> Any:
    return at_one_build(cloud, {name: located(name, "B1") for name in ("works", "authors")})


@pytest.mark.parametrize(
    ("key", "read"),
    [
        (keys.CURRENT_BUILD_KEY, curated),
        (keys.CURRENT_BUILD_KEY, a_join),
        (keys.build_record_key("B2"), curated),
        (keys.excluded_run_key(RUN), curated),
        (keys.manifest_key(RUN), run),
        (keys.processed_ledger_key(RUN), run),
        (keys.curated_ledger_key(RUN), lambda cloud: _is_curated(cloud, BUCKET, RUN)),
        (keys.compacted_day_key(DAY.day), compacted),
        (keys.compacted_pages_key(DAY.day, DAY.generation), compacted),
    ],
)
@pytest.mark.parametrize("body", ["", "{", "[]", "\x1f\x8b"])
def test_a_damaged_object_is_named_with_what_to_do(
    cloud: Cloud, key: str, read: Callable[[Cloud], Any], body: str
) -> None:
    put(cloud, key, body)

    with pytest.raises(UnreadableObjectError) as caught:
        read(cloud)

    assert caught.value.message.startswith(f"s3://{BUCKET}/{key} cannot be read: ")
    assert "Restore its former version" in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


def test_what_is_wrong_with_an_object_is_said(cloud: Cloud) -> None:
    put(cloud, keys.CURRENT_BUILD_KEY, '{"builds": [{"build": "B1"}]}')

    with pytest.raises(UnreadableObjectError) as caught:
        read_curated(cloud, BUCKET)

    assert caught.value.message.endswith("builds.0.published_at: Field required.")
    assert "'./lake check --all' lists all that is damaged" in caught.value.hint


def test_what_the_next_etl_writes_anew_may_be_deleted(cloud: Cloud) -> None:
    put(cloud, keys.curated_ledger_key(RUN), "{")

    with pytest.raises(UnreadableObjectError) as caught:
        _is_curated(cloud, BUCKET, RUN)

    assert "Or delete it: the next './lake etl' writes it anew." in caught.value.hint


def test_a_list_of_compacted_pages_that_is_gone_is_named(cloud: Cloud) -> None:
    with pytest.raises(EtlError, match="17.json.gz is not there") as caught:
        fingerprints(cloud, BUCKET)

    assert "Restore" in caught.value.hint
