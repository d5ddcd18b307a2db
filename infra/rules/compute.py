"""Rules for what runs, and for what makes it run: functions, event sources, rules, schedules."""

import re
from collections.abc import Iterator

from infra.rules.model import Rule
from infra.rules.storage import is_dead_letter_queue
from infra.rules.template import Properties, Resource, Template, as_list, refers_to, text_of

# How a Glue job run ends that was not stopped by somebody.
FAILED_STATES = {"FAILED", "TIMEOUT", "ERROR"}


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


def _event_rule(template: Template, resource: Resource) -> Iterator[str]:
    pattern = resource.properties.get("EventPattern", {})
    detail = pattern.get("detail", {})
    kind = (pattern.get("source"), pattern.get("detail-type"))
    if kind == (["aws.glue"], ["Glue Job State Change"]):
        yield from _failed_jobs(template, detail)
    elif kind == (["aws.s3"], ["Object Created"]):
        yield from _created_objects(detail)
    else:
        yield "it matches other events than objects created and jobs ended"
    queues = [q for q in template.resources("AWS::SQS::Queue") if is_dead_letter_queue(template, q)]
    for target in resource.properties.get("Targets", []):
        kept = any(refers_to(target.get("Arn"), queue.name) for queue in queues)
        if "DeadLetterConfig" not in target and not kept:
            yield "an undelivered event would be lost"


def _failed_jobs(template: Template, detail: Properties) -> Iterator[str]:
    jobs = {text_of(job.properties["Name"]) for job in template.resources("AWS::Glue::Job")}
    if {text_of(name) for name in detail.get("jobName", [])} != jobs:
        yield "it matches other jobs than those of this stack"
    if set(detail.get("state", [])) != FAILED_STATES:
        yield "it matches other ends than failures"


def _created_objects(detail: Properties) -> Iterator[str]:
    if "{data-bucket}" not in [text_of(name) for name in detail.get("bucket", {}).get("name", [])]:
        yield "it matches other buckets than the data bucket"
    for key in detail.get("object", {}).get("key", [{}]):
        if not re.fullmatch(
            r"[a-z_]+/[^*]*\*([^*]+\*)?[^*]*\.json(\.gz)?", key.get("wildcard", "")
        ):
            yield f"the key {key} has not both a prefix and a suffix"


def _job(_: Template, resource: Resource) -> Iterator[str]:
    properties = resource.properties
    arguments = properties.get("DefaultArguments", {})
    package = "s3://${ArtifactBucket}/${ArtifactKey}"
    if properties.get("GlueVersion") != "6.0":
        yield "GlueVersion is not 6.0"
    if properties.get("ExecutionProperty", {}).get("MaxConcurrentRuns") != 1:
        yield "two runs would write the same tables"
    if properties.get("MaxRetries") != 0:
        yield "what failed would be tried again unseen, and its runs could not wait for each other"
    if "Timeout" not in properties:
        yield "it may run, and be paid for, for two days"
    if not text_of(properties["Command"].get("ScriptLocation")).startswith(f"{package}/"):
        yield "its script is not that of the package"
    if text_of(arguments.get("--extra-py-files")) != package:
        yield "it does not run the package"
    wheels = {f"{package}/{name}.gluewheels.zip" for name in ("wheels", "wheels-iceberg")}
    if text_of(arguments.get("--additional-python-modules")) not in wheels:
        yield "what it installs is not of the package"
    if arguments.get("--python-modules-installer-option") != "--no-index":
        yield "every worker would ask a package index"
    if "--custom-logGroup-prefix" not in arguments:
        yield "it does not log to the groups of this stack"


def _event_trigger(_: Template, resource: Resource) -> Iterator[str]:
    properties = resource.properties
    if properties.get("Type") != "EVENT" or "WorkflowName" not in properties:
        yield "no event starts it"
    if "BatchWindow" not in properties.get("EventBatchingCondition", {}):
        yield "every run would make a build of its own"


COMPUTE_RULES = (
    Rule("function", ("AWS::Lambda::Function",), _function),
    Rule("released", ("AWS::Lambda::Function",), _released),
    Rule("event-source", ("AWS::Lambda::EventSourceMapping",), _event_source),
    Rule("schedule", ("AWS::Scheduler::Schedule",), _schedule),
    Rule("event-rule", ("AWS::Events::Rule",), _event_rule),
    Rule("job", ("AWS::Glue::Job",), _job),
    Rule("event-trigger", ("AWS::Glue::Trigger",), _event_trigger),
)
