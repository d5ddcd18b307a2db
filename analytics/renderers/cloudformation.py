"""Write ``infra/analytics.yaml`` and ``infra/quicksight.yaml``.

``python -m analytics.renderers.cloudformation [--check]``

The views as Athena has them with their named queries, and QuickSight's part, all of them from
``analytics/views`` and the dashboard's definition. Two templates, as one would be longer than
CloudFormation takes. ``--check`` only tells whether they are stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from analytics.dashboard.definition import Dashboard, dashboard
from analytics.renderers.quicksight.definition import definition, identifier, input_columns
from analytics.views.definitions import View, views

FOLDER: Final = Path(__file__).parents[2] / "infra"
#: Bytes of a template that CloudFormation takes in a request.
LONGEST: Final = 51_200
Json = dict[str, Any]

_DATABASE: Final = "{{resolve:ssm:/${App}/${Env}/foundation/glue-database}}"
_BUCKET: Final = "arn:${AWS::Partition}:s3:::{{resolve:ssm:/${App}/${Env}/foundation/data-bucket}}"
# As foundation names it; its parameter is there only where there is Athena.
_WORKGROUP: Final = "${App}-${Env}"
_ACCOUNT: Final = "${AWS::Region}:${AWS::AccountId}"
# Of what was refused the reasons, which a table holds; not the responses themselves.
_READ_PREFIXES: Final = ("processed_data", "curated_data", "quarantine_data/works")
_HIVE: Final = {"varchar": "string", "integer": "int"}

_DATASET_ACTIONS: Final = (
    "DescribeDataSet",
    "DescribeDataSetPermissions",
    "PassDataSet",
    "DescribeIngestion",
    "ListIngestions",
)
_DASHBOARD_ACTIONS: Final = ("DescribeDashboard", "ListDashboardVersions", "QueryDashboard")

_PARAMETERS: Final[Json] = {
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
        "Description": "ARN of the QuickSight user or group that gets the dashboard; empty where"
        " the account has no QuickSight, which makes nothing of it.",
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


def analytics_template() -> Json:
    """Return the template of the unit ``analytics``."""
    resources: Json = {}
    for view in views().values():
        resources[f"{_camel(view.name)}View"] = _athena_view(view)
        resources[f"{_camel(view.name)}Query"] = _named_query(view)
    return _template(
        "Analysis in one environment of the lake: Athena views and their named queries. Needs the"
        " stack foundation, and the tables that process and glue_etl make.",
        ("App", "Env", "NamedQueries"),
        {"HasNamedQueries": {"Fn::Equals": [{"Ref": "NamedQueries"}, "true"]}},
        resources,
    )


def quicksight_template(shown: Dashboard) -> Json:
    """Return the template of the unit ``quicksight``."""
    made = _template(
        "The QuickSight dashboard of one environment of the lake, over the views of the stack"
        " analytics. Nothing is made of it unless somebody is named to see it.",
        ("App", "Env", "QuickSightPrincipal", "ImportMode", "RefreshTime", "PermissionsBoundary"),
        {
            "HasQuickSight": {"Fn::Not": [{"Fn::Equals": [{"Ref": "QuickSightPrincipal"}, ""]}]},
            "HasSpice": {
                "Fn::And": [
                    {"Condition": "HasQuickSight"},
                    {"Fn::Equals": [{"Ref": "ImportMode"}, "SPICE"]},
                ]
            },
            "HasPermissionsBoundary": {
                "Fn::Not": [{"Fn::Equals": [{"Ref": "PermissionsBoundary"}, ""]}]
            },
        },
        _quicksight(shown),
    )
    output = {
        "Condition": "HasQuickSight",
        "Description": "ARN of the QuickSight dashboard.",
        "Value": {"Fn::GetAtt": ["Dashboard", "Arn"]},
    }
    return made | {"Outputs": {"Dashboard": output}}


def render() -> dict[str, str]:
    """Return the text of each template by the name of its file."""
    made = {"analytics": analytics_template(), "quicksight": quicksight_template(dashboard())}
    return {f"{unit}.yaml": _text(body) for unit, body in made.items()}


def stale(folder: Path = FOLDER) -> list[str]:
    """Name the templates of a folder that are missing or differ."""
    return [
        name
        for name, text in render().items()
        if not (folder / name).exists() or (folder / name).read_text("utf-8") != text
    ]


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Write the templates, or with ``--check`` only compare; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m analytics.renderers.cloudformation", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    options = parser.parse_args(arguments)
    found = stale(folder)
    for name in found:
        if options.check:
            print(
                f"{name} is stale: run python -m analytics.renderers.cloudformation",
                file=sys.stderr,
            )
        else:
            (folder / name).write_text(render()[name], "utf-8")
            print(f"wrote {name}")
    return 1 if options.check and found else 0


def _template(
    description: str, parameters: tuple[str, ...], conditions: Json, resources: Json
) -> Json:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
        "Parameters": {name: _PARAMETERS[name] for name in parameters},
        "Conditions": conditions,
        "Resources": resources,
    }


def _text(body: Json) -> str:
    """Return a template as YAML; of a resource, the properties are written on one line.

    Indented, the dashboard would be longer than CloudFormation takes.
    """
    lines = ["# Made by python -m analytics.renderers.cloudformation; do not edit."]
    outside = {name: value for name, value in body.items() if name != "Resources"}
    lines.append(yaml.dump(outside, Dumper=_Dumper, sort_keys=False, width=100))
    lines.append("Resources:")
    for name, resource in body["Resources"].items():
        lines.append(f"  {name}:")
        lines += [
            f"    {part}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
            for part, value in resource.items()
        ]
    return "\n".join(lines) + "\n"


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML ships no types
    """Writes without anchors, and intrinsic functions in their short form."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _mapping(dumper: yaml.SafeDumper, value: Json) -> yaml.Node:
    if len(value) == 1:
        ((name, argument),) = value.items()
        tag = f"!{name.removeprefix('Fn::')}"
        if name in ("Fn::Sub", "Ref") and isinstance(argument, str):
            return dumper.represent_scalar(tag, argument)
        if name == "Fn::GetAtt":
            return dumper.represent_scalar(tag, ".".join(argument))
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items())


