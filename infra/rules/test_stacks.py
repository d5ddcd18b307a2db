"""Templates are evaluated as CloudFormation evaluates them."""

from typing import Any

import pytest

from infra.rules.stacks import ACCOUNT, SUFFIX, Stack, UnknownIntrinsicError
from infra.rules.template import UNITS, load, parse

TEMPLATE = """
Parameters:
  App: {Default: open-lake}
  Env: {Default: dev}
  Named: {Default: ""}
Mappings:
  Seconds: {"60": {Visibility: 360}}
Conditions:
  HasName: !Not [!Equals [!Ref Named, ""]]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "${App}-${Env}-q"}
  Role:
    Type: AWS::IAM::Role
  Function:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: f}
  Live:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !Ref Function, Name: live}
"""


@pytest.fixture
def stack() -> Stack:
    return Stack(parse("test", TEMPLATE))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "App"}, "open-lake"),
        ({"Ref": "AWS::AccountId"}, ACCOUNT),
        ({"Ref": "Queue"}, "open-lake-dev-q"),
        ({"Ref": "Live"}, f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:f:live"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, f"arn:aws:sqs:eu-central-1:{ACCOUNT}:open-lake-dev-q"),
        ({"Fn::GetAtt": ["Queue", "QueueName"]}, "open-lake-dev-q"),
        (
            {"Fn::GetAtt": ["Role", "Arn"]},
            f"arn:aws:iam::{ACCOUNT}:role/open-lake-dev-test-Role-{SUFFIX}",
        ),
        ({"Fn::Sub": "${App}/${Queue.QueueName}"}, "open-lake/open-lake-dev-q"),
        ({"Fn::Sub": ["${Name}-x", {"Name": {"Ref": "Env"}}]}, "dev-x"),
        ({"Fn::Sub": "${aws:userid}"}, "${aws:userid}"),
        ({"Fn::Join": ["_", {"Fn::Split": ["-", {"Ref": "App"}]}]}, "open_lake"),
        ({"Fn::Select": ["1", {"Fn::Split": ["-", {"Ref": "App"}]}]}, "lake"),
        ({"Fn::FindInMap": ["Seconds", "60", "Visibility"]}, 360),
        ({"Fn::If": ["HasName", "yes", "no"]}, "no"),
        ({"a": {"Fn::If": ["HasName", "yes", {"Ref": "AWS::NoValue"}]}}, {}),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}},) * 2,
    ],
)
def test_a_function_is_evaluated(stack: Stack, value: Any, expected: Any) -> None:
    assert stack.resolve(value) == expected


def test_a_condition_depends_on_the_parameters() -> None:
    stack = Stack(parse("test", TEMPLATE), {"Named": "x"})

    assert stack.resolve({"Fn::If": ["HasName", "yes", "no"]}) == "yes"


def test_a_function_that_is_not_known_is_an_error(stack: Stack) -> None:
    with pytest.raises(UnknownIntrinsicError, match="Fn::Cidr"):
        stack.resolve({"Fn::Cidr": ["10.0.0.0/16", 2, 4]})


@pytest.mark.parametrize("unit", UNITS)
def test_every_function_of_the_templates_is_known(unit: str) -> None:
    stack = Stack(load(unit), {"GitHubRepository": "owner/name"})

    for resource in stack.template.resources():
        stack.resolve(resource.properties)


def test_values_of_other_stacks_are_looked_up() -> None:
    function = Stack(load("process")).by_name["Function"]

    variables = Stack(load("process")).resolve(function.properties["Environment"]["Variables"])

    assert variables["GLUE_DATABASE"] == "openlake_dev"
    assert variables["DATA_BUCKET"] == f"openlake-dev-foundation-databucket-{SUFFIX.lower()}"
