"""Checkov finds nothing in the templates but what they say, with a reason, that it may find."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from checkov.cloudformation.runner import Runner
from checkov.runner_filter import RunnerFilter

TEMPLATES = sorted(Path("infra").glob("*.yaml"))
RESOURCE = re.compile(r"  (\w+):")
SUPPRESSION = re.compile(r" +- id: (CKV\w+)")
REASON = re.compile(r" +comment: (.+)")


class Suppression(NamedTuple):
    """A check that a resource does not pass."""

    template: str
    resource: str
    check: str


def suppressions() -> Iterator[tuple[Suppression, str]]:
    """Yield what the templates suppress, with the line that gives the reason."""
    for path in TEMPLATES:
        resource = ""
        lines = path.read_text(encoding="utf-8").splitlines()
        for line, following in pairwise(lines):
            if found := RESOURCE.fullmatch(line):
                resource = found[1]
            if found := SUPPRESSION.fullmatch(line):
                yield Suppression(path.name, resource, found[1]), following


def test_checkov_finds_what_is_suppressed_and_nothing_else(tmp_path: Path) -> None:
    """GIVEN templates without their suppressions WHEN checked THEN just these are found."""
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8").replace("      checkov:\n", "      unknown:\n")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    copies = [str(tmp_path / path.name) for path in TEMPLATES]

    report = Runner().run(
        root_folder=None, files=copies, runner_filter=RunnerFilter(framework=["cloudformation"])
    )

    assert report.parsing_errors == []
    found = {
        Suppression(Path(item.file_path).name, item.resource.split(".")[1], item.check_id)
        for item in report.failed_checks
    }
    assert found == {suppression for suppression, _ in suppressions()}
    # There are types of resources for which it has no check.
    seen = [*report.passed_checks, *report.extra_resources]
    assert {Path(item.file_path).name for item in seen} == {path.name for path in TEMPLATES}


def test_each_suppression_has_a_reason() -> None:
    for suppression, line in suppressions():
        reason = REASON.fullmatch(line)
        assert reason, suppression
        assert len(reason[1].split()) > 3, suppression
        assert reason[1].endswith("."), suppression
