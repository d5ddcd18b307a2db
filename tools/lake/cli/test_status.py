"""How the state of a lake looks at 80 columns, and when it is not shown."""

import io
from dataclasses import replace

import pytest
from rich.console import Console, Group

from lake.cli.conftest import Lake
from lake.cli.status import status_view
from lake.etl.job_runs import JobRun
from lake.operations.status.quarantine import QuarantineStatus
from lake.operations.status.reading import EtlStatus, LakeStatus, QueueStatus, UnitStatus
from lake.operations.status.runs import RunStatus, SubjectGap

RUN, BUILD = "20261126T155959Z", "20261126T160512Z-0a1b2c3d"
SUBJECT = "person:william_shakespeare"
STATUS = LakeStatus(
    env="dev",
    endpoint=None,
    region="eu-central-1",
    units=[UnitStatus("process", "UPDATE_COMPLETE", "2026-11-26 15:00:00", "0.2.0", "a" * 40, "g")],
    queues=[QueueStatus("process dead letters", 1_234_567, 12, 86_400)],
    runs=[
        RunStatus(
            RUN, "processing", "partial", None, 10_000, 9_876_543, 129_600, 1234, 9_800_000, 76_543
        )
    ],
    freshness_hours=1234.5,
    gaps=[SubjectGap(RUN, SUBJECT, "partial", "undercount: 90 distinct works of 100 announced")],
    quarantine=QuarantineStatus(RUN, {"record.missing_field": 76_543}, complete=False),
    etl=EtlStatus(
        BUILD,
        "2026-11-26 16:05:12",
        2.5,
        waiting_runs=[RUN],
        job_runs=[JobRun("etl", "2026-11-26 16:00:00", "SUCCEEDED", 312.0)],
    ),
)


def shown(status: LakeStatus, *, units: bool = True, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(Group(*status_view(status, units=units)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_id_and_no_number_is_cut(width: int) -> None:
    text = shown(STATUS, width=width)

    for value in (RUN, SUBJECT, "1234567", "86400", "1234/129600", "9876543", "76543"):
        assert value in text, value
    assert "".join(text.split()).count(BUILD) == 1
    assert max(len(line) for line in text.splitlines()) <= width


def test_all_of_it_is_there() -> None:
    text = " ".join(shown(STATUS).split())

    for part in (
        "environment dev, AWS, eu-central-1",
        f"Not whole in run {RUN}: 1 subject",
        f"Quarantine of run {RUN}, of its first pages",
        "The newest processed run was crawled 1234.5 h ago",
        "1 processed run not in it",
        "Job runs, newest first",
    ):
        assert part in text, part


def test_what_is_damaged_is_said_below_the_runs() -> None:
    damaged = replace(STATUS.runs[0], stage="damaged", damage="s3://data/x cannot be read: {.")

    text = " ".join(shown(replace(STATUS, runs=[damaged])).split())

    assert f"Run {RUN}: s3://data/x cannot be read: {{." in text


def test_a_lake_that_was_just_made_has_an_age_in_minutes() -> None:
    text = " ".join(shown(replace(STATUS, freshness_hours=0.04)).split())

    assert "The newest processed run was crawled 2 min ago." in text


def test_what_is_watched_leaves_out_what_is_deployed() -> None:
    text = shown(STATUS, units=False)

    assert "Units" not in text
    assert "Job runs" not in text
    assert RUN in text


def test_a_lake_without_a_run_says_how_to_make_one() -> None:
    local = replace(STATUS, endpoint="http://127.0.0.1:4566", runs=[])

    assert "'./lake ingest' makes one" in shown(local)
    assert "the schedule starts one" in shown(replace(STATUS, runs=[]))


@pytest.mark.parametrize("words", [("--watch",), ("--watch", "--json")])
def test_watching_needs_a_terminal(command_line: Lake, words: tuple[str, ...]) -> None:
    ended = command_line("status", *words)

    assert ended.code == 2
    assert "--watch needs a terminal" in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("logs", "proces"), "There is no service 'proces' with a log."),
        (("logs", "--run", "latest"), "'latest' is not a run id"),
        (("logs", "--since", "yesterday"), "'yesterday' is not an age."),
    ],
)
def test_logs_of_nothing_are_refused(
    command_line: Lake, words: tuple[str, ...], message: str
) -> None:
    ended = command_line(*words)

    assert ended.code == 1
    assert message in ended.err
