"""How far an emulator of the user's own goes: what docs/operations.md says of moto's server."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.errors import NotDeployedError
from tests.e2e.conftest import PROJECT


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """What `./lake --endpoint URL` talks to."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield Cloud(endpoint="http://{}:{}".format(*server.get_host_and_port()))
    server.stop()


# Of AWS::S3::BucketPolicy, which moto's CloudFormation passes over.
@pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")
def test_moto_takes_bootstrap_and_not_foundation(cloud: Cloud) -> None:
    bootstrap, foundation = units.select(["bootstrap", "foundation"])

    deployment.deploy_unit(cloud, PROJECT, bootstrap, {}, print)
    # A reference to a Glue database is empty there, and a parameter may not be.
    with pytest.raises(ClientError, match="Value '' at 'value' failed"):
        deployment.deploy_unit(cloud, PROJECT, foundation, {}, print)

    assert cloud.parameter("bootstrap/artifact-bucket")
    assert cloud.parameter("foundation/data-bucket")
    with pytest.raises(NotDeployedError, match="foundation/glue-database is not set"):
        cloud.parameter("foundation/glue-database")
