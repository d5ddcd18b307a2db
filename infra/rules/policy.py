"""Evaluates policies as IAM does: an allow, unless something denies; pure.

Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition
operators". An operator that the templates do not use is an error here.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.rules.template import as_list

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What a principal asks for.

    Attributes
    ----------
    action
        Such as `s3:GetObject`.
    resource
        The ARN that IAM is asked about; `*` for an action that knows none.
    context
        Values of condition keys.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)


def matches(pattern: str, value: str) -> bool:
    """Return whether a value matches a pattern of `*` and `?`; all else stands for itself."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL) is not None


def arn_matches(pattern: str, value: str) -> bool:
    """Return whether an ARN matches a pattern; a wildcard does not reach past its part."""
    if pattern == "*":
        return True
    patterns, values = pattern.split(":", 5), value.split(":", 5)
    if len(patterns) != len(values):
        return False
    return all(matches(*pair) for pair in zip(patterns, values, strict=True))


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "ArnEquals": arn_matches,
    "ArnLike": arn_matches,
    "Bool": lambda expected, value: expected.lower() == value.lower(),
    "StringEquals": lambda expected, value: expected == value,
    "StringLike": matches,
}


def met(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Return whether every key of a condition is there and has one of its values."""
    return all(
        key in context
        and any(OPERATORS[operator](str(item), context[key]) for item in as_list(expected))
        for operator, keys in condition.items()
        for key, expected in keys.items()
    )


def applies(statement: Statement, request: Request) -> bool:
    """Return whether a statement is about a request."""
    action = request.action.lower()
    return (
        any(matches(item.lower(), action) for item in as_list(statement["Action"]))
        and any(
            arn_matches(item, request.resource) for item in as_list(statement.get("Resource", "*"))
        )
        and met(statement.get("Condition", {}), request.context)
    )


def allowed(statements: Iterable[Statement], request: Request) -> bool:
    """Return whether policies allow a request: a statement allows it and none denies it."""
    effects = {item["Effect"] for item in statements if applies(item, request)}
    return effects == {"Allow"}
