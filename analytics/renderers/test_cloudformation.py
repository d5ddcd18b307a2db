"""The generated templates are fresh, fit CloudFormation, and hold the views' own text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analytics.renderers.athena import analytics_template
from analytics.renderers.cloudformation import LONGEST, main, render, stale
from analytics.views.definitions import views


def test_the_templates_are_fresh() -> None:
    assert stale() == []


def test_a_template_that_is_changed_or_missing_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "analytics.yaml").write_text("changed")

    assert main(["--check"], tmp_path) == 1

    assert "analytics.yaml is stale" in capsys.readouterr().err


@pytest.mark.parametrize("name", render())
def test_a_template_is_not_longer_than_a_request_takes(name: str) -> None:
    assert len(render()[name].encode()) <= LONGEST


@pytest.mark.parametrize("name", views())
def test_a_view_is_deployed_with_its_own_text(name: str) -> None:
    resources = analytics_template()["Resources"]
    made = next(
        resource["Properties"]["TableInput"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Glue::Table"
        and resource["Properties"]["TableInput"]["Name"] == name
    )

    start, encoded, end = made["ViewOriginalText"]["Fn::Join"][1]
    text, variables = encoded["Fn::Base64"]["Fn::Sub"]
    kept = json.loads(text)
    assert (start, end) == ("/* Presto View: ", " */")
    assert kept["originalSql"] == views()[name].sql
    assert [column["name"] for column in kept["columns"]] == [
        column["Name"] for column in made["StorageDescriptor"]["Columns"]
    ]
    # What Fn::Sub would take for a reference.
    assert text.count("${") == len(variables) == 1
