"""What the generated templates have in common: names, parameters and their frame."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

#: Name of the catalogue database, as the stack foundation publishes it.
DATABASE: Final = "{{resolve:ssm:/${App}/${Env}/foundation/glue-database}}"
BUCKET: Final = "arn:${AWS::Partition}:s3:::{{resolve:ssm:/${App}/${Env}/foundation/data-bucket}}"
# As foundation names it; its parameter is there only where there is Athena.
WORKGROUP: Final = "${App}-${Env}"
ACCOUNT: Final = "${AWS::Region}:${AWS::AccountId}"


PARAMETERS: Final[Json] = {
    "App": {
        "Type": "String",
        "Default": "openlake",
        "Description": "Name of the application; first part of every name and of every SSM"
        " parameter.",
        "AllowedPattern": "^[a-z][a-z0-9-]{0,14}[a-z0-9]$",
        "ConstraintDescription": "2 to 16 characters, lower case letters, digits and dashes.",
    },
    "Env": {
        "Type": "String",
        "Default": "dev",
        "Description": "Name of the environment; second part of every name and of every SSM"
        " parameter.",
        "AllowedPattern": "^[a-z][a-z0-9]{1,7}$",
        "ConstraintDescription": "2 to 8 characters, lower case letters and digits.",
    },
    "NamedQueries": {
        "Type": "String",
        "Default": "true",
        "AllowedValues": ["true", "false"],
        "Description": "Whether Athena gets a named query for each view; the local AWS knows none.",
    },
    "QuickSightPrincipal": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": r"^$|^arn:aws[a-z-]*:quicksight:[a-z0-9-]+:[0-9]{12}:(user|group)/.+$",
        "Description": "ARN of the QuickSight user or group that gets the dashboard; none where"
        " the account has no QuickSight.",
    },
    "ImportMode": {
        "Type": "String",
        "Default": "SPICE",
        "AllowedValues": ["SPICE", "DIRECT_QUERY"],
        "Description": "Whether QuickSight keeps the rows (SPICE, refreshed daily) or asks Athena"
        " at every look.",
    },
    "RefreshTime": {
        "Type": "String",
        "Default": "08:00",
        "AllowedPattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$",
        "Description": "Time of day (UTC) at which SPICE is refreshed; after the daily run.",
    },
    "PermissionsBoundary": {
        "Type": "String",
        "Default": "",
        "Description": "ARN of a policy that bounds every role of this stack; empty for none.",
    },
}


def template(
    description: str, parameters: tuple[str, ...], conditions: Json, resources: Json
) -> Json:
    """Return a template with some of :data:`PARAMETERS`."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
        "Parameters": {name: PARAMETERS[name] for name in parameters},
        "Conditions": conditions,
        "Resources": resources,
    }


def camel(name: str) -> str:
    """Return a name in camel case, as logical ids are written."""
    return "".join(part.title() for part in name.split("_"))


def sub(text: str) -> Json:
    """Return a text whose references CloudFormation resolves."""
    return {"Fn::Sub": text}