_Dumper.add_representer(dict, _mapping)


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


def _sub(text: str) -> Json:
    return {"Fn::Sub": text}


def _athena_view(view: View) -> Json:
    """Return a view as Athena keeps it: a table of the catalogue with the text in base 64."""
    text = json.dumps(
        {
            "originalSql": view.sql,
            "catalog": "awsdatacatalog",
            "schema": "${Database}",
            "columns": [{"name": column.name, "type": column.type} for column in view.columns],
        },
        ensure_ascii=False,
    )
    # CloudFormation resolves references to SSM too late for what is encoded, so the database's name
    # is made here as foundation makes it.
    name = {"Fn::Join": ["_", {"Fn::Split": ["-", _sub("${App}_${Env}")]}]}
    encoded = {"Fn::Base64": {"Fn::Sub": [text, {"Database": name}]}}
    columns = [
        {"Name": c.name, "Type": _HIVE.get(c.type, c.type), "Comment": c.description}
        for c in view.columns
    ]
    return {
        "Type": "AWS::Glue::Table",
        "Properties": {
            "CatalogId": {"Ref": "AWS::AccountId"},
            "DatabaseName": _sub(_DATABASE),
            "TableInput": {
                "Name": view.name,
                "Description": view.description,
                "TableType": "VIRTUAL_VIEW",
                "Parameters": {"presto_view": "true", "comment": "Presto View"},
                "ViewOriginalText": {"Fn::Join": ["", ["/* Presto View: ", encoded, " */"]]},
                "ViewExpandedText": "/* Presto View */",
                "StorageDescriptor": {"Columns": columns, "SerdeInfo": {}},
            },
        },
    }


def _named_query(view: View) -> Json:
    return {
        "Type": "AWS::Athena::NamedQuery",
        "Condition": "HasNamedQueries",
        "DependsOn": f"{_camel(view.name)}View",
        "Properties": {
            "Name": _sub(f"${{App}}-${{Env}} {view.name}"),
            "Description": view.description,
            "Database": _sub(_DATABASE),
            "WorkGroup": _sub(_WORKGROUP),
            "QueryString": f"SELECT * FROM {view.name}",  # noqa: S608 (a name of ours)
        },
    }


def _quicksight(shown: Dashboard) -> Json:
    used = sorted({chart.view for chart in shown.charts})
    arns = {view: {"Fn::GetAtt": [f"{_camel(view)}Dataset", "Arn"]} for view in used}
    resources: Json = {"QuickSightRole": _role(), "DataSource": _data_source()}
    for name in used:
        resources[f"{_camel(name)}Dataset"] = _dataset(views()[name])
        resources[f"{_camel(name)}Refresh"] = _refresh(name)
    resources["Dashboard"] = {
        "Type": "AWS::QuickSight::Dashboard",
        "Condition": "HasQuickSight",
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DashboardId": _sub("${App}-${Env}"),
            "Name": _sub(f"{shown.title} (${{App}} ${{Env}})"),
            "Permissions": _permissions(_DASHBOARD_ACTIONS),
            "Definition": definition(shown, arns),
        },
    }
    return resources


