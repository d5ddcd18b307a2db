"""Own one server process: end it, its workers and its temporary files when it is time.

    python -m lake.local.supervisor FOLDER SAVED LIFETIME_SECONDS ENVIRONMENT_JSON COMMAND...

It is time when this process is signalled, the server ends, the folder disappears (a deleted clone),
or the lifetime is over. A server merely put in the background would outlive all of these and leave
the unpacked code of every Lambda behind.

What the server leaves becomes the newest snapshot in the folder SAVED, unless that is empty, or
this process is signalled by SIGUSR1.
"""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import psutil

from lake.local.state.sessions import LOG, Session
from lake.local.state.snapshots import NotWholeError, Snapshots
from lake.processes import running_processes

MODULE = "lake.local.supervisor"
POLL_SECONDS = 0.5
SWEEP_SECONDS = 15.0
#: A folder younger than this may belong to a worker that is about to start.
STARTING_SECONDS = 60.0
#: Begins the name of the folder into which the server unpacks a function for a worker.
WORKER_FOLDER = "ministack-lambda-"
GRACE_SECONDS = 5.0
#: A server that keeps its state writes it after it was asked to end.
SAVE_SECONDS = 120.0
#: The server's setting that names its port.
PORT = "GATEWAY_PORT"
DISCARD = signal.SIGUSR1
SIGNALS = (signal.SIGTERM, signal.SIGINT, DISCARD)


class _StopRequestedError(Exception):
    """The supervisor was signalled."""


class _DiscardRequestedError(_StopRequestedError):
    """The supervisor was told to end without saving."""


def _on_signal(number: int, _frame: FrameType | None) -> None:
    raise _DiscardRequestedError if number == DISCARD else _StopRequestedError


def members(temporary: Path) -> list[psutil.Process]:
    """Return the server and its workers: every process that was given this folder as TMPDIR.

    The parent does not show it: workers of a killed server get another one.
    """
    found = []
    for process in running_processes():
        try:
            if process.environ().get("TMPDIR") == str(temporary):
                found.append(process)
        except psutil.Error:
            continue
    return found


def folder_on_port(port: int) -> Path | None:
    """Return the folder of the supervisor whose server has a port; None if there is none."""
    for process in running_processes():
        try:
            words = process.cmdline()
            start = words.index(MODULE)
            folder, _, _, environment = words[start + 1 : start + 5]
            if json.loads(environment)[PORT] == str(port):
                return Path(folder)
        except (psutil.Error, ValueError, KeyError, TypeError):
            continue
    return None


def remove_ended_workers(temporary: Path, starting_seconds: float = STARTING_SECONDS) -> None:
    """Remove the folders of workers that have ended: up to some hundred megabytes each.

    The server removes them only when it replaces a worker that it still knows.
    """
    used = {word for member in members(temporary) for word in _words(member)}
    for folder in temporary.glob(f"{WORKER_FOLDER}*"):
        with contextlib.suppress(OSError):
            young = time.time() - folder.stat().st_mtime < starting_seconds
            if not young and not any(word.startswith(f"{folder}/") for word in used):
                shutil.rmtree(folder)


def _words(process: psutil.Process) -> list[str]:
    words: list[str] = []
    with contextlib.suppress(psutil.Error):
        words = process.cmdline()
    return words


def end_members(temporary: Path, seconds: float = GRACE_SECONDS) -> None:
    """End the server and its workers, at first by SIGTERM, then by SIGKILL."""
    family = members(temporary)
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.terminate()
    psutil.wait_procs(family, timeout=seconds)
    for member in members(temporary):
        with contextlib.suppress(psutil.Error):
            member.kill()


def end_session(
    folder: Path, temporary: Path, saved: Path | None, port: int, *, save: bool = True
) -> None:
    """End the server, save what it leaves if that is whole, and remove its files.

    Parameters
    ----------
    folder
        The supervisor's; nothing is saved where it was deleted.
    temporary
        The server's.
    saved
        Where the snapshots are; None where nothing is kept.
    port
        The server's.
    save
        Whether this session is kept.
    """
    session = Session(folder)
    keeps = saved is not None and temporary.is_dir() and session.unsaved() is not None
    end_members(temporary, SAVE_SECONDS if keeps and save else GRACE_SECONDS)
    if saved is not None and keeps and folder.is_dir():
        try:
            if save:
                _require_ended(temporary)
                Snapshots(saved).save(temporary, port, folder / LOG)
            session.close()
        except (NotWholeError, OSError) as error:
            session.note_problem(str(error))
    shutil.rmtree(temporary, ignore_errors=True)


def _require_ended(temporary: Path) -> None:
    # The server removes this file last, where it ended of itself.
    if any(temporary.glob("ministack-*.pid")):
        raise NotWholeError("the server was killed")


def supervise(
    folder: Path,
    saved: Path | None,
    lifetime: float,
    environment: dict[str, str],
    command: list[str],
) -> None:
    """Run the command until it is time to end it, then clean up."""
    temporary = Path(environment["TMPDIR"])
    deadline = time.monotonic() + lifetime
    server = subprocess.Popen(command, env=environment, cwd=temporary)
    swept = time.monotonic()
    save = True
    try:
        while server.poll() is None and folder.exists() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            if time.monotonic() - swept > SWEEP_SECONDS:
                remove_ended_workers(temporary)
                swept = time.monotonic()
    except _StopRequestedError as request:
        save = not isinstance(request, _DiscardRequestedError)
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        end_session(folder, temporary, saved, int(environment[PORT]), save=save)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(GRACE_SECONDS)


def main(arguments: list[str]) -> None:
    """Supervise the command given on the command line."""
    for number in SIGNALS:
        signal.signal(number, _on_signal)
    folder, saved, lifetime, environment, *command = arguments
    supervise(
        Path(folder),
        Path(saved) if saved else None,
        float(lifetime),
        json.loads(environment),
        command,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
