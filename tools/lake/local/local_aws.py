"""The local AWS: MiniStack in its own environment, started in the background and found again.

A supervisor process (`lake.local.supervisor`) owns the server, so that it ends by itself and takes
its workers and its temporary files with it. What is running is written in `server.json`.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lake import web
from lake.errors import LocalAwsDownError, LocalAwsError, LocalAwsStartError, PortInUseError
from lake.local.state.sessions import LOG, Session, Unsaved
from lake.local.state.snapshots import (
    OBJECTS,
    STATE,
    NotWholeError,
    Snapshot,
    Snapshots,
    require_no_complaint,
)
from lake.locks import exclusive

if TYPE_CHECKING:
    import psutil

# It reads what was saved.
START_TIMEOUT_SECONDS = 120.0
# The state is written, and the unpacked functions are removed, some hundred megabytes each.
STOP_TIMEOUT_SECONDS = 180.0
# A server that works on something answers in the end.
BUSY_SECONDS = 60.0
# Long enough for a working day; a forgotten server ends by itself.
LIFETIME_SECONDS = 8 * 3600


@dataclass(frozen=True)
class Server:
    """A running local AWS: where it listens and which process owns it."""

    port: int
    supervisor_pid: int
    certificate: str | None = None

    @property
    def endpoint(self) -> str:
        """URL for AWS clients."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"


