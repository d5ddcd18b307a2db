"""Rules for what watches: alarms, dashboards and saved queries."""

import json
import re
from collections.abc import Iterator
from typing import Any

from infra.rules.model import Rule, has
from infra.rules.template import HERE, Properties, Resource, Template, as_list, text_of

# CloudWatch's limits: an alarm looks back for a day, or for a week by hours or longer periods.
DAY = 24 * 3600
WEEK = 7 * DAY
HOUR = 3600
LONGEST_DESCRIPTION = 1024
# By its name: dynamic references are few in a template, and each alarm would take two.
TOPIC = "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${App}-${Env}-alarms"

# Metrics of AWS itself, by namespace, with the dimension under which they are looked up.
AWS_METRICS = {
    "AWS/Lambda": (
        "FunctionName",
        {"ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"},
    ),
    "AWS/SQS": (
        "QueueName",
        {
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
        },
    ),
}


def emitted() -> dict[str, Any]:
    """Return the committed list of what the services emit."""
    listed: dict[str, Any] = json.loads((HERE / "metrics.json").read_text(encoding="utf-8"))
    return listed


def is_emitted(namespace: str, name: str, dimensions: dict[str, str]) -> bool:
    """Return whether AWS or a service reports a metric under exactly these dimensions."""
    if namespace in AWS_METRICS:
        dimension, names = AWS_METRICS[namespace]
        return name in names and set(dimensions) == {dimension}
    listed = emitted()
    return (
        namespace == "${App}"
        and set(dimensions) == set(listed["dimensions"])
        and dimensions["env"] == "${Env}"
        and any(
            item["name"] == name and item["service"] == dimensions["service"]
            for item in listed["metrics"]
        )
    )


def short_name(alarm: Resource) -> str:
    """Return the part of an alarm's name that says what it is about."""
    return text_of(alarm.properties.get("AlarmName")).removeprefix("${App}-${Env}-")


def metrics_of(alarm: Resource) -> Iterator[Properties]:
    """Yield the metrics that an alarm looks at."""
    if "Metrics" not in alarm.properties:
        yield alarm.properties
    for query in alarm.properties.get("Metrics", []):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def bounds(template: Template, value: Any) -> tuple[float, float]:
    """Return the least and greatest value of a number or of the parameter it refers to."""
    if isinstance(value, dict):
        parameter = template.body["Parameters"][value["Ref"]]
        return float(parameter.get("MinValue", 0)), float(parameter.get("MaxValue", "inf"))
    return float(value), float(value)


def _local(_: Template, resource: Resource) -> Iterator[str]:
    needed = "HasMetricMath" if "Metrics" in resource.properties else None
    if resource.body.get("Condition") != needed:
        yield "the local AWS refuses metric math, and nothing else of an alarm"


def _name(_: Template, resource: Resource) -> Iterator[str]:
    # The topic and its key let alarms of these names in.
    if not re.fullmatch(r"\$\{App\}-\$\{Env\}-[a-z-]+", text_of(resource.properties["AlarmName"])):
        yield "its name does not begin with application and environment"


def _description(_: Template, resource: Resource) -> Iterator[str]:
    description = resource.properties.get("AlarmDescription", "")
    if not description.endswith(f". See docs/runbook.md#{short_name(resource)}."):
        yield "its description does not say what to do, and where it is written at length"
    if len(description) > LONGEST_DESCRIPTION:
        yield "its description is too long"


def _actions(_: Template, resource: Resource) -> Iterator[str]:
    for kind in ("AlarmActions", "OKActions"):
        if [text_of(item) for item in as_list(resource.properties.get(kind))] != [TOPIC]:
            yield f"{kind} do not go to the topic"


def _window(template: Template, resource: Resource) -> Iterator[str]:
    properties = resource.properties
    queries = [item["MetricStat"] for item in properties.get("Metrics", []) if "MetricStat" in item]
    for period in {item["Period"] for item in queries or [properties]}:
        _, periods = bounds(template, properties["EvaluationPeriods"])
        if period * periods > (WEEK if period >= HOUR else DAY):
            yield f"{periods} periods of {period} s are more than CloudWatch looks back"
    if "DatapointsToAlarm" not in properties:
        yield "DatapointsToAlarm is not stated"
    elif properties["DatapointsToAlarm"] != properties["EvaluationPeriods"]:
        _, datapoints = bounds(template, properties["DatapointsToAlarm"])
        fewest, _ = bounds(template, properties["EvaluationPeriods"])
        if datapoints > fewest:
            yield "more datapoints than periods"


def _metrics(_: Template, resource: Resource) -> Iterator[str]:
    for metric in metrics_of(resource):
        namespace, name = text_of(metric.get("Namespace")), metric.get("MetricName", "")
        dimensions = {item["Name"]: text_of(item["Value"]) for item in metric.get("Dimensions", [])}
        if not is_emitted(namespace, name, dimensions):
            yield f"nobody emits {namespace} {name} {dimensions}"


def dashboard_of(resource: Resource) -> dict[str, Any]:
    """Return the body of a dashboard, references left as they are."""
    body: dict[str, Any] = json.loads(text_of(resource.properties["DashboardBody"]))
    return body


def _dashboard(template: Template, resource: Resource) -> Iterator[str]:
    try:
        widgets = [(item["type"], item["properties"]) for item in dashboard_of(resource)["widgets"]]
    except (ValueError, KeyError) as error:
        yield f"its body is not one that CloudWatch reads: {error!r}"
        return
    arns = (arn for kind, body in widgets if kind == "alarm" for arn in body["alarms"])
    shown = {arn.rpartition(":${App}-${Env}-")[2] for arn in arns}
    for alarm in template.resources("AWS::CloudWatch::Alarm"):
        if short_name(alarm) not in shown:
            yield f"it does not show the alarm {alarm.name}"
    for row in (row for kind, body in widgets if kind == "metric" for row in body["metrics"]):
        texts = [item for item in row if isinstance(item, str)]
        pairs = dict(zip(texts[2::2], texts[3::2], strict=True))
        if texts and not is_emitted(texts[0], texts[1], pairs):
            yield f"nobody emits {texts}"


def _saved_query(_: Template, resource: Resource) -> Iterator[str]:
    if resource.body.get("Condition") != "HasSavedQueries":
        yield "the local AWS refuses it"
    if not all("{log-group}" in text_of(name) for name in resource.properties["LogGroupNames"]):
        yield "it looks at other logs than those of the services"


ALARM = ("AWS::CloudWatch::Alarm",)
MISSING_DATA = has("TreatMissingData", ["breaching", "notBreaching"])

MONITORING_RULES = (
    Rule("alarm-name", ALARM, _name),
    Rule("alarm-condition", ALARM, _local),
    Rule("alarm-description", ALARM, _description),
    Rule("alarm-actions", ALARM, _actions),
    Rule("alarm-missing-data", ALARM, MISSING_DATA),
    Rule("alarm-window", ALARM, _window),
    Rule("alarm-metrics", ALARM, _metrics),
    Rule("dashboard", ("AWS::CloudWatch::Dashboard",), _dashboard),
    Rule("saved-query", ("AWS::Logs::QueryDefinition",), _saved_query),
)
