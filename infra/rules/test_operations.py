"""The documents of operations know every alarm, metric and permission, and no other."""

import re
from pathlib import Path

import pytest

from infra.rules.monitoring import emitted, short_name
from infra.rules.template import UNITS, as_list, load, statements

DOCUMENT, RUNBOOK = Path("docs/operations.md"), Path("docs/runbook.md")


def rows() -> set[tuple[str, ...]]:
    """Return the rows of all tables."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    return {
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in lines
        if line.startswith("|")
    }


def test_every_alarm_has_its_section() -> None:
    alarms = load("monitoring").resources("AWS::CloudWatch::Alarm")

    headings = re.findall(r"^## (.+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [short_name(alarm) for alarm in alarms]


def test_every_metric_is_described() -> None:
    described = {row for row in rows() if row[0].startswith("`") and len(row) == 4}

    assert described == {
        (f"`{item['name']}`", item["service"], item["unit"], item["meaning"])
        for item in emitted()["metrics"]
    }


# Roles of whoever deploys have statements by the dozen, each with its reason beside it.
DEPLOYMENT = {"bootstrap CloudFormationRole", "bootstrap DeployRole"}


@pytest.mark.parametrize("unit", UNITS)
def test_every_permission_is_described(unit: str) -> None:
    described = {row[:3] for row in rows() if re.match(rf"{unit} \w+Role$", row[0])}

    assert described == {
        (f"{unit} {role.name}", item["Sid"], ", ".join(as_list(item["Action"])))
        for role in load(unit).resources("AWS::IAM::Role")
        if f"{unit} {role.name}" not in DEPLOYMENT
        for item in statements(role)
    }
