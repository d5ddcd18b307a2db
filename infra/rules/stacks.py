"""Templates as deployed: intrinsic functions evaluated, resources with names and ARNs; pure.

Names that CloudFormation generates are `STACK-LOGICALID-SUFFIX`, values of other stacks are looked
up in their templates, and what has no value here stays readable, such as `${ArtifactKey}`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from infra.rules.template import UNITS, Resource, Template, load

ACCOUNT, REGION, PARTITION = "123456789012", "eu-central-1", "aws"
# What CloudFormation adds to a name that it generates has this length.
SUFFIX = "1A2B3C4D5E6F"
ABSENT = object()

# The property that names a resource, for types whose name is part of their ARN.
NAME_PROPERTIES = {
    "AWS::Athena::WorkGroup": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::Events::Rule": "Name",
    "AWS::Glue::Job": "Name",
    "AWS::Glue::Trigger": "Name",
    "AWS::Glue::Workflow": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::QuickSight::Dashboard": "DashboardId",
    "AWS::QuickSight::DataSet": "DataSetId",
    "AWS::QuickSight::DataSource": "DataSourceId",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::Scheduler::ScheduleGroup": "Name",
}
_HERE = f"{REGION}:{ACCOUNT}"
ARNS = {
    "AWS::Athena::WorkGroup": f"arn:aws:athena:{_HERE}:workgroup/{{name}}",
    "AWS::Budgets::Budget": f"arn:aws:budgets::{ACCOUNT}:budget/{{name}}",
    "AWS::CloudWatch::Alarm": f"arn:aws:cloudwatch:{_HERE}:alarm:{{name}}",
    "AWS::CloudWatch::Dashboard": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{{name}}",
    "AWS::Events::Rule": f"arn:aws:events:{_HERE}:rule/{{name}}",
    "AWS::Glue::Database": f"arn:aws:glue:{_HERE}:database/{{name}}",
    "AWS::Glue::Job": f"arn:aws:glue:{_HERE}:job/{{name}}",
    "AWS::Glue::Trigger": f"arn:aws:glue:{_HERE}:trigger/{{name}}",
    "AWS::Glue::Workflow": f"arn:aws:glue:{_HERE}:workflow/{{name}}",
    "AWS::IAM::OIDCProvider": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{{name}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "AWS::KMS::Key": f"arn:aws:kms:{_HERE}:key/{{name}}",
    "AWS::Lambda::EventSourceMapping": f"arn:aws:lambda:{_HERE}:event-source-mapping:{{name}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_HERE}:function:{{name}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_HERE}:log-group:{{name}}",
    "AWS::QuickSight::Dashboard": f"arn:aws:quicksight:{_HERE}:dashboard/{{name}}",
    "AWS::QuickSight::DataSet": f"arn:aws:quicksight:{_HERE}:dataset/{{name}}",
    "AWS::QuickSight::DataSource": f"arn:aws:quicksight:{_HERE}:datasource/{{name}}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SNS::Topic": f"arn:aws:sns:{_HERE}:{{name}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_HERE}:{{name}}",
    "AWS::SSM::Parameter": f"arn:aws:ssm:{_HERE}:parameter{{name}}",
    "AWS::Scheduler::Schedule": f"arn:aws:scheduler:{_HERE}:schedule/{{group}}/{{name}}",
    "AWS::Scheduler::ScheduleGroup": f"arn:aws:scheduler:{_HERE}:schedule-group/{{name}}",
}


class UnknownIntrinsicError(Exception):
    """A template uses an intrinsic function that is not evaluated here."""


@dataclass(frozen=True)
class Stack:
    """One template with values for its parameters.

    Attributes
    ----------
    template
        The template.
    parameters
        Values beside the defaults.
    """

    template: Template
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The stack's name, as the deployment command makes it."""
        unit = self.template.unit.replace("_", "-")
        return f"{self.parameter('App')}-{self.parameter('Env')}-{unit}"

    def parameter(self, name: str) -> str:
        """Return a parameter's value, `${Name}` where it has none."""
        if name in self.parameters:
            return self.parameters[name]
        declared = self.template.body.get("Parameters", {}).get(name, {})
        return str(declared.get("Default", f"${{{name}}}"))

    def other(self, unit: str) -> "Stack":
        """Return the stack of another unit of the same environment."""
        shared = {name: self.parameter(name) for name in ("App", "Env")}
        return Stack(load(unit), {**self.parameters, **shared})

    @cached_property
    def by_name(self) -> dict[str, Resource]:
        """The resources by their logical ids."""
        return {resource.name: resource for resource in self.template.resources()}

    def exists(self, resource: Resource) -> bool:
        """Return whether the resource is made with these parameters."""
        condition = resource.body.get("Condition")
        return condition is None or self.holds(condition)

    def holds(self, condition: str) -> bool:
        """Evaluate a condition of the template."""
        return bool(self.resolve(self.template.body["Conditions"][condition]))

    def name_of(self, resource: Resource) -> str:
        """Return a resource's physical name."""
        if resource.type == "AWS::Glue::Database":
            return str(self.resolve(resource.properties["DatabaseInput"]["Name"]))
        if resource.type == "AWS::Budgets::Budget":
            return str(self.resolve(resource.properties["Budget"]["BudgetName"]))
        if resource.type == "AWS::IAM::OIDCProvider":
            return str(resource.properties["Url"]).removeprefix("https://")
        given = resource.properties.get(NAME_PROPERTIES.get(resource.type, ""))
        if given is not None:
            return str(self.resolve(given))
        generated = f"{self.name}-{resource.name}-{SUFFIX}"
        return generated.lower() if resource.type == "AWS::S3::Bucket" else generated

    def arn_of(self, resource: Resource) -> str:
        """Return a resource's ARN."""
        group = self.resolve(resource.properties.get("GroupName", ""))
        return ARNS[resource.type].format(name=self.name_of(resource), group=group)

    def resolve(self, value: Any) -> Any:
        """Evaluate every intrinsic function in a value; what resolves to no value is left out.

        Raises
        ------
        UnknownIntrinsicError
            A function is not known here.
        """
        if isinstance(value, list):
            found = (self.resolve(item) for item in value)
            return [item for item in found if item is not ABSENT]
        if not isinstance(value, dict):
            return value
        function, argument = next(iter(value.items()), ("", None))
        if len(value) == 1 and (function.startswith("Fn::") or function in ("Ref", "Condition")):
            evaluate = _FUNCTIONS.get(function)
            # A mapping of `Condition` alone may be part of a policy, not an intrinsic function.
            if evaluate is not None and not (
                function == "Condition" and isinstance(argument, dict)
            ):
                return evaluate(self, argument)
            if function != "Condition":
                raise UnknownIntrinsicError(function)
        items = ((key, self.resolve(item)) for key, item in value.items())
        return {key: item for key, item in items if item is not ABSENT}

    def ref(self, name: str) -> Any:
        """Return what `Ref` gives for a parameter, a pseudo parameter or a resource."""
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": ABSENT,
            "AWS::Partition": PARTITION,
            "AWS::Region": REGION,
            "AWS::StackName": self.name,
        }
        if name in pseudo:
            return pseudo[name]
        resource = self.by_name.get(name)
        if resource is None:
            return self.parameter(name)
        if resource.type in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            function = ARNS["AWS::Lambda::Function"].format(
                name=self.resolve(resource.properties["FunctionName"])
            )
            return f"{function}:{resource.properties.get('Name', 1)}"
        by_arn = resource.type in ("AWS::SNS::Topic", "AWS::IAM::OIDCProvider")
        return self.arn_of(resource) if by_arn else self.name_of(resource)

    def get_att(self, argument: list[str]) -> str:
        """Return what `Fn::GetAtt` gives."""
        name, attribute = argument
        resource = self.by_name[name]
        if resource.type == "AWS::Logs::LogGroup":
            return f"{self.arn_of(resource)}:*"
        if attribute.endswith("Name"):
            return self.name_of(resource)
        return self.arn_of(resource) if resource.type in ARNS else f"${{{name}.{attribute}}}"

    def sub(self, argument: Any) -> str:
        """Return what `Fn::Sub` gives, with dynamic references looked up."""
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def found(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in given:
                return str(self.resolve(given[name]))
            value = self.get_att(name.split(".", 1)) if "." in name else self.ref(name)
            return str(value)

        # A policy's variables, such as ${aws:userid}, are not CloudFormation's.
        text = re.sub(r"\$\{((?!aws:)[^}]+)\}", found, text)
        return re.sub(r"\{\{resolve:ssm:([^}]+)\}\}", lambda match: self._published(match[1]), text)

    def _published(self, name: str) -> str:
        """Return the value that another stack publishes under a parameter's name."""
        unit = name.split("/")[3] if name.count("/") > 3 else ""
        if unit not in UNITS:
            return f"{{{name}}}"
        if unit not in self._others:
            self._others[unit] = self.other(unit)
        return self._others[unit].published.get(name, f"{{{name}}}")

    @cached_property
    def published(self) -> dict[str, str]:
        """The values that the stack publishes, by the names of their parameters."""
        parameters = self.template.resources("AWS::SSM::Parameter")
        return {
            self.name_of(item): str(self.resolve(item.properties["Value"])) for item in parameters
        }

    @cached_property
    def _others(self) -> dict[str, "Stack"]:
        return {}

    def _find_in_map(self, argument: list[Any]) -> Any:
        node: Any = self.template.body["Mappings"]
        for key in argument:
            node = node[str(self.resolve(key))]
        return node

    def _if(self, argument: list[Any]) -> Any:
        return self.resolve(argument[1] if self.holds(argument[0]) else argument[2])


_Evaluate = Callable[[Stack, Any], Any]
_FUNCTIONS: dict[str, _Evaluate] = {
    "Ref": lambda stack, name: stack.ref(name),
    "Condition": lambda stack, name: stack.holds(name),
    "Fn::And": lambda stack, items: all(stack.resolve(items)),
    "Fn::Base64": lambda stack, item: stack.resolve(item),
    "Fn::Equals": lambda stack, items: len(set(map(str, stack.resolve(items)))) == 1,
    "Fn::FindInMap": lambda stack, items: stack._find_in_map(items),
    "Fn::GetAtt": lambda stack, items: stack.get_att(items),
    "Fn::If": lambda stack, items: stack._if(items),
    "Fn::Join": lambda stack, items: str(items[0]).join(map(str, stack.resolve(items[1]))),
    "Fn::Not": lambda stack, items: not stack.resolve(items)[0],
    "Fn::Or": lambda stack, items: any(stack.resolve(items)),
    "Fn::Select": lambda stack, items: stack.resolve(items[1])[int(items[0])],
    "Fn::Split": lambda stack, items: str(stack.resolve(items[1])).split(items[0]),
    "Fn::Sub": lambda stack, item: stack.sub(item),
}