def _permissions(actions: tuple[str, ...]) -> list[Json]:
    named = [f"quicksight:{action}" for action in actions]
    return [{"Principal": {"Ref": "QuickSightPrincipal"}, "Actions": named}]


def _data_source() -> Json:
    return {
        "Type": "AWS::QuickSight::DataSource",
        "Condition": "HasQuickSight",
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DataSourceId": _sub("${App}-${Env}"),
            "Name": _sub("${App} ${Env}"),
            "Type": "ATHENA",
            "DataSourceParameters": {
                "AthenaParameters": {
                    "WorkGroup": _sub(_WORKGROUP),
                    "RoleArn": {"Fn::GetAtt": ["QuickSightRole", "Arn"]},
                }
            },
        },
    }


def _dataset(view: View) -> Json:
    table = {
        "DataSourceArn": {"Fn::GetAtt": ["DataSource", "Arn"]},
        "Catalog": "AwsDataCatalog",
        "Schema": _sub(_DATABASE),
        "Name": view.name,
        "InputColumns": input_columns(view),
    }
    return {
        "Type": "AWS::QuickSight::DataSet",
        "Condition": "HasQuickSight",
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DataSetId": _sub(f"${{App}}-${{Env}}-{identifier(view.name)}"),
            "Name": _sub(f"${{App}} ${{Env}} {view.name}"),
            "ImportMode": {"Ref": "ImportMode"},
            "PhysicalTableMap": {identifier(view.name): {"RelationalTable": table}},
            "Permissions": _permissions(_DATASET_ACTIONS),
        },
    }


def _refresh(view: str) -> Json:
    return {
        "Type": "AWS::QuickSight::RefreshSchedule",
        "Condition": "HasSpice",
        "DependsOn": f"{_camel(view)}Dataset",
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DataSetId": _sub(f"${{App}}-${{Env}}-{identifier(view)}"),
            "Schedule": {
                "ScheduleId": "daily",
                "RefreshType": "FULL_REFRESH",
                "ScheduleFrequency": {
                    "Interval": "DAILY",
                    "TimeOfTheDay": {"Ref": "RefreshTime"},
                    "TimeZone": "UTC",
                },
            },
        },
    }


def _role() -> Json:
    return {
        "Type": "AWS::IAM::Role",
        "Condition": "HasQuickSight",
        "Properties": {
            "RoleName": _sub("${App}-${Env}-quicksight"),
            "Description": _sub("What QuickSight may read of ${App} ${Env}."),
            "PermissionsBoundary": {
                "Fn::If": [
                    "HasPermissionsBoundary",
                    {"Ref": "PermissionsBoundary"},
                    {"Ref": "AWS::NoValue"},
                ]
            },
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "quicksight.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                        "Condition": {
                            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
                        },
                    }
                ],
            },
            "Policies": [
                {
                    "PolicyName": "read-the-lake",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": _statements()},
                }
            ],
        },
    }


def _statements() -> list[Json]:
    catalogue = f"arn:${{AWS::Partition}}:glue:{_ACCOUNT}"
    results = f"{_BUCKET}/athena_results/*"
    return [
        _allow(
            "RunQueries",
            [
                "athena:GetQueryExecution",
                "athena:GetQueryResults",
                "athena:GetQueryResultsStream",
                "athena:GetWorkGroup",
                "athena:StartQueryExecution",
                "athena:StopQueryExecution",
            ],
            [f"arn:${{AWS::Partition}}:athena:{_ACCOUNT}:workgroup/{_WORKGROUP}"],
        ),
        _allow(
            "ReadCatalogue",
            [
                "glue:GetDatabase",
                "glue:GetPartition",
                "glue:GetPartitions",
                "glue:GetTable",
                "glue:GetTables",
            ],
            [
                f"{catalogue}:catalog",
                f"{catalogue}:database/{_DATABASE}",
                f"{catalogue}:table/{_DATABASE}/*",
            ],
        ),
        _allow("ReadData", ["s3:GetObject"], [f"{_BUCKET}/{name}/*" for name in _READ_PREFIXES]),
        _allow(
            "KeepResults",
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            [results],
        ),
        _allow("FindBucket", ["s3:GetBucketLocation"], [_BUCKET]),
        _allow("ListData", ["s3:ListBucket"], [_BUCKET])
        | {
            "Condition": {
                "StringLike": {
                    "s3:prefix": [f"{name}/*" for name in (*_READ_PREFIXES, "athena_results")]
                }
            }
        },
    ]


def _allow(sid: str, actions: list[str], resources: list[str]) -> Json:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": actions,
        "Resource": [_sub(resource) for resource in resources],
    }


if __name__ == "__main__":
    sys.exit(main())
