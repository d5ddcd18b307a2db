"""`./lake config`, and what a `lake.toml` changes for every command."""

import json
from pathlib import Path
from typing import Any

import pytest

from lake.aws import Cloud
from lake.cli import options
from lake.cli.conftest import Lake


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LAKE_APP", "LAKE_ENV", "LAKE_CONTACT", "LAKE_PORT", "LAKE_SUBJECTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def statuses(monkeypatch: pytest.MonkeyPatch) -> list[Cloud]:
    """What `status` was asked about."""
    seen: list[Cloud] = []

    def read(cloud: Cloud, *_: Any) -> Any:
        seen.append(cloud)
        raise SystemExit(0)

    monkeypatch.setattr("lake.operations.status.reading.read_status", read)
    return seen


def test_each_value_is_shown_with_where_it_comes_from(
    command_line: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lake.toml").write_text('app = "atlas"\nsubjects = ["dogs"]\n')
    monkeypatch.setenv("LAKE_PORT", "5000")

    ended = command_line("config", "--env", "dev", "--json")

    assert [tuple(record.values()) for record in json.loads(ended.out)] == [
        ("app", "atlas", "lake.toml"),
        ("environment", "dev", "option --env"),
        ("region", None, "default"),
        ("contact", None, "default"),
        ("port", 5000, "variable LAKE_PORT"),
        ("endpoint", None, "default"),
        ("subjects", ["dogs"], "lake.toml"),
    ]
    assert '["dogs"]' in command_line("config").out


def test_an_unknown_setting_stops_every_command(command_line: Lake, tmp_path: Path) -> None:
    (tmp_path / "lake.toml").write_text('regio = "eu-west-1"\n')

    ended = command_line("status")

    assert ended.code == 1
    assert "unknown setting 'regio'" in ended.err
    assert "Did you mean region?" in ended.err


def test_the_environment_of_the_file_is_the_default_target(
    command_line: Lake, tmp_path: Path, statuses: list[Cloud]
) -> None:
    (tmp_path / "lake.toml").write_text(
        'environment = "dev"\napp = "atlas"\nregion = "eu-west-9"\n'
    )

    assert command_line("status").code == 0
    assert command_line("status", "--env", "prod").code == 0

    assert [(cloud.env, cloud.app, cloud.is_local) for cloud in statuses] == [
        ("dev", "atlas", False),
        ("prod", "atlas", False),
    ]
    assert statuses[0].region == "eu-west-9"


@pytest.mark.parametrize("words", [("status", "--env", "local"), ("deploy", "--local")])
def test_the_local_aws_can_always_be_named(
    command_line: Lake, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "lake.toml").write_text('environment = "dev"\n')

    assert "The local AWS is not running." in command_line(*words).err


def test_the_port_is_that_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lake.toml").write_text("port = 5000\n")
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))

    assert options.configured_port() == 5000


def test_live_needs_a_contact(command_line: Lake, tmp_path: Path) -> None:
    ended = command_line("demo", "--live")

    assert ended.code == 2
    assert "--live needs --contact, or contact in lake.toml" in " ".join(
        ended.err.replace("│", " ").split()
    )


def test_a_contact_of_the_settings_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    (tmp_path / "lake.toml").write_text('contact = "me@example.org"\n')

    assert options.contact_for(live=True, contact="") == "me@example.org"
    assert options.contact_for(live=True, contact="you@example.org") == "you@example.org"
