"""Stacks come and go alone, in orders that nobody planned, and the data stays."""

import pytest

from lake.aws import Cloud
from lake.deploy import deployment, stacks, units
from lake.deploy.parameters import LOCAL
from lake.errors import NotDeployedError, StackFailedError
from openlibrary_standin import StandInConfig
from tests.e2e.conftest import PROJECT
from tests.e2e.crawls import run_lake, serving

OBJECT = {"Key": "raw_data/subjects/kept.json.gz", "Body": b"kept"}


def delete(cloud: Cloud, name: str) -> None:
    """Delete the stack of a unit, and wait until it is gone."""
    stack = deployment.stack_name(cloud, name)
    client = cloud.client("cloudformation")
    client.delete_stack(StackName=stack)
    client.get_waiter("stack_delete_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert stacks.describe(cloud, stack) is None


def deploy_alone(cloud: Cloud, name: str) -> deployment.Deployed:
    """Deploy one unit."""
    (unit,) = units.select([name])
    return deployment.deploy_unit(cloud, PROJECT, unit, LOCAL.get(name, {}), print)


def test_a_unit_whose_needs_are_not_deployed_says_what_to_deploy(cloud: Cloud) -> None:
    other = Cloud(env="empty", endpoint=cloud.endpoint)

    with pytest.raises(NotDeployedError, match="bootstrap/artifact-bucket") as caught:
        deploy_alone(other, "ingest")
    assert caught.value.hint.endswith("./lake deploy bootstrap")

    with pytest.raises(StackFailedError, match="log-bucket"):
        deploy_alone(other, "foundation")


def test_stacks_are_deleted_in_any_order_and_the_data_is_kept(cloud: Cloud, bucket: str) -> None:
    # GIVEN a lake with data
    cloud.client("s3").put_object(Bucket=bucket, **OBJECT)
    deploy_alone(cloud, "ingest")

    # WHEN what others need is deleted before them
    for name in ("bootstrap", "foundation", "process", "ingest"):
        delete(cloud, name)

    # THEN the data is there
    found = cloud.client("s3").get_object(Bucket=bucket, Key=OBJECT["Key"])["Body"].read()
    assert found == OBJECT["Body"]

    # AND a new lake can be made in its place, ingest before process, and works
    for name in ("bootstrap", "foundation", "ingest", "process"):
        deploy_alone(cloud, name)
    made = cloud.parameter("foundation/data-bucket")
    assert made != bucket
    with serving(StandInConfig(works=500)) as url:
        manifest, ledger = run_lake(cloud, made, url, ["person:napoleon"])
    assert ledger.rows + ledger.quarantined == manifest.totals.fetched > 0
