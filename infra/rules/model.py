"""What a rule over templates is, and checks from which rules are built.

A resource that has to break a rule says why in `Metadata: lake: reasons: {rule: reason}`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from infra.rules.template import Resource, Template, as_list

Check = Callable[[Template, Resource], Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """A rule over resources of some types; `check` yields what is wrong."""

    name: str
    types: tuple[str, ...]
    check: Check


@dataclass(frozen=True)
class Violation:
    """A resource that breaks a rule."""

    rule: str
    resource: str
    detail: str


def has(path: str, expected: Any) -> Check:
    """Return a check that the property at a dotted path has one of the expected values.

    Of a choice by `Fn::If` every branch must have one.
    """
    allowed = as_list(expected)

    def check(_: Template, resource: Resource) -> Iterator[str]:
        value: Any = resource.properties
        for part in path.split("."):
            value = value[0] if isinstance(value, list) and value else value
            value = value.get(part) if isinstance(value, dict) else None
        branches = value["Fn::If"][1:] if isinstance(value, dict) and "Fn::If" in value else [value]
        if not all(branch in allowed for branch in branches):
            yield f"{path} is {value!r}, not one of {allowed}"

    return check


def given(path: str) -> Check:
    """Return a check that the property at a dotted path is there."""

    def check(_: Template, resource: Resource) -> Iterator[str]:
        value: Any = resource.properties
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if not value:
            yield f"{path} is missing"

    return check


def all_of(*checks: Check) -> Check:
    """Return a check that yields what any of the given checks yields."""

    def check(template: Template, resource: Resource) -> Iterator[str]:
        for one in checks:
            yield from one(template, resource)

    return check


def violations(template: Template, rules: tuple[Rule, ...]) -> list[Violation]:
    """Return what breaks the rules, whether or not a reason is given."""
    return [
        Violation(rule.name, resource.name, detail)
        for rule in rules
        for resource in template.resources(*rule.types)
        for detail in rule.check(template, resource)
    ]


def unexcused(template: Template, rules: tuple[Rule, ...]) -> list[Violation]:
    """Return what breaks the rules without a written reason."""
    reasons = {resource.name: resource.reasons for resource in template.resources()}
    return [
        item for item in violations(template, rules) if not reasons[item.resource].get(item.rule)
    ]
