"""Own one server process: end it, its workers and its temporary files when it is time.

    python -m lake.local.supervisor FOLDER LIFETIME_SECONDS ENVIRONMENT_JSON COMMAND...

It is time when this process is signalled, the server ends, the folder disappears (a deleted clone),
or the lifetime is over. A server merely put in the background would outlive all of these and leave
the unpacked code of every Lambda behind.
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

MODULE = "lake.local.supervisor"
POLL_SECONDS = 0.5
SWEEP_SECONDS = 15.0
#: A folder younger than this may belong to a worker that is about to start.
STARTING_SECONDS = 60.0
#: Begins the name of the folder into which the server unpacks a function for a worker.
WORKER_FOLDER = "ministack-lambda-"
GRACE_SECONDS = 5.0


class _StopRequestedError(Exception):
    """The supervisor was signalled."""


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    raise _StopRequestedError


def members(temporary: Path) -> list[psutil.Process]:
    """Return the server and its workers: every process that was given this folder as TMPDIR.

    The parent does not show it: workers of a killed server get another one.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(temporary):
                found.append(process)
        except psutil.Error:
            continue
    return found


def folder_on_port(port: int) -> Path | None:
    """Return the folder of the supervisor whose server has a port; None if there is none."""
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            start = words.index(MODULE)
            folder, _, environment = words[start + 1 : start + 4]
            if json.loads(environment)["GATEWAY_PORT"] == str(port):
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


def end_members(temporary: Path) -> None:
    """End the server and its workers, at first by SIGTERM, then by SIGKILL; remove their files."""
    family = members(temporary)
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.terminate()
    psutil.wait_procs(family, timeout=GRACE_SECONDS)
    for member in members(temporary):
        with contextlib.suppress(psutil.Error):
            member.kill()
    shutil.rmtree(temporary, ignore_errors=True)


def supervise(
    folder: Path, lifetime: float, environment: dict[str, str], command: list[str]
) -> None:
    """Run the command until it is time to end it, then clean up."""
    temporary = Path(environment["TMPDIR"])
    end_members(temporary)
    temporary.mkdir(parents=True)
    deadline = time.monotonic() + lifetime
    server = subprocess.Popen(command, env=environment, cwd=temporary)
    swept = time.monotonic()
    try:
        while server.poll() is None and folder.exists() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            if time.monotonic() - swept > SWEEP_SECONDS:
                remove_ended_workers(temporary)
                swept = time.monotonic()
    except _StopRequestedError:
        pass
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        end_members(temporary)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(GRACE_SECONDS)


def main(arguments: list[str]) -> None:
    """Supervise the command given on the command line."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _on_signal)
    folder, lifetime, environment, *command = arguments
    supervise(Path(folder), float(lifetime), json.loads(environment), command)


if __name__ == "__main__":
    main(sys.argv[1:])
