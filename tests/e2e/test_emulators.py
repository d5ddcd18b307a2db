"""Two emulators of AWS, written by different people, answer alike what adapters and deployment ask.

`EXPECTED` is what AWS's API reference says of each call; today the two agree with it and with each
other on all of them.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer
from pydantic import BaseModel, Field

from lake.local.local_aws import LocalAws, free_port
from process.adapters.sessions import MemoisingSession
from process.adapters.table_store import GlueTableStore
from schemas.tables import WORKS
from tests.e2e.conftest import MINISTACK

BUCKET, DATABASE, QUEUE = "emulated", "emulated", "emulated"
EMULATORS = ("ministack", "moto")
Client = Callable[[str], Any]


def _client(endpoint: str) -> Client:
    def client(service: str) -> Any:
        return boto3.client(
            service,
            "us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="000000000000",
            aws_secret_access_key="local",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    return client


@pytest.fixture(scope="module")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Client]]:
    """Both emulators, each with a bucket, a database and a queue with dead letters."""
    local = LocalAws(tmp_path_factory.mktemp("aws"), MINISTACK)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        endpoints = (
            local.start(free_port()).endpoint,
            "http://{}:{}".format(*moto.get_host_and_port()),
        )
        found = dict(zip(EMULATORS, map(_client, endpoints), strict=True))
        for client in found.values():
            client("s3").create_bucket(Bucket=BUCKET)
            client("glue").create_database(DatabaseInput={"Name": DATABASE})
            client("sqs").create_queue(QueueName=QUEUE)
        yield found
    finally:
        moto.stop()
        local.stop()


def code(call: Callable[[], Any]) -> str:
    """Return the code of the error that a call ends with, or `ok`."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def _put(client: Client, key: str, body: bytes = b"x", **condition: str) -> str:
    s3 = client("s3")
    return code(lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=body, **condition))


def put_twice_if_none(client: Client) -> list[str]:
    return [_put(client, "twice", IfNoneMatch="*") for _ in range(2)]


def replace_if_match(client: Client) -> list[str]:
    first = client("s3").put_object(Bucket=BUCKET, Key="state", Body=b"1")["ETag"]
    return [_put(client, "state", b"2", IfMatch=first), _put(client, "state", b"3", IfMatch=first)]


def replace_what_is_missing(client: Client) -> str:
    return _put(client, "missing-state", IfMatch='"0"')


def read_what_is_missing(client: Client) -> list[str]:
    s3 = client("s3")
    place = {"Bucket": BUCKET, "Key": "missing"}
    return [code(lambda: s3.get_object(**place)), code(lambda: s3.head_object(**place))]


def keep_metadata(client: Client) -> dict[str, str]:
    s3 = client("s3")
    s3.put_object(Bucket=BUCKET, Key="m", Body=b"", Metadata={"work-count": "1", "url": "a%20b"})
    found: dict[str, str] = s3.get_object(Bucket=BUCKET, Key="m")["Metadata"]
    return found


def list_by_pages(client: Client) -> list[str]:
    for number in range(5):
        _put(client, f"list/{number}")
    pages = (
        client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 2})
    )
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def remove_what_is_missing(client: Client) -> str:
    s3 = client("s3")
    return code(lambda: s3.delete_object(Bucket=BUCKET, Key="missing"))


def _table(name: str, location: str = "s3://emulated/t/") -> dict[str, Any]:
    column = {"Name": "a", "Type": "string"}
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": "day", "Type": "string"}],
        "StorageDescriptor": {"Columns": [column], "Location": location},
    }


def create_table_twice(client: Client) -> list[str]:
    glue = client("glue")
    table = _table("twice")
    return [code(lambda: glue.create_table(DatabaseName=DATABASE, TableInput=table)) for _ in "12"]


def switch_a_table(client: Client) -> str:
    glue = client("glue")
    glue.create_table(DatabaseName=DATABASE, TableInput=_table("switched"))
    glue.update_table(DatabaseName=DATABASE, TableInput=_table("switched", "s3://emulated/u/"))
    found = glue.get_table(DatabaseName=DATABASE, Name="switched")["Table"]
    return str(found["StorageDescriptor"]["Location"])


def read_a_missing_table(client: Client) -> list[str]:
    glue = client("glue")
    missing = {"DatabaseName": DATABASE, "Name": "missing"}
    update = {"DatabaseName": DATABASE, "TableInput": _table("missing")}
    return [code(lambda: glue.get_table(**missing)), code(lambda: glue.update_table(**update))]


