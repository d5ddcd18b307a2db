import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake.aws import Cloud

#: Of each stack, the kinds of resources that matter here.
_RESOURCES: dict[str, dict[str, Any]] = {
    "bootstrap": {"ArtifactBucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}},
    "foundation": {
        "DataBucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
        "Key": {
            "Type": "AWS::KMS::Key",
            "DeletionPolicy": "Retain",
            "Properties": {"KeyPolicy": {}},
        },
    },
    "process": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "LogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Retain",
            "Properties": {"LogGroupName": "openlake-local-process-LogGroup-1a2B"},
        },
    },
    "glue-etl": {"Topic": {"Type": "AWS::SNS::Topic"}},
}


@pytest.fixture
def deployed() -> Iterator[Cloud]:
    """A local AWS with some of the stacks; of another lake there is a stack, too."""
    with mock_aws():
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        names = ("cloudformation", "s3", "sqs", "logs", "kms", "ssm")
        clients = {name: boto3.client(name, "us-east-1", **keys) for name in names}
        for unit, resources in {**_RESOURCES, "process-other": _RESOURCES["glue-etl"]}.items():
            clients["cloudformation"].create_stack(
                StackName=f"openlake-local-{unit}",
                TemplateBody=json.dumps({"Resources": resources}),
            )
        yield Cloud(endpoint="http://127.0.0.1:1", _clients=clients)
