from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import EtlError
from lake.etl.iceberg import iceberg_database
from lake.etl.refresh import EtlOptions, run_etl
from lake.etl.workspace import Workspace
from lake.testing.lakes import DATABASE, FakeJobs, lake_in_memory, put_run

RUN = "20261122T060000Z"
ICEBERG = f"{DATABASE}_iceberg"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield lake_in_memory()


def databases(cloud: Cloud) -> list[str]:
    return [found["Name"] for found in cloud.client("glue").get_databases()["DatabaseList"]]


def test_there_are_no_iceberg_tables_unless_asked_for(cloud: Cloud) -> None:
    assert iceberg_database(cloud, turn_on=False) is None
    assert databases(cloud) == [DATABASE]


def test_the_option_stays_on(cloud: Cloud) -> None:
    assert iceberg_database(cloud, turn_on=True) == ICEBERG
    assert databases(cloud) == [DATABASE, ICEBERG]

    assert iceberg_database(cloud, turn_on=False) == ICEBERG
    assert iceberg_database(cloud, turn_on=True) == ICEBERG


def test_on_aws_the_stack_turns_it_on(cloud: Cloud) -> None:
    clients = {name: cloud.client(name) for name in ("glue", "ssm")}
    ssm = clients["ssm"]
    ssm.put_parameter(Name="/openlake/dev/foundation/glue-database", Value=DATABASE, Type="String")
    on_aws = replace(cloud, env="dev", endpoint=None, _clients=clients)

    with pytest.raises(EtlError) as caught:
        iceberg_database(on_aws, turn_on=True)

    assert "--set glue_etl.IcebergTables=true" in str(caught.value.hint)
    assert databases(cloud) == [DATABASE]


def test_the_etl_publishes_iceberg_tables_from_the_call_that_asks_for_them(
    cloud: Cloud, tmp_path: Path
) -> None:
    put_run(cloud, RUN)
    jobs = FakeJobs(cloud=cloud)

    for iceberg in (False, True, False):
        options = EtlOptions(iceberg=iceberg)
        run_etl(cloud, Workspace(tmp_path, jobs), options, lambda _line: None)

    published = [arguments for module, arguments in jobs.calls if module == "glue_etl.publish"]
    assert [found.get("iceberg-database") for found in published] == [None, ICEBERG, ICEBERG]
