"""How the command line ends: exit codes, a line and a hint, and never a traceback unasked."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lake.aws import Cloud
from lake.cli import targets
from lake.cli.conftest import Lake
from lake.project import Project
from lake.reports.report import Report
from lake.terminal import console
from lake.terminal.progress import Progress

COMMANDS = (
    ("status",),
    ("deploy", "foundation", "--yes"),
    ("etl",),
    ("backfill", "https://openlibrary.org/data/ol_dump_works_2026-09-30.txt.gz"),
    ("query", "SELECT 1"),
    ("report",),
    ("tables",),
    ("describe", "works"),
)


def broken(*_: object) -> None:
    raise ZeroDivisionError("a defect")


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_no_region_is_a_line_and_a_hint_for_every_command(
    command_line: Lake, words: tuple[str, ...]
) -> None:
    ended = command_line(*words, "--env", "dev")

    assert ended.code == 1
    assert ended.err == (
        "error: No AWS region is set.\n"
        "Set AWS_REGION, for example AWS_REGION=eu-central-1, or a region in your profile"
        " or in lake.toml.\n"
    )


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_no_credentials_are_a_line_and_a_hint_for_every_command(
    command_line: Lake, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    ended = command_line(*words, "--env", "dev")

    assert ended.code == 1
    assert ended.err.splitlines()[-2:] == [
        "error: Unable to locate credentials.",
        "Sign in with 'aws sso login', or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
        " AWS_SECRET_ACCESS_KEY.",
    ]
    assert "Traceback" not in ended.err


def test_an_unknown_profile_is_named(command_line: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    ended = command_line("status", "--env", "dev")

    assert ended.code == 1
    assert ended.err.startswith("error: The config profile (nobody) could not be found.\n")


def test_an_unexpected_error_is_two_lines_and_a_log(
    command_line: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(targets, "local_aws", broken)

    ended = command_line("query", "SELECT 1")

    log = tmp_path / ".lake/error.log"
    assert ended.code == 70
    assert ended.err == (
        "error: Unexpected error: ZeroDivisionError: a defect\n" f"The traceback is in {log}.\n"
    )
    assert "lake query SELECT 1" in log.read_text()
    assert 'raise ZeroDivisionError("a defect")' in log.read_text()


def test_debug_shows_the_traceback(command_line: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "local_aws", broken)

    ended = command_line("--debug", "query", "SELECT 1")

    assert ended.code == 70
    assert "Traceback (most recent call last)" in ended.err


def test_a_read_only_folder_keeps_the_log_elsewhere(
    command_line: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(targets, "local_aws", broken)
    (tmp_path / ".lake").write_text("not a folder")

    ended = command_line("query", "SELECT 1")

    log = Path(ended.err.split("The traceback is in ")[1].strip().rstrip("."))
    assert ended.code == 70
    assert "a defect" in log.read_text()
    log.unlink()


def test_a_local_aws_that_is_down_says_how_to_start_it(command_line: Lake) -> None:
    ended = command_line("query", "SELECT 1")

    assert ended.code == 1
    assert ended.err == (
        "error: The local AWS is not running.\n"
        "Start it with './lake up', or './lake demo' for the whole lake.\n"
    )


def test_deploy_goes_to_the_local_aws_like_every_command(command_line: Lake) -> None:
    ended = command_line("deploy", "process")

    assert "The local AWS is not running." in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("deploy", "--local", "--env", "dev"), "--local and --env dev are two targets"),
        (("deploy", "--env", ""), "is not a name such as dev"),
        (("etl", "--memory", "lots"), "'lots' is not an amount such as 512m or 4g"),
        (("backfill", "x", "--memory", "0g"), "'0g' is not an amount"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    command_line: Lake, words: tuple[str, ...], message: str
) -> None:
    ended = command_line(*words)

    assert ended.code == 2
    assert message in " ".join(ended.err.replace("│", " ").split())


def test_a_misspelt_unit_is_answered_with_the_one_that_was_meant(
    command_line: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.cli.deploy.cloud_to_change", lambda *_: Cloud(endpoint="http://x"))

    ended = command_line("deploy", "proces")

    assert ended.code == 1
    assert "Did you mean process?" in ended.err


def test_a_report_goes_below_the_folder_of_the_caller(
    command_line: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders: list[Path] = []

    def make_report(_cloud: Cloud, _python: Path, _project: Project, folder: Path, **_: Any) -> Any:
        folders.append(folder)
        return Report(page="p", images=[], run_id=None, published=["s3://x"])

    monkeypatch.setenv("LAKE_CALLED_FROM", str(tmp_path / "caller"))
    monkeypatch.setattr("lake.cli.reports.cloud_to_change", lambda *_: Cloud(endpoint="http://x"))
    monkeypatch.setattr("lake.local.environments.environment", lambda *_: Path("python"))
    monkeypatch.setattr("lake.reports.report.make_report", make_report)

    assert command_line("report", "--output", "here").code == 0

    assert folders == [tmp_path / "caller/here"]


def test_the_version_names_commit_and_services(command_line: Lake, tmp_path: Path) -> None:
    for service, version in (("ingest", "1.2.0"), ("process", "0.3.1")):
        path = tmp_path / "services" / service / "VERSION"
        path.parent.mkdir(parents=True)
        path.write_text(f"{version}\n")

    ended = command_line("--version")

    assert ended.code == 0
    assert ended.out == "openlake of an unknown commit\ningest 1.2.0\nprocess 0.3.1\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("./lake sta", ["status"]),
        ("./lake deploy pro", ["process"]),
        ("./lake query --view lake_s", ["lake_summary"]),
    ],
)
def test_a_shell_completes_commands_units_and_views(
    command_line: Lake, monkeypatch: pytest.MonkeyPatch, typed: str, offered: list[str]
) -> None:
    monkeypatch.setenv("_LAKE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))

    assert command_line().out.split() == offered


def test_verbose_keeps_the_details_of_a_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for verbose, expected in ((False, False), (True, True)):
        monkeypatch.setattr(console.settings, "verbose", verbose)
        with Progress(Console(stderr=True)).step("Deploy") as say:
            say("create stack")

        assert ("create stack" in capsys.readouterr().err) is expected


def test_a_dump_of_something_else_is_refused_before_anything_is_set_up(
    command_line: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_CALLED_FROM", str(tmp_path))
    (tmp_path / "ol_dump_authors_2026-09-30.txt").write_text("/type/author\t")

    ended = command_line("backfill", "ol_dump_authors_2026-09-30.txt")

    assert ended.code == 1
    assert "is not the name of a dump of works" in ended.err
