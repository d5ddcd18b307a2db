from collections.abc import Iterator

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.local.contents import loaded_dumps
from lake.testing.lakes import lake_in_memory, put
from schemas.keys import RawKey, dump_rows_prefix

RUN = "20260930T235959Z"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield lake_in_memory()


def test_only_runs_of_dumps_are_found(cloud: Cloud) -> None:
    put(cloud, RawKey.of("20261123T060000Z", "love", 0).processed_key("works"))

    assert loaded_dumps(cloud) == []

    for part in (0, 1):
        put(cloud, f"{dump_rows_prefix(RUN)}part-{part}.parquet")
    assert loaded_dumps(cloud) == [RUN]
