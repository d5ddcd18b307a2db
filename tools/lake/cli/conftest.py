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


@pytest.fixture
def command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Lake]:
    """The command line in an empty clone."""
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    monkeypatch.setattr(console.settings, "debug", False)
    monkeypatch.setattr(console.settings, "endpoint", None)
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
