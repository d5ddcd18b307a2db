"""Names and templates stay within what AWS takes, with the longest parameters, too."""

import re
from collections.abc import Iterator

import pytest

from infra.rules.stacks import NAME_PROPERTIES, Stack
from infra.rules.template import UNITS, Resource, load, path_of

# The longest values that the parameters' patterns take.
LONGEST = {"App": "a" * 16, "Env": "e" * 8, "GitHubRepository": "owner/name"}
# Longest names: IAM, Lambda, SQS, EventBridge, Scheduler, S3, SNS, Athena, CloudWatch, Glue,
# CloudWatch Logs, Budgets and QuickSight say so in their API references.
LONGEST_NAMES = {
    "AWS::Athena::WorkGroup": 128,
    "AWS::Budgets::Budget": 100,
    "AWS::CloudWatch::Alarm": 255,
    "AWS::CloudWatch::Dashboard": 255,
    "AWS::Events::Rule": 64,
    "AWS::Glue::Database": 255,
    "AWS::Glue::Job": 255,
    "AWS::Glue::Trigger": 255,
    "AWS::Glue::Workflow": 255,
    "AWS::IAM::Role": 64,
    "AWS::Lambda::Function": 64,
    "AWS::Logs::LogGroup": 512,
    "AWS::QuickSight::Dashboard": 512,
    "AWS::QuickSight::DataSet": 512,
    "AWS::QuickSight::DataSource": 512,
    "AWS::S3::Bucket": 63,
    "AWS::SNS::Topic": 256,
    "AWS::SQS::Queue": 80,
    "AWS::SSM::Parameter": 1011,
    "AWS::Scheduler::Schedule": 64,
    "AWS::Scheduler::ScheduleGroup": 64,
}
# AWS documents 60 dynamic references in a template, and not whether equal ones count once.
MOST_REFERENCES = 50


def named(unit: str) -> Iterator[tuple[Resource, str]]:
    """Yield the resources of a unit that have a name, and that name."""
    stack = Stack(load(unit), LONGEST)
    for resource in stack.template.resources(*LONGEST_NAMES):
        yield resource, stack.name_of(resource)


def test_the_longest_parameters_are_those_that_the_patterns_take() -> None:
    for name in ("App", "Env"):
        pattern = load("bootstrap").body["Parameters"][name]["AllowedPattern"]
        assert re.fullmatch(pattern, LONGEST[name])
        assert not re.fullmatch(pattern, f"{LONGEST[name]}a")


def test_every_type_with_a_name_has_a_limit() -> None:
    assert set(NAME_PROPERTIES) <= set(LONGEST_NAMES)


@pytest.mark.parametrize("unit", UNITS)
def test_the_longest_names_are_not_cut(unit: str) -> None:
    """GIVEN the longest parameters THEN every name, generated ones too, is one that AWS takes."""
    too_long = [name for resource, name in named(unit) if len(name) > LONGEST_NAMES[resource.type]]

    assert too_long == []


@pytest.mark.parametrize("unit", UNITS)
def test_policies_by_name_reach_what_they_are_about(unit: str) -> None:
    """GIVEN policies that bound names by application and environment THEN all names begin so."""
    begin = f"{LONGEST['App']}-{LONGEST['Env']}"
    own = (begin, f"/{LONGEST['App']}/{LONGEST['Env']}/", begin.replace("-", "_"))

    assert [name for _, name in named(unit) if not name.startswith(own)] == []


@pytest.mark.parametrize("unit", UNITS)
def test_a_template_resolves_few_enough_dynamic_references(unit: str) -> None:
    text = path_of(unit).read_text(encoding="utf-8")

    assert text.count("{{resolve:") <= MOST_REFERENCES


def test_alarms_go_to_the_topic_by_its_name() -> None:
    foundation, monitoring = (Stack(load(unit)) for unit in ("foundation", "monitoring"))

    topic = foundation.arn_of(foundation.by_name["AlarmTopic"])

    for alarm in monitoring.template.resources("AWS::CloudWatch::Alarm"):
        assert monitoring.resolve(alarm.properties["AlarmActions"]) == [topic]
