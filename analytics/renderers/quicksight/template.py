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
from schemas.keys import COMPACTED_PREFIX, CURATED_PREFIX, PROCESSED_PREFIX
from schemas.tables import QUARANTINE

# Of what was refused the reasons, which a table holds; not the responses themselves.
_READ_PREFIXES: Final = tuple(
    prefix.rstrip("/")
    for prefix in (PROCESSED_PREFIX, COMPACTED_PREFIX, CURATED_PREFIX, QUARANTINE.location)
)
# What QuickSight calls an owner of each kind: without one, nobody could share or remove it there.
# https://docs.aws.amazon.com/quicksight/latest/APIReference/qs-api-permissions.html
_OWNER_ACTIONS: Final = {
    "DataSource": (
        "DescribeDataSource",
        "DescribeDataSourcePermissions",
        "PassDataSource",
        "UpdateDataSource",
        "UpdateDataSourcePermissions",
        "DeleteDataSource",
    ),
    "DataSet": (
        "DescribeDataSet",
        "DescribeDataSetPermissions",
        "PassDataSet",
        "DescribeIngestion",
        "ListIngestions",
        "UpdateDataSet",
        "UpdateDataSetPermissions",
        "DeleteDataSet",
        "CreateIngestion",
        "CancelIngestion",
    ),
    "Dashboard": (
        "DescribeDashboard",
        "DescribeDashboardPermissions",
        "ListDashboardVersions",
        "QueryDashboard",
        "UpdateDashboard",
        "UpdateDashboardPermissions",
        "UpdateDashboardPublishedVersion",
        "DeleteDashboard",
    ),
}


def quicksight_template(shown: Dashboard) -> Json:
    """Return the template of the unit ``quicksight``."""
    made = template(
        "The QuickSight dashboard of one environment of the lake, over the views of the stack"
        " analytics. Nothing is made unless somebody is named to see it.",
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
    owner = {
        kind: {"Actions": [f"quicksight:{action}" for action in actions]}
        for kind, actions in _OWNER_ACTIONS.items()
    }
    return made | {"Mappings": {"Owner": owner}, "Outputs": {"Dashboard": output}}


def _quicksight(dashboard: Dashboard) -> Json:
    charts = tuple(chart for chart in dashboard.charts if chart.in_quicksight)
    shown = dashboard.model_copy(update={"charts": charts})
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
            "Permissions": _permissions("Dashboard"),
            "Definition": definition(shown, arns),
        },
    }
    return resources


def _permissions(kind: str) -> list[Json]:
    """Make the named user or group the owner of something."""
    actions = {"Fn::FindInMap": ["Owner", kind, "Actions"]}
    return [{"Principal": {"Ref": "QuickSightPrincipal"}, "Actions": actions}]


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
            "Permissions": _permissions("DataSource"),
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
            "Permissions": _permissions("DataSet"),
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
        "Metadata": {
            "lake": {
                "reasons": {
                    "wildcard-resource": "Listing catalogues and workgroups knows no resource."
                }
            }
        },
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
                        # Only if it comes: nothing says that QuickSight sends it.
                        "Condition": {
                            "StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
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
        # As in AWS's own policy for QuickSight and Athena, AWSQuicksightAthenaAccess.
        _allow(
            "ReadDataCatalogs",
            [
                "athena:GetDataCatalog",
                "athena:GetDatabase",
                "athena:GetTableMetadata",
                "athena:ListDatabases",
                "athena:ListTableMetadata",
            ],
            [f"arn:${{AWS::Partition}}:athena:{ACCOUNT}:datacatalog/AwsDataCatalog"],
        ),
        _allow("ListDataCatalogs", ["athena:ListDataCatalogs", "athena:ListWorkGroups"], ["*"]),
        _allow(
            "ReadCatalogue",
            [
                "glue:GetDatabase",
                "glue:GetDatabases",
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
            [
                "s3:AbortMultipartUpload",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            [results],
        ),
        _allow("FindBucket", ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], [BUCKET]),
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
        "Resource": [sub(item) if "${" in item else item for item in resources],
    }
