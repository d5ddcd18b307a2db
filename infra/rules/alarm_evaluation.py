"""Evaluates alarms as CloudWatch does, on values that a test publishes; pure.

Sources: CloudWatch user guide, "Using Amazon CloudWatch alarms": "Evaluating an alarm" and
"Configuring how CloudWatch alarms treat missing data"; "Using metric math". What is left out here
is left out in the templates too: percentiles, anomaly bands, search, and metric math beyond
arithmetic, comparisons and IF.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.rules.template import Properties, Resource, Template, text_of

Datapoints = list[float | None]

STATISTICS: dict[str, Callable[[list[float]], float]] = {"Sum": sum, "Maximum": max, "Minimum": min}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


@dataclass(frozen=True)
class Published:
    """A value of a metric, at a time in seconds from the beginning of the test."""

    second: float
    namespace: str
    name: str
    dimension: str
    value: float


def dimension_of(metric: Properties) -> str:
    """Return a metric's dimensions as one text, such as `QueueName={process/dlq-name}`."""
    return ",".join(f"{item['Name']}={_looked_up(item['Value'])}" for item in metric["Dimensions"])


def _looked_up(value: Any) -> str:
    # With the unit, by which the functions of ingest and of process differ.
    found = re.search(r"\$\{Env\}/([a-z_-]+/[a-z-]+)\}\}", str(value))
    return f"{{{found[1]}}}" if found else text_of(value)


def resolve(template: Template, value: Any, known: Mapping[str, str]) -> str:
    """Return a value as text with parameters at their defaults and dynamic references as given."""
    parameters = template.body["Parameters"]

    def found(match: re.Match[str]) -> str:
        return known[match[1]] if match[1] in known else str(parameters[match[1]]["Default"])

    return re.sub(r"\$?\{([\w-]+)\}", found, text_of(value))


def datapoints(
    metric: Properties, statistic: str, period: int, published: Sequence[Published], until: int
) -> Datapoints:
    """Aggregate what was published for a metric into periods; None where nothing was."""
    found: list[list[float]] = [[] for _ in range(until // period)]
    for item in published:
        same = (item.namespace, item.name) == (text_of(metric["Namespace"]), metric["MetricName"])
        place = int(item.second // period)
        if same and item.dimension == dimension_of(metric) and place < len(found):
            found[place].append(item.value)
    return [STATISTICS[statistic](values) if values else None for values in found]


def compute(expression: str, values: Mapping[str, float | None]) -> float | None:
    """Compute a metric math expression for one period; None where a metric has no value."""
    # IF is a function in metric math and a keyword in Python.
    tree = ast.parse(re.sub(r"\bIF\(", "choose(", expression), mode="eval").body

    def value_of(node: ast.AST) -> float | None:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return values[name]
            case ast.BinOp(left=left, op=op, right=right):
                return combine(op, left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return combine(op, left, right)
            case ast.Call(func=ast.Name(id="choose"), args=[test, then, otherwise]):
                condition = value_of(test)
                return None if condition is None else value_of(then if condition else otherwise)
        raise ValueError(f"no metric math that is known here: {ast.dump(node)}")

    def combine(op: ast.AST, left: ast.AST, right: ast.AST) -> float | None:
        first, second = value_of(left), value_of(right)
        if first is None or second is None:
            return None
        return float(_OPERATORS[type(op)](first, second))

    return value_of(tree)


@dataclass(frozen=True)
class Alarm:
    """An alarm of a template with its parameters at their defaults.

    Attributes
    ----------
    known
        Values of dynamic references, by the last part of their parameter's name.
    """

    template: Template
    resource: Resource
    known: Mapping[str, str]

    def number(self, name: str) -> float:
        """Return a number among the properties."""
        return float(resolve(self.template, self.resource.properties[name], self.known))

    def series(self, published: Sequence[Published], until: int) -> tuple[int, Datapoints]:
        """Return the period in seconds and the values that are compared with the threshold."""
        properties = self.resource.properties
        if "Metrics" not in properties:
            period = int(properties["Period"])
            return period, datapoints(properties, properties["Statistic"], period, published, until)
        expression, columns, period = "", {}, 0
        for query in properties["Metrics"]:
            if "Expression" in query:
                expression = resolve(self.template, query["Expression"], self.known)
                continue
            stat = query["MetricStat"]
            period = int(stat["Period"])
            columns[query["Id"]] = datapoints(
                stat["Metric"], stat["Stat"], period, published, until
            )
        rows = zip(*columns.values(), strict=True)
        return period, [compute(expression, dict(zip(columns, row, strict=True))) for row in rows]

    def fires(self, published: Sequence[Published], until: int, extra: int) -> bool:
        """Return whether the alarm goes off at any time.

        Parameters
        ----------
        until
            Length of the test in seconds.
        extra
            Periods that CloudWatch looks back beyond EvaluationPeriods for values where some are
            missing; how many is not documented.
        """
        _, values = self.series(published, until)
        periods = int(self.number("EvaluationPeriods"))
        return any(
            self._breaches(values[max(0, end - periods - extra) : end], periods)
            for end in range(periods, len(values) + 1)
        )

    def _breaches(self, window: Datapoints, periods: int) -> bool:
        compare = COMPARISONS[self.resource.properties["ComparisonOperator"]]
        threshold = self.number("Threshold")
        # With enough values the newest count, however far apart they lie.
        present = [compare(value, threshold) for value in window if value is not None][-periods:]
        missing = periods - len(present)
        filled = missing if self.resource.properties["TreatMissingData"] == "breaching" else 0
        return sum(present) + filled >= self.number("DatapointsToAlarm")