def server_environment(
    port: int, temporary: Path, *, enforce_iam: bool, keeps_state: bool = False
) -> dict[str, str]:
    """Return the complete environment of the server.

    Nothing is inherited but what a process needs to start: Lambda workers see this environment, and
    neither the user's credentials nor proxies may reach them. Policies deny plain text, so the
    server that enforces them speaks TLS only.
    """
    common = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(temporary),
        "LANG": "C.UTF-8",
        "TMPDIR": str(temporary),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": str(int(keeps_state)),
        "STATE_DIR": str(temporary / STATE),
        "S3_PERSIST": str(int(keeps_state)),
        "S3_DATA_DIR": str(temporary / OBJECTS),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        # The functions would take the server's level for theirs.
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    if enforce_iam:
        # Unless this is set, it passes its address and certificate to its workers itself.
        return common | {"AUTH": "true", "USE_SSL": "1"}
    return common | {"AUTH": "false", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


def port_is_free(port: int) -> bool:
    """Return whether nothing listens on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalAws:
    """Starts, finds and stops the local AWS of one folder.

    Parameters
    ----------
    folder
        Holds `server.json`, the log and, while it runs, the server's temporary files.
    command
        Starts the server, for example `[".../python", "-m", "ministack"]`.
    keeps_state
        Whether a server goes on with what the one before it saved.
    """

    def __init__(self, folder: Path, command: Sequence[str], *, keeps_state: bool = False) -> None:
        self.folder = folder
        self.command = list(command)
        self.keeps_state = keeps_state
        self._spawned: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / LOG

    @property
    def snapshots(self) -> Snapshots:
        """What is saved of earlier sessions."""
        return Snapshots(self.folder / "saved")

    @property
    def _temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def _record(self) -> Path:
        return self.folder / "server.json"

    def running(self) -> Server | None:
        """Return the server if it answers, else None."""
        server = self._supervised()
        return server if server and _answers(server) else None

    def is_alive(self) -> bool:
        """Return whether there is a server, also while it is too busy to answer, starts or ends."""
        from lake.local.supervisor import members

        return self._supervised() is not None or bool(members(self._temporary))

    def unsaved(self) -> Unsaved | None:
        """Return the last session if it has ended without being saved."""
        return None if self.is_alive() else Session(self.folder).unsaved()

    def saved(self) -> Snapshot | None:
        """Return what the next session begins with.

        Raises
        ------
        LocalAwsStartError
            It is damaged.
        """
        try:
            return self.snapshots.newest()
        except NotWholeError as error:
            raise _not_restored(error) from None

    def require(self) -> Server:
        """Return the running server.

        Raises
        ------
        LocalAwsDownError
            It is not running, or does not answer.
        """
        server = self.running()
        if server is None and self._supervised():
            raise LocalAwsDownError(
                "The local AWS does not answer.",
                "It is busy, starts or ends. Repeat in a moment, or end it with './lake down',"
                f" which saves the lake. Its log is {self.log}.",
            )
        if server is None:
            hint = "Start it with './lake up', or './lake demo' for the whole lake."
            if self._record.exists():
                hint += f" The last one has ended; its log is {self.log}."
            raise LocalAwsDownError("The local AWS is not running.", hint)
        return server

    def require_port(self, port: int) -> None:
        """Check that the server runs already, or that its port is free.

        Raises
        ------
        PortInUseError
            Something else listens on the port; the message says what, if it is another lake.
        """
        from lake.local.supervisor import folder_on_port

        if self.is_alive() or port_is_free(port):
            return
        other = folder_on_port(port)
        if other is None or other == self.folder:
            raise PortInUseError(
                f"Port {port} of 127.0.0.1 is in use by another program.",
                "Choose another with --port, or end that program.",
            )
        # <clone>/.lake/local
        clone = other.parent.parent
        raise PortInUseError(
            f"Port {port} of 127.0.0.1 is in use by the lake of {clone}.",
            f"Stop that with '{clone}/lake down', or choose another port with --port.",
        )

    def start(self, port: int, *, enforce_iam: bool = False) -> Server:
        """Start the server, or return the one that runs already.

        With `enforce_iam` policies are enforced, and it is reached over TLS; it makes the
        certificate by the command `openssl`.

        Raises
        ------
        PortInUseError
            Something else listens on the port.
        LocalAwsStartError
            The server ended, or did not answer in time, or what is saved cannot be restored.
        LocalAwsDownError
            It runs already, and does not answer.
        LocalAwsError
            Another call starts or stops it, for minutes.
        """
        with self._alone():
            return self._once_it_answers() or self._start(port, enforce_iam=enforce_iam)

    def _once_it_answers(self) -> Server | None:
        """Return the running server once it answers; None if none is running.

        A busy one is waited for, because ending it would end its work.
        """
        deadline = time.monotonic() + BUSY_SECONDS
        while self._supervised():
            if (server := self.running()) or time.monotonic() > deadline:
                return server or self.require()
            time.sleep(0.05)
        return None

    def _start(self, port: int, *, enforce_iam: bool) -> Server:
        self._end()  # a dead one may have left processes and files
        self.require_port(port)
        self._temporary.mkdir(parents=True)
        if self.keeps_state:
            self._restore(port)
        environment = server_environment(
            port, self._temporary, enforce_iam=enforce_iam, keeps_state=self.keeps_state
        )
        process = self._spawned = self._spawn(environment)
        # Where MiniStack puts it, below its TMPDIR.
        certificate = str(self._temporary / "ministack-tls/server.crt") if enforce_iam else None
        server = Server(port, process.pid, certificate)
        self._record.write_text(json.dumps(asdict(server)))
        try:
            self._wait_until_ready(server, process)
            require_no_complaint(self.log)
        except NotWholeError as error:
            self._end(save=False)
            raise _not_restored(error) from None
        except BaseException:
            self._end(save=False)
            raise
        return server

    def _restore(self, port: int) -> None:
        try:
            self.snapshots.copy_to(self._temporary, port)
        except NotWholeError as error:
            raise _not_restored(error) from None
        Session(self.folder).begin()

    def stop(self, *, save: bool = True) -> bool:
        """Stop the server with its workers; return whether it was running.

        Where state is kept, that of the session is saved; without `save`, the state before it
        remains.

        Raises
        ------
        LocalAwsError
            Another call starts or stops it, for minutes.
        """
        with self._alone():
            return self._end(save=save)

    def _alone(self) -> AbstractContextManager[int]:
        """Wait for another call that starts or stops the server: each would end what it finds."""
        taken = LocalAwsError(
            "Another call starts or stops the local AWS.", "Wait for it, and repeat."
        )
        wait = START_TIMEOUT_SECONDS + STOP_TIMEOUT_SECONDS
        return exclusive(self.folder / "lock", taken, wait_seconds=wait)

    def _end(self, *, save: bool = True) -> bool:
        import psutil

        from lake.local.supervisor import DISCARD, end_session, members

        was_running = bool(members(self._temporary))
        port = 0
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, psutil.Error):
            record = json.loads(self._record.read_text())
            port = int(record["port"])
            supervisor = self._supervisor(record["supervisor_pid"])
            if supervisor is not None:
                supervisor.send_signal(signal.SIGTERM if save else DISCARD)
                supervisor.wait(STOP_TIMEOUT_SECONDS)
        if self._spawned is not None:
            self._spawned.wait(STOP_TIMEOUT_SECONDS)
            self._spawned = None
        saved = self.snapshots.folder if self.keeps_state else None
        end_session(self.folder, self._temporary, saved, port, save=save)
        self._record.unlink(missing_ok=True)
        return was_running

    def wipe(self) -> None:
        """Delete what is saved; the server has been stopped."""
        self.snapshots.wipe()
        Session(self.folder).close()

    def _supervised(self) -> Server | None:
        """Return the server if its supervisor lives.

        What answers on its port alone may be another clone's, on a port that was once ours.
        """
        try:
            server = Server(**json.loads(self._record.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return server if self._supervisor(server.supervisor_pid) else None

    def _supervisor(self, pid: int) -> "psutil.Process | None":
        """Return the process if it is this folder's supervisor: ids are reused."""
        import psutil

        try:
            process = psutil.Process(pid)
            words = process.cmdline()
        except psutil.Error:
            return None
        return process if "lake.local.supervisor" in words and str(self.folder) in words else None

    def _spawn(self, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        supervisor = [
            sys.executable,
            "-m",
            "lake.local.supervisor",
            str(self.folder),
            str(self.snapshots.folder) if self.keeps_state else "",
            str(LIFETIME_SECONDS),
            json.dumps(dict(environment)),
            *self.command,
        ]
        with self.log.open("wb") as log:
            return subprocess.Popen(
                supervisor,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )

    def _wait_until_ready(self, server: Server, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if _answers(server):
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
        raise LocalAwsStartError(
            f"The local AWS did not start: {tail or 'no output'}", f"Its log is {self.log}."
        )


def _not_restored(error: NotWholeError) -> LocalAwsStartError:
    return LocalAwsStartError(
        f"The saved state of the local AWS cannot be restored: {error}.",
        "'./lake down --wipe' deletes it, and the next start is from scratch.",
    )


def _answers(server: Server) -> bool:
    return web.answers(f"{server.endpoint}/_ministack/health", server.certificate)
