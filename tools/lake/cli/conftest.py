import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lake.cli import app
from lake.terminal import console


@dataclass(frozen=True)
class Ended:
    """How a call of the command line ended."""

    code: int
    out: str
    err: str


Lake = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _no_aws_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the user's settings of AWS, and ask no metadata service for others."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Lake]:
    """The command line in an empty clone."""
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    monkeypatch.setattr(console.settings, "debug", False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def call(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["lake", *words])
        with pytest.raises(SystemExit) as caught:
            app.main()
        printed = capsys.readouterr()
        code = caught.value.code
        return Ended(code if isinstance(code, int) else 1, printed.out, printed.err)

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)
