"""CloudFormation templates as plain data, for the rules that are checked over them."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parents[1]
UNITS = (
    "bootstrap",
    "foundation",
    "ingest",
    "process",
    "glue_etl",
    "monitoring",
    "analytics",
    "quicksight",
)

Properties = dict[str, Any]


def _intrinsic(loader: Any, suffix: str, node: Any) -> Properties:
    """Read `!Sub x` as `{"Fn::Sub": x}`."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader: Any = type("_Loader", (yaml.SafeLoader,), {})
_Loader.add_multi_constructor("!", _intrinsic)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", yaml.SafeLoader.construct_yaml_str)


@dataclass(frozen=True)
class Resource:
    """One resource of a template."""

    name: str
    type: str
    body: Properties

    @property
    def properties(self) -> Properties:
        """The resource's properties, empty when it has none."""
        properties: Properties = self.body.get("Properties", {})
        return properties

    @property
    def reasons(self) -> dict[str, str]:
        """Why the resource breaks a rule, by the rule's name."""
        reasons: dict[str, str] = self.body.get("Metadata", {}).get("lake", {}).get("reasons", {})
        return reasons


@dataclass(frozen=True)
class Template:
    """One template, by the name of its unit."""

    unit: str
    body: Properties

    def resources(self, *types: str) -> list[Resource]:
        """Return the resources of the given types, or all."""
        return [
            Resource(name, body["Type"], body)
            for name, body in self.body["Resources"].items()
            if not types or body["Type"] in types
        ]


def path_of(unit: str) -> Path:
    """Return where the template of a unit lies."""
    return HERE / f"{unit}.yaml"


def parse(unit: str, text: str) -> Template:
    """Read a template from its text."""
    # S506 is about yaml.Loader: this one is a SafeLoader.
    return Template(unit, yaml.load(text, Loader=_Loader))  # noqa: S506


@cache
def _read(unit: str) -> Template:
    return parse(unit, path_of(unit).read_text(encoding="utf-8"))


def load(unit: str) -> Template:
    """Return the template of a unit; it may be changed without changing the next one."""
    return Template(unit, deepcopy(_read(unit).body))


def as_list(value: Any) -> list[Any]:
    """Return a policy's element as a list, where IAM allows one value in place of a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text_of(value: Any) -> str:
    """Return a value as one readable text, with references as `${Name}` or `${Name.Attribute}`.

    A dynamic reference becomes the last part of its parameter's name, so that the data bucket's
    objects read `arn:...:s3:::{data-bucket}/raw_data/*`.
    """
    if isinstance(value, dict) and len(value) == 1:
        function, argument = next(iter(value.items()))
        if function == "Ref":
            return f"${{{argument}}}"
        if function == "Fn::GetAtt":
            return f"${{{'.'.join(argument)}}}"
        if function == "Fn::Join":
            return str(argument[0]).join(_parts(argument[1]))
        if function == "Fn::Select":
            return _parts(argument[1])[int(argument[0])]
        if function == "Fn::Sub":
            text, given = argument if isinstance(argument, list) else (argument, {})
            for name, item in given.items():
                text = text.replace(f"${{{name}}}", text_of(item))
            return re.sub(r"\{\{resolve:ssm:[^}]*(?:\}[^}]*)*?/([a-z-]+)\}\}", r"{\1}", text)
        if function == "Fn::If":
            return text_of(argument[1])
    return str(value)


def _parts(value: Any) -> list[str]:
    """Return a list of texts, or what `Fn::Split` makes of one."""
    if isinstance(value, dict) and "Fn::Split" in value:
        separator, text = value["Fn::Split"]
        return text_of(text).split(separator)
    return [text_of(item) for item in value]


def refers_to(value: Any, name: str) -> bool:
    """Return whether a value refers to the resource of the given name."""
    if isinstance(value, dict):
        if value.get("Ref") == name or as_list(value.get("Fn::GetAtt"))[:1] == [name]:
            return True
        if "Fn::Sub" in value:
            return bool(re.search(rf"\$\{{{name}[.}}]", text_of(value)))
        return any(refers_to(item, name) for item in value.values())
    if isinstance(value, list):
        return any(refers_to(item, name) for item in value)
    return False


def statements(resource: Resource) -> Iterator[Properties]:
    """Yield the statements of every policy of a resource but its trust policy.

    Of one that depends on a condition, the one that grants.
    """
    properties = resource.properties
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    documents += [properties[key] for key in ("PolicyDocument", "KeyPolicy") if key in properties]
    for document in documents:
        for statement in document["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def condition_keys(statement: Properties) -> set[str]:
    """Return the keys on which a statement's condition depends."""
    condition = statement.get("Condition", {})
    return {key for test in condition.values() if isinstance(test, dict) for key in test}
