"""What `down` and `clean` say before they delete."""

from pathlib import Path
from typing import Any

import pytest

from lake.cli.conftest import Lake
from lake.local.local_aws import LocalAws, Server
from lake.local.state import contents


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A local AWS that runs with a dump; what was stopped and deleted of it."""
    calls: list[str] = []
    monkeypatch.setattr(LocalAws, "running", lambda _self: Server(4566, 1))

    def stop(_local: LocalAws, *, save: bool) -> bool:
        calls.append("server saved" if save else "server")
        return True

    monkeypatch.setattr(LocalAws, "stop", stop)
    monkeypatch.setattr(LocalAws, "wipe", lambda _self: calls.append("wiped"))
    monkeypatch.setattr(
        "lake.deploy.packaging.stop_daemon", lambda _project: calls.append("daemon")
    )
    monkeypatch.setattr(contents, "loss_to_confirm", lambda _local, _app: "2 runs")
    return calls


def _answer(monkeypatch: pytest.MonkeyPatch, *, yes: bool) -> list[str]:
    asked: list[str] = []

    def confirm(question: str, **_: Any) -> bool:
        asked.append(question)
        return yes

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", confirm)
    return asked


def test_down_saves_the_lake_and_asks_nothing(
    command_line: Lake, stopped: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _answer(monkeypatch, yes=False)

    ended = command_line("down")

    assert (ended.code, stopped, asked) == (0, ["daemon", "server saved"], [])


def test_wiping_asks_before_it_deletes_more_than_a_demo(
    command_line: Lake, stopped: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _answer(monkeypatch, yes=False)

    ended = command_line("down", "--wipe")

    assert (ended.code, stopped) == (1, [])
    assert "This deletes 2 runs." in ended.err
    assert asked == ["Delete the lake?"]


def test_wiping_without_a_terminal_deletes_nothing_unasked(
    command_line: Lake, stopped: list[str]
) -> None:
    ended = command_line("down", "--wipe")

    assert (ended.code, stopped) == (1, [])
    assert "--yes" in ended.err


@pytest.mark.parametrize("agrees", ["--yes", "at the terminal"])
def test_wiping_deletes_once_somebody_agreed(
    command_line: Lake, stopped: list[str], monkeypatch: pytest.MonkeyPatch, agrees: str
) -> None:
    _answer(monkeypatch, yes=agrees != "--yes")

    ended = command_line("down", "--wipe", *([agrees] if agrees == "--yes" else []))

    assert (ended.code, stopped) == (0, ["daemon", "server", "wiped"])


def test_clean_names_folders_in_full_on_a_narrow_terminal(
    command_line: Lake,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = (
        tmp_path_factory.mktemp("home")
        / "a home whose name is so long that a path in it fits no line of eighty"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    for folder in (home / ".cache/pants", home / ".cache/openlake", tmp_path / "dist"):
        folder.mkdir(parents=True)

    ended = command_line("clean", "--caches")

    assert "…" not in ended.out
    for name in ("~/.cache/pants", "~/.cache/openlake", " dist "):
        assert name in ended.out, name


@pytest.mark.parametrize("alive", [True, False])
def test_clean_leaves_the_work_of_a_local_aws_that_does_not_answer(
    command_line: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: bool
) -> None:
    work = tmp_path / ".lake/local/tmp/state"
    work.mkdir(parents=True)
    monkeypatch.setattr(LocalAws, "running", lambda _self: None)
    monkeypatch.setattr(LocalAws, "is_alive", lambda _self: alive)

    command_line("clean", "--yes")

    assert work.exists() == alive


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
