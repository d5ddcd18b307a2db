"""Rules for what runs, and for what makes it run: functions, event sources, rules, schedules."""

import re
from collections.abc import Iterator

from infra.rule_model import Rule
from infra.template_model import Resource, Template, as_list, refers_to, text_of


def _function(template: Template, resource: Resource) -> Iterator[str]:
    properties = resource.properties
    if properties.get("Runtime") != "python3.13":
        yield "Runtime is not python3.13"
    groups = template.resources("AWS::Logs::LogGroup")
    log_group = properties.get("LoggingConfig", {}).get("LogGroup")
    if not any(refers_to(log_group, group.name) for group in groups):
        yield "it does not log to a log group of this stack"
    if "ReservedConcurrentExecutions" in properties:
        yield "throttled events would use up their attempts"


def _released(template: Template, resource: Resource) -> Iterator[str]:
    versions = [
        version
        for version in template.resources("AWS::Lambda::Version")
        if refers_to(version.properties["FunctionName"], resource.name)
    ]
    live = [
        alias
        for alias in template.resources("AWS::Lambda::Alias")
        if alias.properties["Name"] == "live"
        and any(refers_to(alias.properties["FunctionVersion"], item.name) for item in versions)
    ]
    if not live:
        yield "no alias live of a published version"
    tests = [
        test.name
        for test in template.resources("Custom::SmokeTest")
        if any(refers_to(test.properties["FunctionVersion"], item.name) for item in versions)
    ]
    if not all(set(tests) & set(as_list(alias.body.get("DependsOn"))) for alias in live):
        yield "a version goes live without a smoke test"
    marks = ("${ServiceVersion}", "${Release}", "${ArtifactKey}")
    for item in [resource, *versions]:
        description = text_of(item.properties.get("Description"))
        if not all(mark in description for mark in marks):
            yield f"the description of {item.name} does not change with the release"


def _event_source(template: Template, resource: Resource) -> Iterator[str]:
    properties = resource.properties
    if properties.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
        yield "one bad message would repeat the whole batch"
    if "MaximumConcurrency" not in properties.get("ScalingConfig", {}):
        yield "its concurrency has no bound"
    aliases = template.resources("AWS::Lambda::Alias")
    if not any(refers_to(properties["FunctionName"], alias.name) for alias in aliases):
        yield "it does not call an alias"


def _schedule(template: Template, resource: Resource) -> Iterator[str]:
    target = resource.properties["Target"]
    aliases = template.resources("AWS::Lambda::Alias")
    if not any(refers_to(target["Arn"], alias.name) for alias in aliases):
        yield "it does not call an alias"
    if "DeadLetterConfig" not in target:
        yield "an undelivered call would be lost"
    if "<aws.scheduler.scheduled-time>" not in target.get("Input", ""):
        yield "it does not tell the scheduled time"


def _event_rule(_: Template, resource: Resource) -> Iterator[str]:
    pattern = resource.properties.get("EventPattern", {})
    detail = pattern.get("detail", {})
    if pattern.get("source") != ["aws.s3"] or pattern.get("detail-type") != ["Object Created"]:
        yield "it matches other events than objects created"
    if "{data-bucket}" not in [text_of(name) for name in detail.get("bucket", {}).get("name", [])]:
        yield "it matches other buckets than the data bucket"
    for key in detail.get("object", {}).get("key", [{}]):
        if not re.fullmatch(r"[a-z_]+/[^*]*\*[^*]*\.json(\.gz)?", key.get("wildcard", "")):
            yield f"the key {key} has not both a prefix and a suffix"
    for target in resource.properties.get("Targets", []):
        if "DeadLetterConfig" not in target:
            yield "an undelivered event would be lost"


COMPUTE_RULES = (
    Rule("function", ("AWS::Lambda::Function",), _function),
    Rule("released", ("AWS::Lambda::Function",), _released),
    Rule("event-source", ("AWS::Lambda::EventSourceMapping",), _event_source),
    Rule("schedule", ("AWS::Scheduler::Schedule",), _schedule),
    Rule("event-rule", ("AWS::Events::Rule",), _event_rule),
)
