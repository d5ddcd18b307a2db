from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.deploy import deployment, history, stacks
from lake.deploy.deployment import release_of, stack_name
from lake.deploy.units import select
from lake.errors import DeployError
from lake.project import current_project

(MONITORING,) = select(["monitoring"])
TEMPLATE = """
Parameters:
  Hours: {Type: Number, Default: "1"}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: %s, DelaySeconds: !Ref Hours}
"""


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A local AWS with an artifact bucket."""
    with mock_aws():
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        names = ("cloudformation", "s3", "ssm", "cloudwatch", "sqs")
        clients = {name: boto3.client(name, "us-east-1", **keys) for name in names}
        clients["s3"].create_bucket(Bucket="artifacts")
        clients["ssm"].put_parameter(
            Name="/openlake/local/bootstrap/artifact-bucket", Value="artifacts", Type="String"
        )
        yield Cloud(endpoint="http://127.0.0.1:1", _clients=clients)


def deploy(cloud: Cloud, queue: str) -> None:
    """Deploy a template with a queue of that name."""
    plan = deployment.plan_release(cloud, MONITORING, history.Release(TEMPLATE % queue, {}), {})
    deployment.apply(cloud, current_project(), plan, print)


def roll_back(cloud: Cloud) -> None:
    plan = deployment.plan_rollback(cloud, MONITORING)
    deployment.apply(cloud, current_project(), plan, print)


def queue_of(cloud: Cloud) -> str:
    """Return the name of the queue in the template that is deployed."""
    text = stacks.template(cloud, stack_name(cloud, "monitoring"))
    return text.partition("QueueName: ")[2].partition(",")[0]


@contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Interrupt the call once CloudFormation has begun, which goes on."""
    real = stacks.execute

    def execute(*arguments: Any, **others: Any) -> None:
        real(*arguments, **others)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(stacks, "execute", execute)
        yield


def test_releases_that_change_templates_alone_are_rolled_back_one_by_one(cloud: Cloud) -> None:
    for queue in "abc":
        deploy(cloud, queue)

    roll_back(cloud)
    assert queue_of(cloud) == "b"
    roll_back(cloud)
    assert queue_of(cloud) == "a"


def test_a_rollback_that_is_interrupted_and_repeated_goes_further_back(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for queue in "abc":
        deploy(cloud, queue)
    with interrupted(monkeypatch):
        roll_back(cloud)
    assert queue_of(cloud) == "b"

    roll_back(cloud)

    assert queue_of(cloud) == "a"


@pytest.mark.parametrize("repeated", [True, False])
def test_a_release_whose_deployment_was_interrupted_can_be_gone_back_to(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, repeated: bool
) -> None:
    deploy(cloud, "c")
    with interrupted(monkeypatch):
        deploy(cloud, "d")
    if repeated:
        deploy(cloud, "d")
    deploy(cloud, "e")

    roll_back(cloud)

    assert queue_of(cloud) == "d"


def test_a_package_that_cannot_be_uploaded_leaves_no_change_set(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DeployError("The package does not exist.")

    monkeypatch.setattr(deployment, "_provide_package", fail)
    deploy(cloud, "a")
    unit = replace(MONITORING, packaged=True)
    plan = deployment.plan_release(cloud, unit, history.Release(TEMPLATE % "b", {}), {})

    with pytest.raises(DeployError, match="does not exist"):
        deployment.apply(cloud, current_project(), plan, print)

    found = cloud.client("cloudformation").list_change_sets(StackName=plan.stack)["Summaries"]
    assert plan.change_set is not None
    assert plan.change_set.arn not in {item["ChangeSetId"] for item in found}


def test_a_release_is_identified_by_code_and_configuration() -> None:
    first = release_of("template", {"ArtifactKey": "a", "Env": "dev"})
    assert first == release_of("template", {"Env": "dev", "ArtifactKey": "a"})
    others = {
        release_of("template 2", {"ArtifactKey": "a", "Env": "dev"}),
        release_of("template", {"ArtifactKey": "b", "Env": "dev"}),
        release_of("template", {"ArtifactKey": "a", "Env": "dev", "PageSize": "1"}),
    }
    assert len({first, *others}) == 4


def test_a_release_fits_its_template_parameter() -> None:
    assert len(release_of("template", {})) <= 40


def test_a_stack_is_named_after_environment_and_unit() -> None:
    assert stack_name(Cloud(app="openlake", env="dev"), "ingest") == "openlake-dev-ingest"
