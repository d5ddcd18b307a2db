"""Rules for what holds data: buckets, queues, keys and log groups."""

from collections.abc import Iterator
from typing import Any

from infra.rules.model import Rule, all_of, given, has
from infra.rules.template import (
    Properties,
    Resource,
    Template,
    as_list,
    refers_to,
    statements,
    text_of,
)

# Lambda's advice for a queue that it polls.
VISIBILITY_FACTOR = 6
# The longest that SQS allows: time to notice, and to replay.
DEAD_LETTER_SECONDS = 14 * 24 * 3600
MINIMUM_RECEIVES = 3


def _retained(_: Template, resource: Resource) -> Iterator[str]:
    if resource.body.get("DeletionPolicy") not in ("Retain", "RetainExceptOnCreate"):
        yield "DeletionPolicy does not retain it"
    if resource.body.get("UpdateReplacePolicy") != "Retain":
        yield "UpdateReplacePolicy does not retain it"


def _lifecycle(_: Template, resource: Resource) -> Iterator[str]:
    rules = resource.properties.get("LifecycleConfiguration", {}).get("Rules", [])
    active = [rule for rule in rules if rule.get("Status") == "Enabled"]
    if not any(
        "AbortIncompleteMultipartUpload" in rule and "Prefix" not in rule for rule in active
    ):
        yield "no rule aborts incomplete uploads everywhere"
    if not any("NoncurrentVersionExpiration" in rule for rule in active):
        yield "no rule removes noncurrent versions"


def _tls_only(template: Template, resource: Resource) -> Iterator[str]:
    kind = "Bucket" if resource.type == "AWS::S3::Bucket" else "Queues"
    denied: set[str] = set()
    for policy in template.resources("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
        if not refers_to(policy.properties.get(kind), resource.name):
            continue
        for statement in statements(policy):
            if _denies_plain_text(statement):
                denied |= {text_of(item) for item in as_list(statement["Resource"])}
    needed = {f"${{{resource.name}.Arn}}"}
    if kind == "Bucket":
        needed.add(f"${{{resource.name}.Arn}}/*")
    for missing in sorted(needed - denied):
        yield f"plain text is not denied on {missing}"


def _denies_plain_text(statement: Properties) -> bool:
    service = str(as_list(statement["Action"])[0]).split(":")[0]
    return (
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and as_list(statement["Action"]) == [f"{service}:*"]
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )


def is_dead_letter_queue(template: Template, queue: Resource) -> bool:
    """Return whether a queue takes what others could not deliver."""
    targets: list[Any] = []
    for other in template.resources():
        properties = other.properties
        targets.append(properties.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
        targets.append(properties.get("DestinationConfig", {}).get("OnFailure"))
        for target in [*as_list(properties.get("Targets")), properties.get("Target", {})]:
            targets.append(target.get("DeadLetterConfig"))
    return refers_to(targets, queue.name)


def _dead_letters(template: Template, resource: Resource) -> Iterator[str]:
    properties = resource.properties
    if is_dead_letter_queue(template, resource):
        if properties.get("MessageRetentionPeriod") != DEAD_LETTER_SECONDS:
            yield f"a dead-letter queue must keep messages for {DEAD_LETTER_SECONDS} seconds"
        return
    redrive = properties.get("RedrivePolicy", {})
    if not redrive.get("deadLetterTargetArn"):
        yield "no dead-letter queue"
    receives = min(_values(template, redrive.get("maxReceiveCount", 0)))
    if receives < MINIMUM_RECEIVES:
        yield f"maxReceiveCount may be {receives}, less than {MINIMUM_RECEIVES}"


def _values(template: Template, value: Any) -> list[int]:
    """Return the numbers that a value can take: a parameter's least value or each allowed one."""
    if isinstance(value, dict) and "Ref" in value:
        parameter = template.body["Parameters"][value["Ref"]]
        return [
            int(item) for item in parameter.get("AllowedValues", [parameter.get("MinValue", 0)])
        ]
    return [int(value)]


def _visibility(template: Template, resource: Resource) -> Iterator[str]:
    """Check the queue against the longest time of the function that polls it."""
    polled = any(
        refers_to(source.properties["EventSourceArn"], resource.name)
        for source in template.resources("AWS::Lambda::EventSourceMapping")
    )
    if not polled:
        return
    visibility = resource.properties.get("VisibilityTimeout", 30)
    for function in template.resources("AWS::Lambda::Function"):
        timeout = function.properties.get("Timeout", 3)
        for seconds in _values(template, timeout):
            visible = visibility
            if isinstance(visibility, dict) and "Fn::FindInMap" in visibility:
                name, key, attribute = visibility["Fn::FindInMap"]
                if key != timeout:
                    yield "VisibilityTimeout is not looked up by the function's timeout"
                visible = template.body["Mappings"][name].get(str(seconds), {}).get(attribute, 0)
            if int(visible) < VISIBILITY_FACTOR * seconds:
                yield f"visibility {visible} s is below {VISIBILITY_FACTOR} x {seconds} s"


STORAGE_RULES = (
    Rule(
        "encryption",
        ("AWS::S3::Bucket",),
        has(
            "BucketEncryption.ServerSideEncryptionConfiguration"
            ".ServerSideEncryptionByDefault.SSEAlgorithm",
            ["AES256", "aws:kms"],
        ),
    ),
    Rule(
        "public-access-block",
        ("AWS::S3::Bucket",),
        all_of(
            *(
                has(f"PublicAccessBlockConfiguration.{name}", True)
                for name in (
                    "BlockPublicAcls",
                    "BlockPublicPolicy",
                    "IgnorePublicAcls",
                    "RestrictPublicBuckets",
                )
            )
        ),
    ),
    Rule(
        "ownership",
        ("AWS::S3::Bucket",),
        has("OwnershipControls.Rules.ObjectOwnership", "BucketOwnerEnforced"),
    ),
    Rule("versioning", ("AWS::S3::Bucket",), has("VersioningConfiguration.Status", "Enabled")),
    Rule("access-logs", ("AWS::S3::Bucket",), given("LoggingConfiguration.DestinationBucketName")),
    Rule("lifecycle", ("AWS::S3::Bucket",), _lifecycle),
    Rule("retained", ("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup"), _retained),
    Rule("tls-only", ("AWS::S3::Bucket", "AWS::SQS::Queue"), _tls_only),
    Rule("queue-encryption", ("AWS::SQS::Queue",), has("SqsManagedSseEnabled", True)),
    Rule("dead-letters", ("AWS::SQS::Queue",), _dead_letters),
    Rule("visibility", ("AWS::SQS::Queue",), _visibility),
    Rule("key-rotation", ("AWS::KMS::Key",), has("EnableKeyRotation", True)),
    Rule("log-retention", ("AWS::Logs::LogGroup",), given("RetentionInDays")),
)
