"""How a run and a replay look on a terminal, and which calls are refused."""

import io
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lake.aws import Cloud
from lake.cli.conftest import Lake
from lake.cli.replay import show_replay
from lake.operations.ingest.command import IngestResult
from lake.operations.replay.command import ReplayResult, RunChange
from lake.operations.replay.states import LedgerState
from lake.runs.summary import RunSummary, SubjectSummary
from lake.terminal import screens

RUN = "20261126T155959Z"
KEY = (
    f"raw_data/subjects/ingest_date=2026-11-26/run_id={RUN}/subject=person%3Ajane_austen"
    "/offset=000000.json.gz"
)
DONE = RunSummary(
    RUN,
    "partial",
    3,
    1_500,
    1_490,
    10,
    [
        SubjectSummary("person:jane_austen", "complete", 1_234_567),
        SubjectSummary("dogs", "partial", 90, "undercount: 90 distinct works of 100 announced"),
    ],
)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80, color_system=None)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def call() -> Any:
    return SimpleNamespace(cloud=Cloud(env="dev"))


def test_a_run_is_shown_subject_by_subject_and_a_stand_in_is_named(console: Console) -> None:
    result = IngestResult(DONE, "http://127.0.0.1:1234", {"works": 9_000}, "")

    screens.show_ingest(console, result)

    text = text_of(console)
    assert f"Run {RUN}: partial" in text
    for value in ("person:jane_austen", "1234567", "undercount: 90 distinct works of 100"):
        assert value in text
    assert "1,500 records in 3 pages" in text
    assert "the bundled stand-in: its works are made up" in text
    assert "works 9,000" in text


def test_a_run_of_the_real_source_is_not_called_made_up(console: Console) -> None:
    screens.show_ingest(console, IngestResult(DONE, "https://openlibrary.org", {}, "no tables"))

    assert "made up" not in text_of(console)
    assert "no tables" in text_of(console)


def test_a_dry_run_lists_whole_keys(console: Console) -> None:
    show_replay(console, ReplayResult([KEY] * 25, records=7), call())

    text = text_of(console)
    assert text.count(KEY) == 20
    assert "25 found, with 7 records in quarantine (5 more; --json lists all)" in text
    assert "nothing is sent" in text


def test_a_replay_that_is_not_waited_for_says_what_shows_the_change(console: Console) -> None:
    show_replay(console, ReplayResult([KEY], sent=1), call())

    expected = "'./lake check --env dev' shows what has changed once the queue is empty."
    assert expected in text_of(console)


def test_a_replay_says_what_has_changed(console: Console) -> None:
    before, after = LedgerState(2, 20, 16, 4, 1), LedgerState(2, 20, 20, 0, 0)
    result = ReplayResult(
        [KEY, KEY],
        records=4,
        sent=2,
        waited=True,
        changed=2,
        left_quarantine=4,
        rows_before=16,
        rows_after=20,
        runs={RUN: RunChange(before, after), "20261125T000000Z": RunChange(None, after)},
    )

    show_replay(console, result, call())

    text = text_of(console)
    assert "2 pages changed: 4 records left the quarantine; rows 16 → 20" in text
    assert f"{RUN} 20 → 20 16 → 20 4 → 0" in text
    assert "none → 20" in text
    assert "'./lake check --all --env dev'" in text


def test_a_replay_without_an_effect_says_so(console: Console) -> None:
    state = LedgerState(1, 10, 8, 2, 0)
    result = ReplayResult([KEY], sent=1, waited=True, runs={RUN: RunChange(state, state)})

    show_replay(console, result, call())

    assert "Nothing changed: every page gave what it gave before." in text_of(console)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("replay", "dlq", "proces"), 1, "'proces' has no dead letters."),
        (("replay", "dlq", "--discard"), 2, "--discard would lose pages"),
        (("replay", "raw", "--date", "yesterday"), 2, "Invalid value for '--date'"),
        (("replay", "raw", "--run", RUN), 1, "The local AWS is not running."),
        (("ingest",), 1, "The local AWS is not running."),
        (("ingest", "--subject", "?"), 1, "subjects[0] is wrong: nothing is left"),
    ],
)
def test_a_call_that_cannot_be_is_refused(
    command_line: Lake, words: tuple[str, ...], code: int, message: str
) -> None:
    ended = command_line(*words)

    assert ended.code == code
    assert message in " ".join(ended.err.replace("│", " ").split())


def test_options_become_a_selection(command_line: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def raw_pages(_cloud: Cloud, _bucket: str, **options: Any) -> Any:
        asked.append(options)
        return SimpleNamespace(keys=[], records=None, remarks=())

    monkeypatch.setattr("lake.operations.replay.selection.raw_pages", raw_pages)
    monkeypatch.setattr("lake.cli.replay.cloud_to_change", lambda *_: Cloud(endpoint="http://x"))
    monkeypatch.setattr(Cloud, "parameter", lambda *_: "data")

    ended = command_line("replay", "raw", "--date", "2026-11-26", "--subject", "dogs")

    assert (ended.code, ended.out) == (0, "There is no such raw page: nothing to send.\n")
    assert asked == [{"day": datetime(2026, 11, 26).date(), "run_id": None, "subject": "dogs"}]
