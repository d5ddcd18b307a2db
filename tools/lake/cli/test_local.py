"""What `down` and `clean` say before they delete."""

from pathlib import Path
from typing import Any

import pytest

from lake.cli.conftest import Lake
from lake.local import contents
from lake.local.local_aws import LocalAws, Server


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A local AWS that runs; what was stopped of it."""
    calls: list[str] = []
    monkeypatch.setattr(LocalAws, "running", lambda _self: Server(4566, 1))

    def stop(_local: LocalAws) -> bool:
        calls.append("server")
        return True

    monkeypatch.setattr(LocalAws, "stop", stop)
    monkeypatch.setattr(
        "lake.deploy.packaging.stop_daemon", lambda _project: calls.append("daemon")
    )
    monkeypatch.setattr(contents, "loaded_dumps", lambda _cloud: ["20260930T235959Z"])
    return calls


def _answer(monkeypatch: pytest.MonkeyPatch, *, yes: bool) -> list[str]:
    asked: list[str] = []

    def confirm(question: str, **_: Any) -> bool:
        asked.append(question)
        return yes

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", confirm)
    return asked


def test_down_asks_before_it_deletes_a_dump(
    command_line: Lake, stopped: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _answer(monkeypatch, yes=False)

    ended = command_line("down")

    assert (ended.code, stopped) == (1, [])
    assert "This deletes the dumps loaded as 20260930T235959Z." in ended.err
    assert asked == ["Stop the local AWS?"]


@pytest.mark.parametrize("words", [("down", "--yes"), ("down",)])
def test_down_asks_nobody_who_said_yes_or_is_not_there(
    command_line: Lake, stopped: list[str], words: tuple[str, ...]
) -> None:
    ended = command_line(*words)

    assert (ended.code, stopped) == (0, ["daemon", "server"])


def test_clean_shows_sizes_and_removes_nothing_unasked(command_line: Lake, tmp_path: Path) -> None:
    package = tmp_path / "dist/services/x.zip"
    package.parent.mkdir(parents=True)
    package.write_bytes(b"x" * 2_000_000)

    ended = command_line("clean")

    assert "2 MB" in ended.out
    assert "Nothing was removed" in ended.out
    assert package.exists()

    ended = command_line("clean", "--yes")

    assert "2 MB are free again" in ended.out
    assert not package.exists()
