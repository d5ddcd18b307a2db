"""Every rule notices a template that breaks it."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.rules.access import ACCESS_RULES, may
from infra.rules.compute import COMPUTE_RULES
from infra.rules.model import unexcused
from infra.rules.monitoring import MONITORING_RULES
from infra.rules.storage import STORAGE_RULES
from infra.rules.template import load, parse

RULES = (*STORAGE_RULES, *COMPUTE_RULES, *ACCESS_RULES, *MONITORING_RULES)

Break = Callable[[dict[str, Any]], None]


def _set(path: str, value: Any) -> Break:
    """Set the property at a dotted path below a resource; a number is a place in a list."""

    def change(resource: dict[str, Any]) -> None:
        node: Any = resource
        *parents, last = path.split(".")
        for part in parents:
            node = node[int(part)] if isinstance(node, list) else node[part]
        if isinstance(node, list):
            node[int(last)] = value
        else:
            node[last] = value

    return change


def _remove(path: str) -> Break:
    """Remove what lies at a dotted path below a resource."""

    def change(resource: dict[str, Any]) -> None:
        node: Any = resource
        *parents, last = path.split(".")
        for part in parents:
            node = node[int(part)] if isinstance(node, list) else node[part]
        del node[int(last) if isinstance(node, list) else last]

    return change


def _remove_subject(resource: dict[str, Any]) -> None:
    statement = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    del statement["Condition"]["StringLike"]


FIRST = "Properties.Policies.0.PolicyDocument.Statement.0."
TRUST = "Properties.AssumeRolePolicyDocument.Statement.0."
GRANT = "Properties.PolicyDocument.Statement.0."
BUCKET = {"Fn::Sub": "arn:${AWS::Partition}:s3:::{{resolve:ssm:/a/b/foundation/data-bucket}}"}
OBJECTS = {"Fn::Sub": "arn:${AWS::Partition}:s3:::{{resolve:ssm:/a/b/foundation/data-bucket}}/*"}
EVERY_EVENT = {"source": ["aws.s3"], "detail-type": ["Object Created"]}
DETAIL = "Properties.EventPattern.detail."
KEY = DETAIL + "object.key"
ARGUMENTS = "Properties.DefaultArguments."

BREAKS: list[tuple[str, str, str, Break]] = [
    ("encryption", "bootstrap", "ArtifactBucket", _remove("Properties.BucketEncryption")),
    (
        "public-access-block",
        "foundation",
        "DataBucket",
        _set("Properties.PublicAccessBlockConfiguration.BlockPublicPolicy", False),
    ),
    ("ownership", "foundation", "DataBucket", _remove("Properties.OwnershipControls")),
    ("versioning", "foundation", "DataBucket", _remove("Properties.VersioningConfiguration")),
    ("access-logs", "foundation", "DataBucket", _remove("Properties.LoggingConfiguration")),
    ("lifecycle", "bootstrap", "LogBucket", _remove("Properties.LifecycleConfiguration.Rules.0")),
    ("retained", "foundation", "DataBucket", _set("DeletionPolicy", "Delete")),
    ("retained", "ingest", "LogGroup", _remove("UpdateReplacePolicy")),
    # The policy covers the objects and not the bucket.
    ("tls-only", "foundation", "DataBucketPolicy", _remove(GRANT + "Resource.0")),
    ("tls-only", "foundation", "DataBucketPolicy", _set(GRANT + "Action", "s3:GetObject")),
    ("tls-only", "process", "QueuePolicy", _remove("Properties.PolicyDocument.Statement.1")),
    ("queue-encryption", "process", "Queue", _set("Properties.SqsManagedSseEnabled", False)),
    ("dead-letters", "process", "Queue", _remove("Properties.RedrivePolicy")),
    ("dead-letters", "process", "Queue", _set("Properties.RedrivePolicy.maxReceiveCount", 1)),
    (
        "dead-letters",
        "ingest",
        "DeadLetterQueue",
        _set("Properties.MessageRetentionPeriod", 345600),
    ),
    ("visibility", "process", "Queue", _set("Properties.VisibilityTimeout", 300)),
    ("visibility", "process", "Function", _set("Properties.Timeout", 301)),
    ("key-rotation", "foundation", "Key", _set("Properties.EnableKeyRotation", False)),
    ("log-retention", "process", "LogGroup", _remove("Properties.RetentionInDays")),
    ("function", "ingest", "Function", _set("Properties.Runtime", "python3.12")),
    ("function", "ingest", "Function", _remove("Properties.LoggingConfig")),
    ("function", "ingest", "Function", _set("Properties.ReservedConcurrentExecutions", 1)),
    ("released", "ingest", "LiveAlias", _set("Properties.FunctionVersion", "$LATEST")),
    ("released", "ingest", "LiveAlias", _remove("DependsOn")),
    ("released", "ingest", "SmokeTest", _set("Properties.FunctionVersion", "$LATEST")),
    ("released", "ingest", "Version", _set("Properties.Description", "always the same")),
    ("event-source", "process", "QueueSource", _remove("Properties.FunctionResponseTypes")),
    ("event-source", "process", "QueueSource", _remove("Properties.ScalingConfig")),
    (
        "event-source",
        "process",
        "QueueSource",
        _set("Properties.FunctionName", {"Ref": "Function"}),
    ),
    ("schedule", "ingest", "Schedule", _remove("Properties.Target.DeadLetterConfig")),
    ("schedule", "ingest", "Schedule", _set("Properties.Target.Arn", {"Ref": "Function"})),
    ("schedule", "ingest", "Schedule", _remove("Properties.Target.Input")),
    ("event-rule", "process", "RawPageRule", _set("Properties.EventPattern", EVERY_EVENT)),
    ("event-rule", "process", "RawPageRule", _set(KEY, [{"prefix": "raw_data/"}])),
    ("event-rule", "process", "RawPageRule", _set(KEY, [{"wildcard": "*.json.gz"}])),
    ("event-rule", "process", "RawPageRule", _set(KEY, [{"wildcard": "raw_data/*"}])),
    ("event-rule", "process", "ManifestRule", _remove("Properties.Targets.0.DeadLetterConfig")),
    ("event-rule", "glue_etl", "RunProcessedRule", _set(KEY, [{"wildcard": "runs/*"}])),
    ("event-rule", "glue_etl", "FailedJobRule", _set(DETAIL + "state", ["FAILED"])),
    ("event-rule", "glue_etl", "FailedJobRule", _remove(DETAIL + "jobName")),
    ("event-rule", "glue_etl", "FailedJobRule", _set("Properties.Targets.0.Arn", "arn:other")),
    ("job", "glue_etl", "EtlJob", _set("Properties.GlueVersion", "5.0")),
    ("job", "glue_etl", "EtlJob", _set("Properties.ExecutionProperty.MaxConcurrentRuns", 2)),
    ("job", "glue_etl", "EtlJob", _set("Properties.MaxRetries", 1)),
    ("job", "glue_etl", "EtlJob", _remove("Properties.Timeout")),
    ("job", "glue_etl", "BulkJob", _set("Properties.Command.ScriptLocation", "s3://other/job.py")),
    ("job", "glue_etl", "BulkJob", _remove(ARGUMENTS + "--extra-py-files")),
    ("job", "glue_etl", "BulkJob", _set(ARGUMENTS + "--additional-python-modules", "pydantic")),
    ("job", "glue_etl", "BulkJob", _remove(ARGUMENTS + "--python-modules-installer-option")),
    ("job", "glue_etl", "BulkJob", _remove(ARGUMENTS + "--custom-logGroup-prefix")),
    ("event-trigger", "glue_etl", "RunProcessedTrigger", _set("Properties.Type", "ON_DEMAND")),
    (
        "event-trigger",
        "glue_etl",
        "RunProcessedTrigger",
        _remove("Properties.EventBatchingCondition.BatchWindow"),
    ),
    (
        "object-prefixes",
        "glue_etl",
        "EtlRole",
        _set(FIRST + "Resource", [OBJECTS]),
    ),
    ("trust", "glue_etl", "EventRole", _remove(TRUST + "Condition")),
    ("wildcard-action", "ingest", "FunctionRole", _set(FIRST + "Action", "s3:*")),
    ("wildcard-action", "ingest", "FunctionRole", _set(FIRST + "Action", ["s3:Get*"])),
    ("wildcard-resource", "ingest", "FunctionRole", _set(FIRST + "Resource", "*")),
    ("wildcard-resource", "ingest", "FunctionRole", _set(FIRST + "Resource", "arn:aws:s3:::*")),
    (
        "wildcard-resource",
        "ingest",
        "ScheduleRole",
        _set(FIRST + "Resource", {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/*"}),
    ),
    (
        "wildcard-resource",
        "ingest",
        "ScheduleRole",
        _set(FIRST + "Resource", "arn:aws:lambda:*:*:function:f"),
    ),
    ("object-prefixes", "process", "FunctionRole", _set(FIRST + "Resource", [OBJECTS])),
    (
        "listing-prefixes",
        "process",
        "FunctionRole",
        _set(
            FIRST.rstrip("."),
            {"Sid": "L", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET},
        ),
    ),
    ("trust", "ingest", "FunctionRole", _remove(TRUST + "Condition")),
    (
        "trust",
        "ingest",
        "FunctionRole",
        _set(
            TRUST + "Condition", {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
        ),
    ),
    ("trust", "ingest", "FunctionRole", _set(TRUST + "Principal", {"AWS": "*"})),
    (
        "trust",
        "bootstrap",
        "DeployRole",
        _remove_subject,
    ),
    ("permissions-boundary", "process", "FunctionRole", _remove("Properties.PermissionsBoundary")),
    ("condition-on-source", "process", "QueuePolicy", _remove(GRANT + "Condition")),
    ("condition-on-source", "foundation", "AlarmTopicPolicy", _remove(GRANT + "Condition")),
    (
        "condition-on-source",
        "foundation",
        "Key",
        _remove("Properties.KeyPolicy.Statement.1.Condition"),
    ),
    ("alarm-name", "monitoring", "Freshness", _set("Properties.AlarmName", "freshness")),
    ("alarm-condition", "monitoring", "QuarantineShare", _remove("Condition")),
    ("alarm-description", "monitoring", "Freshness", _remove("Properties.AlarmDescription")),
    (
        "alarm-description",
        "monitoring",
        "Freshness",
        _set("Properties.AlarmDescription", "Stale. See docs/runbook.md#other."),
    ),
    ("alarm-actions", "monitoring", "Freshness", _remove("Properties.AlarmActions")),
    ("alarm-actions", "monitoring", "Freshness", _set("Properties.OKActions", [])),
    ("alarm-missing-data", "monitoring", "Freshness", _remove("Properties.TreatMissingData")),
    (
        "alarm-missing-data",
        "monitoring",
        "RunFailed",
        _set("Properties.TreatMissingData", "ignore"),
    ),
    ("alarm-window", "monitoring", "Freshness", _set("Properties.Period", 3000)),
    ("alarm-window", "monitoring", "RunFailed", _remove("Properties.DatapointsToAlarm")),
    ("alarm-window", "monitoring", "RunFailed", _set("Properties.DatapointsToAlarm", 2)),
    ("alarm-metrics", "monitoring", "Freshness", _set("Properties.MetricName", "RunsDone")),
    ("alarm-metrics", "monitoring", "Freshness", _set("Properties.Namespace", "openlake")),
    ("alarm-metrics", "monitoring", "Freshness", _remove("Properties.Dimensions.0")),
    (
        "alarm-metrics",
        "monitoring",
        "Freshness",
        _set("Properties.Dimensions.1.Value", "ingest"),
    ),
    ("dashboard", "monitoring", "Dashboard", _set("Properties.DashboardBody", "{")),
    ("dashboard", "monitoring", "Dashboard", _set("Properties.DashboardBody", '{"widgets": []}')),
    ("saved-query", "monitoring", "FailuresQuery", _remove("Condition")),
    ("saved-query", "monitoring", "FailuresQuery", _set("Properties.LogGroupNames", ["any"])),
]


@pytest.mark.parametrize(
    ("rule", "unit", "resource", "change"),
    BREAKS,
    ids=[f"{number}-{item[0]}-{item[2]}" for number, item in enumerate(BREAKS)],
)
def test_rule_notices(rule: str, unit: str, resource: str, change: Break) -> None:
    """GIVEN a good template WHEN one thing is broken THEN its rule, and no other, says so."""
    template = load(unit)
    assert unexcused(template, RULES) == []

    change(template.body["Resources"][resource])

    assert {item.rule for item in unexcused(template, RULES)} == {rule}


def test_every_rule_is_broken_by_some_template() -> None:
    assert {rule.name for rule in RULES} == {rule for rule, *_ in BREAKS}


def test_a_written_reason_excuses_its_rule_only() -> None:
    template = load("ingest")
    role = template.body["Resources"]["FunctionRole"]
    role["Metadata"] = {"lake": {"reasons": {"wildcard-action": "for this test"}}}

    _set(FIRST + "Action", "s3:*")(role)
    _set(FIRST + "Resource", "*")(role)

    assert {item.rule for item in unexcused(template, RULES)} == {"wildcard-resource"}


def test_an_empty_reason_excuses_nothing() -> None:
    template = load("bootstrap")

    template.body["Resources"]["LogBucket"]["Metadata"]["lake"]["reasons"]["access-logs"] = ""

    assert [item.rule for item in unexcused(template, RULES)] == ["access-logs"]


ROLE = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement:
              - Effect: Allow
                Action: s3:GetObject
                Resource: !Sub "arn:aws:s3:::{{resolve:ssm:/${App}/x/data-bucket}}/a/*"
"""


@pytest.mark.parametrize(
    ("action", "target", "expected"),
    [
        ("s3:GetObject", "{data-bucket}/a/b", True),
        ("s3:GetObject", "{data-bucket}/b/a", False),
        ("s3:PutObject", "{data-bucket}/a/b", False),
    ],
)
def test_permissions_are_read_as_iam_reads_them(action: str, target: str, expected: bool) -> None:
    assert may(parse("test", ROLE), "Role", action, target) is expected


@pytest.mark.parametrize(
    ("action", "target"),
    [
        ("glue:CreateDatabase", "database/${App}_${Env}"),
        ("glue:DeleteTable", "table/${App}_${Env}/works"),
        ("sqs:CreateQueue", "${App}-${Env}-process"),
    ],
)
def test_permissions_are_read_whatever_function_writes_them(action: str, target: str) -> None:
    assert may(load("bootstrap"), "CloudFormationRole", action, target)
