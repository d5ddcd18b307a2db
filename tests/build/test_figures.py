"""Figures in documents come from a run that can be told, and repeated: they have its date."""

import re
from pathlib import Path

import pytest

DOCUMENTS = [Path("README.md"), Path("CONTRIBUTING.md"), *sorted(Path("docs").glob("*.md"))]

# What only a measurement says. Settings, limits and prices have units, too, and no date.
MEASURED = re.compile(
    r"\btook (?:about )?\d|\bon two cores\b|\b(?:CPU|processor) time of\b"
    r"|\d m?s of (?:CPU|processor) time|^#+ (?:Figures|Measured|Results)$",
    re.MULTILINE,
)
DATE = re.compile(r"\b20\d\d-[01]\d-[0-3]\d\b")


def sections(text: str) -> list[str]:
    """Return the sections of a document; comments of code are no headings."""
    parts: list[list[str]] = [[]]
    in_code = False
    for line in text.splitlines():
        if line.startswith("```"):
            in_code = not in_code
        if re.match(r"#+ ", line) and not in_code:
            parts.append([])
        parts[-1].append(line)
    return ["\n".join(part) for part in parts]


def undated(text: str) -> list[str]:
    """Return the headings of sections with measured figures and no date."""
    return [
        part.splitlines()[0]
        for part in sections(text)
        if MEASURED.search(part) and not DATE.search(part)
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_a_section_with_measured_figures_has_their_date(document: Path) -> None:
    assert undated(document.read_text(encoding="utf-8")) == []


def test_a_figure_without_a_date_is_noticed() -> None:
    text = "# A\n\nIt took 3 s.\n\n# B\n\nIt took 3 s (2026-11-26).\n\n```sh\n# Figures\n```\n"

    assert undated(text) == ["# A"]
