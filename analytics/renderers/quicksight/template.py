"""The template of the unit ``quicksight``: data source, datasets, refreshes, dashboard and role."""

from __future__ import annotations

from typing import Final

from analytics.dashboard.definition import Dashboard
from analytics.renderers.quicksight.definition import definition, identifier, input_columns
from analytics.renderers.template_parts import (
    ACCOUNT,
    BUCKET,
    DATABASE,
    WORKGROUP,
    Json,
    camel,
    sub,
    template,
)
from analytics.views.definitions import View, views
from schemas.keys import CURATED_PREFIX, PROCESSED_PREFIX
from schemas.tables import QUARANTINE

# Of what was refused the reasons, which a table holds; not the responses themselves.
_READ_PREFIXES: Final = tuple(
    prefix.rstrip("/") for prefix in (PROCESSED_PREFIX, CURATED_PREFIX, QUARANTINE.location)
)
_DATASET_ACTIONS: Final = (
    "DescribeDataSet",
    "DescribeDataSetPermissions",
    "PassDataSet",
    "DescribeIngestion",
    "ListIngestions",
)
_DASHBOARD_ACTIONS: Final = ("DescribeDashboard", "ListDashboardVersions", "QueryDashboard")


def quicksight_template(shown: Dashboard) -> Json:
    """Return the template of the unit ``quicksight``."""
    made = template(
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


def _quicksight(shown: Dashboard) -> Json:
    used = sorted({chart.view for chart in shown.charts})
    arns = {view: {"Fn::GetAtt": [f"{camel(view)}Dataset", "Arn"]} for view in used}
    resources: Json = {"QuickSightRole": _role(), "DataSource": _data_source()}
    for name in used:
        resources[f"{camel(name)}Dataset"] = _dataset(views()[name])
        resources[f"{camel(name)}Refresh"] = _refresh(name)
    resources["Dashboard"] = {
        "Type": "AWS::QuickSight::Dashboard",
        "Condition": "HasQuickSight",
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DashboardId": sub("${App}-${Env}"),
            "Name": sub(f"{shown.title} (${{App}} ${{Env}})"),
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
            "DataSourceId": sub("${App}-${Env}"),
            "Name": sub("${App} ${Env}"),
            "Type": "ATHENA",
            "DataSourceParameters": {
                "AthenaParameters": {
                    "WorkGroup": sub(WORKGROUP),
                    "RoleArn": {"Fn::GetAtt": ["QuickSightRole", "Arn"]},
                }
            },
        },
    }


def _dataset(view: View) -> Json:
    table = {
        "DataSourceArn": {"Fn::GetAtt": ["DataSource", "Arn"]},
        "Catalog": "AwsDataCatalog",
        "Schema": sub(DATABASE),
        "Name": view.name,
        "InputColumns": input_columns(view),
    }
    return {
        "Type": "AWS::QuickSight::DataSet",
        "Condition": "HasQuickSight",
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DataSetId": sub(f"${{App}}-${{Env}}-{identifier(view.name)}"),
            "Name": sub(f"${{App}} ${{Env}} {view.name}"),
            "ImportMode": {"Ref": "ImportMode"},
            "PhysicalTableMap": {identifier(view.name): {"RelationalTable": table}},
            "Permissions": _permissions(_DATASET_ACTIONS),
        },
    }


def _refresh(view: str) -> Json:
    return {
        "Type": "AWS::QuickSight::RefreshSchedule",
        "Condition": "HasSpice",
        "DependsOn": f"{camel(view)}Dataset",
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DataSetId": sub(f"${{App}}-${{Env}}-{identifier(view)}"),
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
            "RoleName": sub("${App}-${Env}-quicksight"),
            "Description": sub("What QuickSight may read of ${App} ${Env}."),
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
    catalogue = f"arn:${{AWS::Partition}}:glue:{ACCOUNT}"
    results = f"{BUCKET}/athena_results/*"
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
            [f"arn:${{AWS::Partition}}:athena:{ACCOUNT}:workgroup/{WORKGROUP}"],
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
                f"{catalogue}:database/{DATABASE}",
                f"{catalogue}:table/{DATABASE}/*",
            ],
        ),
        _allow("ReadData", ["s3:GetObject"], [f"{BUCKET}/{name}/*" for name in _READ_PREFIXES]),
        _allow(
            "KeepResults",
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            [results],
        ),
        _allow("FindBucket", ["s3:GetBucketLocation"], [BUCKET]),
        _allow("ListData", ["s3:ListBucket"], [BUCKET])
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
        "Resource": [sub(resource) for resource in resources],
    }
