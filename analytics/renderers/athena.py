"""The template of the unit ``analytics``: views as Athena keeps them, and named queries."""

from __future__ import annotations

import json
from typing import Final

from analytics.renderers.template_parts import DATABASE, WORKGROUP, Json, camel, sub, template
from analytics.views.definitions import View, views

_HIVE: Final = {"varchar": "string", "integer": "int"}


def analytics_template() -> Json:
    """Return the template of the unit ``analytics``."""
    resources: Json = {}
    for view in views().values():
        resources[f"{camel(view.name)}View"] = _athena_view(view)
        resources[f"{camel(view.name)}Query"] = _named_query(view)
    return template(
        "Analysis in one environment of the lake: Athena views and their named queries. Needs the"
        " stack foundation, and the tables that process and glue_etl make.",
        ("App", "Env", "NamedQueries"),
        {"HasNamedQueries": {"Fn::Equals": [{"Ref": "NamedQueries"}, "true"]}},
        resources,
    )


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
    name = {"Fn::Join": ["_", {"Fn::Split": ["-", sub("${App}_${Env}")]}]}
    encoded = {"Fn::Base64": {"Fn::Sub": [text, {"Database": name}]}}
    columns = [
        {"Name": c.name, "Type": _HIVE.get(c.type, c.type), "Comment": c.description}
        for c in view.columns
    ]
    return {
        "Type": "AWS::Glue::Table",
        "Properties": {
            "CatalogId": {"Ref": "AWS::AccountId"},
            "DatabaseName": sub(DATABASE),
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
        "DependsOn": f"{camel(view.name)}View",
        "Properties": {
            "Name": sub(f"${{App}}-${{Env}} {view.name}"),
            "Description": view.description,
            "Database": sub(DATABASE),
            "WorkGroup": sub(WORKGROUP),
            "QueryString": f"SELECT * FROM {view.name}",  # noqa: S608 (a name of ours)
        },
    }
