"""docs/ingest.md says what the code does: its settings, its outcomes, its numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.logic import breaker, checkpoint, crawl, heartbeat, pacer, retry
from ingest.openlibrary.manners import ANONYMOUS_RATE, POLITE_RATE
from ingest.openlibrary.outcomes import refusal
from ingest.ports import SourceResponse
from ingest.settings import Settings
from ingest.testing.fakes import START
from ingest.testing.misbehaving_sources import CASES, Case

TEXT = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text("utf-8")
WORDS = " ".join(TEXT.split())
CONFIGURATION = TEXT.partition("## Configuration")[2].partition("```json")[0]
DEFAULTS = dict(re.findall(r"^\| `([A-Z_]+)` \| .*? \| (.*?) \|", CONFIGURATION, re.MULTILINE))
ANSWERS = TEXT.partition("## Outcomes")[2].partition("## Reconciliation")[0]
MISBEHAVING = TEXT.partition("## Sources that misbehave")[2].partition("## Configuration")[0]
OUTCOMES = [
    (answer, digit + rest.replace("xx", "03"), tag)
    for answer, tag in re.findall(r"^\| (.+?) \| (\w+) \|", ANSWERS, re.MULTILINE)
    for digit, rest in re.findall(r"\b([345])(\d\d|xx)\b", answer)
]


def test_every_setting_is_described_with_its_default() -> None:
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    expected = {
        name: "required" if field.is_required() else f"`{field.default}`"
        for name, field in fields.items()
    } | {
        "REQUESTS_PER_SECOND": f"{POLITE_RATE:g} with a contact, else {ANONYMOUS_RATE:g}",
        "CONTACT": "none",
    }
    assert {name: DEFAULTS.get(name) for name in expected} == expected


@pytest.mark.parametrize(("answer", "status", "tag"), OUTCOMES)
def test_status_has_the_tag_of_its_row(answer: str, status: str, tag: str) -> None:
    error = refusal(SourceResponse("", int(status), b"", START, "text/html"))
    assert error is not None
    assert error.tag == tag


def test_outcomes_are_found_in_the_table() -> None:
    assert {status for _, status, _ in OUTCOMES} > {"503", "408", "429", "403", "422", "303"}


@pytest.mark.parametrize(
    "statement",
    [
        f"and {checkpoint.GUARD_SECONDS:g} s longer than",
        f"is written every {checkpoint.SAVE_SECONDS:g} s",
        f"plus {1000 * pacer.SEND_JITTER_SECONDS:g} ms",
        f"whole {heartbeat.LONGEST_REQUEST_SECONDS:g} s",
        f"less than {heartbeat.MARGIN_SECONDS:g} s, or a quarter",
        f"{retry.FAILURES_BEFORE_HALVING} times is asked for in halves",
        f"down to {retry.SMALLEST_PAGE} works",
        f"... {retry.CAP_SECONDS:g} s",
        f"asked {retry.TERMINAL_ATTEMPTS} times, {retry.TERMINAL_SECONDS:g} to 60 s apart",
        f"After {retry.STREAK_TO_PARK} failures in a row a subject is parked",
        f"After {retry.LONGEST_STREAK} in a row, or {retry.MOST_FAILURES} and two for each page",
        f"After {breaker.FAILURES_TO_OPEN} failures in a row over {breaker.SUBJECTS_TO_OPEN}",
        f"for up to {breaker.COOL_DOWN_SECONDS:g} s",
        f"... {breaker.COOL_DOWN_CAP_SECONDS:g})",
        f"After {breaker.OPENINGS_TO_GIVE_UP} more failed probes",
        f"A pause of more than {crawl.LONGEST_PAUSE_SECONDS:g} s",
    ],
)
def test_number_is_the_one_in_the_code(statement: str) -> None:
    assert statement in WORDS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_source_that_is_crawled_is_in_the_table(case: Case) -> None:
    rows = [row for row in MISBEHAVING.splitlines() if row.startswith(f"| {case.name} |")]
    assert len(rows) == 1
    _, _, status, requests, _, said, _ = rows[0].split("|")
    assert status.strip(" `") == case.status
    assert int(requests) <= case.most_requests
    for words in case.reasons.values():
        assert words in said
    assert case.reasons or said.strip() == "all whole"