def register_a_partition_twice(client: Client) -> list[list[str]]:
    glue = client("glue")
    glue.create_table(DatabaseName=DATABASE, TableInput=_table("partitioned"))
    partition = {"Values": ["2026-11-23"], "StorageDescriptor": {"Columns": []}}
    answers = [
        glue.batch_create_partition(
            DatabaseName=DATABASE, TableName="partitioned", PartitionInputList=[partition]
        )
        for _ in range(2)
    ]
    return [
        [item["ErrorDetail"]["ErrorCode"] for item in answer.get("Errors", [])]
        for answer in answers
    ]


def receive_until_deleted(client: Client) -> list[int]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    (again,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    left = len(sqs.receive_message(QueueUrl=url).get("Messages", []))
    return [int(message["MessageId"] == again["MessageId"]), left]


def read_a_missing_queue(client: Client) -> str:
    sqs = client("sqs")
    return code(lambda: sqs.get_queue_url(QueueName="missing")).rpartition(".")[2]


def keep_a_rule(client: Client) -> dict[str, Any]:
    events = client("events")
    key = [{"wildcard": "raw_data/subjects/*.json.gz"}]
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": key}}}
    events.put_rule(Name="page", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="page", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:1:q"}])
    found: dict[str, Any] = json.loads(events.describe_rule(Name="page")["EventPattern"])
    targets = events.list_targets_by_rule(Rule="page")["Targets"]
    return {"pattern": found == pattern, "targets": [target["Id"] for target in targets]}


def read_a_missing_parameter(client: Client) -> str:
    ssm = client("ssm")
    return code(lambda: ssm.get_parameter(Name="/missing"))


def describe_a_missing_stack(client: Client) -> str:
    cloudformation = client("cloudformation")
    return code(lambda: cloudformation.describe_stacks(StackName="missing"))


TEMPLATE = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


def make_a_stack_by_a_change_set(client: Client) -> list[str]:
    cloudformation = client("cloudformation")
    names = {"StackName": "made", "ChangeSetName": "first"}
    cloudformation.create_change_set(**names, ChangeSetType="CREATE", TemplateBody=TEMPLATE)
    described = cloudformation.describe_change_set(**names)
    changes = [item["ResourceChange"]["LogicalResourceId"] for item in described["Changes"]]
    cloudformation.execute_change_set(**names)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="made", WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )
    (stack,) = cloudformation.describe_stacks(StackName="made")["Stacks"]
    return [*changes, stack["StackStatus"]]


# What AWS's API reference says of each call.
EXPECTED: dict[Callable[[Client], Any], Any] = {
    put_twice_if_none: ["ok", "PreconditionFailed"],
    replace_if_match: ["ok", "PreconditionFailed"],
    replace_what_is_missing: "NoSuchKey",
    read_what_is_missing: ["NoSuchKey", "404"],
    keep_metadata: {"work-count": "1", "url": "a%20b"},
    list_by_pages: [f"list/{number}" for number in range(5)],
    remove_what_is_missing: "ok",
    create_table_twice: ["ok", "AlreadyExistsException"],
    switch_a_table: "s3://emulated/u/",
    read_a_missing_table: ["EntityNotFoundException", "EntityNotFoundException"],
    register_a_partition_twice: [[], ["AlreadyExistsException"]],
    receive_until_deleted: [1, 0],
    read_a_missing_queue: "NonExistentQueue",
    keep_a_rule: {"pattern": True, "targets": ["q"]},
    read_a_missing_parameter: "ParameterNotFound",
    describe_a_missing_stack: "ValidationError",
    make_a_stack_by_a_change_set: ["Queue", "CREATE_COMPLETE"],
}


@pytest.mark.parametrize("call", EXPECTED, ids=lambda call: call.__name__)
def test_both_emulators_answer_as_the_reference_says(
    emulators: dict[str, Client], call: Callable[[Client], Any]
) -> None:
    found = {name: call(client) for name, client in emulators.items()}

    assert found == dict.fromkeys(EMULATORS, EXPECTED[call])


class _Narrow(BaseModel):
    work_key: str = Field(description="Key of the work")


class _Wide(_Narrow):
    title: str | None = Field(description="Title of the work")


@pytest.mark.parametrize("emulator", EMULATORS)
def test_process_adds_the_column_of_a_newer_contract(
    emulators: dict[str, Client], emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = emulators[emulator]
    monkeypatch.setenv("AWS_ENDPOINT_URL", client("s3").meta.endpoint_url)
    session = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "local"}

    for row in (_Narrow, _Wide):
        store = GlueTableStore(
            MemoisingSession(region_name="us-east-1", **session), BUCKET, DATABASE
        )
        store.register(replace(WORKS, row=row), "2026-11-23")

    found = client("glue").get_table(DatabaseName=DATABASE, Name=WORKS.catalogue_name)["Table"]
    columns = [column["Name"] for column in found["StorageDescriptor"]["Columns"]]
    assert columns == ["work_key", "title"]
