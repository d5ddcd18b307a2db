"""The runbook, walked: its sections are whole, and each of its commands is one."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from glue_etl.errors import EtlError
from ingest.errors import IngestError
from lake.cli.app import app
from process.errors import ProcessError

RUNBOOK = Path("docs/runbook.md").read_text(encoding="utf-8")
PARTS = ["Means", "Look", "Do", "Over"]
EXAMPLES = {"E": "dev", "RUN": "20261123T060000Z", "WHY": "wrong"}
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
# What a section says to do, and the command by which it must say it.
BY_COMMAND = {
    "process-dead-letters": "./lake replay dlq --env E",
    "ingest-dead-letters": "./lake replay dlq ingest --discard --env E",
    "quarantine-share": "./lake replay quarantine --reason record.field_type --env E",
    "run-failed": "./lake ingest --env E",
    "runs-waiting": "./lake etl --env E",
}


def commands() -> list[str]:
    return sorted({" ".join(found.split()) for found in re.findall(r"`(\./lake [^`]*)`", RUNBOOK)})


def words_of(command: str) -> list[str]:
    return [EXAMPLES.get(word, word) for word in shlex.split(command)[1:]]


def parsed(words: list[str]) -> None:
    """Parse a call by the real command line; nothing is run."""
    root = typer.main.get_command(app)
    for command in every_command(root):
        command.callback = lambda **_: None
    root.main(words, prog_name="lake", standalone_mode=False)


def every_command(command: Any) -> Iterator[Any]:
    yield command
    for child in getattr(command, "commands", {}).values():
        yield from every_command(child)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_what_it_means_how_to_look_what_to_do_and_when_it_is_over(name: str) -> None:
    assert re.findall(r"^\*\*(\w+)\.\*\*", SECTIONS[name], re.MULTILINE) == PARTS


def test_the_template_has_no_alarm_without_a_section() -> None:
    template = Path("infra/monitoring.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"docs/runbook\.md#([a-z-]+)\.", template))

    assert len(SECTIONS) == 20
    assert named == set(SECTIONS)


def test_other_templates_have_no_alarms() -> None:
    with_alarms = [
        path.name
        for path in Path("infra").glob("*.yaml")
        if "AWS::CloudWatch::Alarm" in path.read_text(encoding="utf-8")
    ]

    assert with_alarms == ["monitoring.yaml"]


@pytest.mark.parametrize("command", commands())
def test_a_command_is_one_that_the_command_line_takes(command: str) -> None:
    parsed(words_of(command))


@pytest.mark.parametrize(
    "command", ["./lake replay dql", "./lake logs --runs RUN", "./lake status --env Production"]
)
def test_a_command_that_is_none_is_noticed(command: str) -> None:
    with pytest.raises(Exception, match="No such|not a name such as dev"):
        parsed(words_of(command))


@pytest.mark.parametrize(("section", "command"), BY_COMMAND.items())
def test_what_is_to_be_done_is_a_command(section: str, command: str) -> None:
    assert f"`{command}`" in SECTIONS[section]


def leaves(error: type[Exception]) -> Iterator[type[Exception]]:
    """Yield the errors of a tree that have none below them."""
    for child in error.__subclasses__():
        yield from leaves(child)
    if not error.__subclasses__():
        yield error


@pytest.mark.parametrize("root", [EtlError, IngestError, ProcessError])
def test_a_code_that_an_operator_may_meet_is_explained(root: type[Exception]) -> None:
    codes = {vars(error)["code"] for error in leaves(root)}

    assert len(codes) > 10
    assert {code for code in codes if f"`{code}`" not in RUNBOOK} == set()


def test_a_code_that_an_error_is_given_for_its_place_is_explained() -> None:
    """GIVEN that the code of StateUnreadableError may say more than its class THEN it is there."""
    code = Path("services/ingest/logic/page_fetcher.py").read_text("utf-8")

    assert set(re.findall(r'code="(\w+)"', code)) == {"stored_page_unreadable", "empty_page"}
    assert "`stored_page_unreadable`" in SECTIONS["run-partial"]
    assert "`empty_page`" in SECTIONS["run-partial"]


def test_a_parameter_that_is_to_be_set_is_one_of_its_template() -> None:
    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    # CloudFormation's short forms are of no interest here.
    loader.add_multi_constructor("!", lambda *_: None)
    settings = re.findall(r"--set (\w+)\.(\w+)=", " ".join(commands()))

    assert len(settings) > 5
    for unit, parameter in settings:
        template = yaml.load(Path(f"infra/{unit}.yaml").read_text(), loader)  # noqa: S506
        assert parameter in template["Parameters"], (unit, parameter)


def test_links_within_the_runbook_lead_somewhere() -> None:
    anchors = re.findall(r"\]\(#([a-z-]+)\)", RUNBOOK)

    assert anchors
    assert set(anchors) <= set(SECTIONS)
