"""The local AWS with a server that is small but real: processes, ports and files are."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from lake.errors import LocalAwsDownError, LocalAwsStartError, PortInUseError
from lake.local import local_aws, supervisor
from lake.local.local_aws import LocalAws, Server, free_port, server_environment
from lake.local.supervisor import members

# Answers as MiniStack does, and has a worker as a Lambda function is one.
SERVER = """
import os, socket, subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(os.path.join(os.environ["TMPDIR"], "unpacked-code"), "w").close()
listener = socket.create_server(("127.0.0.1", int(os.environ["GATEWAY_PORT"])))
while True:
    connection, _ = listener.accept()
    found = b"/_ministack/health" in connection.recv(4096)
    status = b"200 OK" if found else b"404 Not Found"
    connection.sendall(b"HTTP/1.0 " + status + b"\\r\\nContent-Length: 0\\r\\n\\r\\n")
    connection.close()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalAws]:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    found = LocalAws(tmp_path / "local", [sys.executable, str(script)])
    yield found
    found.stop()


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def temporary(server: LocalAws) -> Path:
    return server.folder / "tmp"


@pytest.fixture
def busy(server: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """A server that runs and no longer answers."""
    server.start(free_port())
    monkeypatch.setattr(local_aws, "_answers", lambda _server: False)
    return server


def port_of(server: LocalAws) -> int:
    """Return the port that a server listens on."""
    return int(json.loads((server.folder / "server.json").read_text())["port"])


def test_a_server_that_is_too_busy_to_answer_is_alive(busy: LocalAws) -> None:
    assert busy.is_alive()
    busy.require_port(port_of(busy))
    with pytest.raises(LocalAwsDownError, match="does not answer") as caught:
        busy.require()
    assert "./lake down" in caught.value.hint

    busy.stop()
    assert not busy.is_alive()


def test_a_server_that_is_too_busy_to_answer_is_not_ended_by_a_start(
    busy: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_aws, "BUSY_SECONDS", 0.1)
    before = members(temporary(busy))

    with pytest.raises(LocalAwsDownError, match="does not answer"):
        busy.start(free_port())

    assert members(temporary(busy)) == before


def test_two_starts_at_once_are_one_server(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(f"import time; time.sleep(0.5)\n{SERVER}")
    pair = [LocalAws(tmp_path / "local", [sys.executable, str(script)]) for _ in range(2)]
    port = free_port()

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda local: local.start(port), pair)

    try:
        assert first == second == pair[0].running()
    finally:
        for local in pair:
            local.stop()


def test_it_starts_is_found_again_and_stops(server: LocalAws) -> None:
    assert server.running() is None
    port = free_port()
    started = server.start(port)
    assert started.endpoint == f"http://127.0.0.1:{port}"
    assert LocalAws(server.folder, server.command).require() == started
    assert server.start(free_port()) == started
    assert len(members(temporary(server))) == 2
    assert server.stop()
    assert server.running() is None
    assert members(temporary(server)) == []
    assert not temporary(server).exists()
    assert not psutil.pid_exists(started.supervisor_pid)
    assert not server.stop()


def test_a_workers_folder_goes_when_the_worker_has_ended(server: LocalAws) -> None:
    """GIVEN folders of a live, an ended and a starting worker THEN the ended one's goes."""
    server.start(free_port())
    folders = {
        name: temporary(server) / f"{supervisor.WORKER_FOLDER}{name}"
        for name in ("live", "ended", "starting")
    }
    for folder in folders.values():
        (folder / "code").mkdir(parents=True)
    for name in ("live", "ended"):
        os.utime(folders[name], (0, 0))
    script = folders["live"] / "_worker.py"
    script.write_text("import time; time.sleep(60)")
    worker = subprocess.Popen([sys.executable, str(script)], env={"TMPDIR": str(temporary(server))})
    try:
        supervisor.remove_ended_workers(temporary(server))
    finally:
        worker.kill()
        worker.wait()

    assert {name: folder.exists() for name, folder in folders.items()} == {
        "live": True,
        "ended": False,
        "starting": True,
    }


def test_without_it_the_hint_says_how_to_start(server: LocalAws) -> None:
    with pytest.raises(LocalAwsDownError, match="not running") as caught:
        server.require()
    assert "./lake up" in caught.value.hint


def test_a_port_in_use_is_refused(server: LocalAws) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"Port {port} of 127.0.0.1 is in use"):
            server.start(port)
    assert members(temporary(server)) == []


def test_the_lake_of_another_clone_on_the_port_is_named(server: LocalAws, tmp_path: Path) -> None:
    other = LocalAws(tmp_path / "other/.lake/local", server.command)
    port = other.start(free_port()).port
    try:
        with pytest.raises(PortInUseError, match=f"the lake of {tmp_path}/other") as caught:
            server.require_port(port)
        assert f"'{tmp_path}/other/lake down'" in caught.value.hint
        other.require_port(port)
    finally:
        other.stop()


def test_a_server_that_ends_at_once_is_reported_with_its_output(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no module named ministack')"]
    server = LocalAws(tmp_path / "local", command)
    with pytest.raises(LocalAwsStartError, match="no module named ministack"):
        server.start(free_port())
    assert not temporary(server).exists()
    with pytest.raises(LocalAwsDownError):
        server.require()


def test_a_server_that_does_not_answer_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_aws, "START_TIMEOUT_SECONDS", 0.5)
    server = LocalAws(tmp_path / "local", [sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(LocalAwsStartError, match="no output"):
        server.start(free_port())
    assert members(temporary(server)) == []


def test_processes_of_a_killed_supervisor_are_found(server: LocalAws) -> None:
    started = server.start(free_port())
    process = psutil.Process(started.supervisor_pid)
    process.kill()
    process.wait(5)
    assert len(members(temporary(server))) == 2
    with pytest.raises(LocalAwsDownError) as caught:
        server.require()
    assert str(server.log) in caught.value.hint
    assert server.is_alive()
    assert server.stop()
    assert members(temporary(server)) == []
    assert not temporary(server).exists()


def test_it_ends_when_its_folder_is_deleted(server: LocalAws) -> None:
    """GIVEN a running server, WHEN the clone is deleted, THEN no process is left."""
    started = server.start(free_port())
    server.folder.rename(server.folder.with_name("deleted"))
    assert wait_for(lambda: not members(temporary(server)))
    psutil.Process(started.supervisor_pid).wait(5)


def test_the_supervisor_ends_with_its_server(server: LocalAws) -> None:
    started = server.start(free_port())
    for process in members(temporary(server)):
        if process.cmdline() == server.command:
            process.kill()
    psutil.Process(started.supervisor_pid).wait(5)
    assert members(temporary(server)) == []
    assert not temporary(server).exists()


def test_the_server_of_another_clone_is_not_ours(server: LocalAws, tmp_path: Path) -> None:
    """GIVEN a record of a dead server whose port another clone uses now, THEN ours is down."""
    other = server.start(free_port())
    ours = LocalAws(tmp_path / "ours", server.command)
    ours.folder.mkdir()
    record = {"port": other.port, "supervisor_pid": other.supervisor_pid}
    (ours.folder / "server.json").write_text(json.dumps(record))
    assert ours.running() is None
    assert not ours.stop()
    assert server.running() == other


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"port": 1}', '{"port": "x", "pid": 1}'])
def test_a_damaged_record_means_not_running(server: LocalAws, record: str) -> None:
    server.folder.mkdir()
    (server.folder / "server.json").write_text(record)
    assert server.running() is None
    assert not server.stop()


def test_the_server_inherits_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    environment = server_environment(4566, tmp_path, enforce_iam=True)
    assert not {"AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"} & set(environment)
    assert environment["BIND_HOST"] == "127.0.0.1"
    assert environment["AUTH"] == "true"


def test_the_functions_log_what_they_do(tmp_path: Path) -> None:
    environment = server_environment(4566, tmp_path, enforce_iam=False)
    assert (environment["LOG_LEVEL"], environment["POWERTOOLS_LOG_LEVEL"]) == ("WARNING", "INFO")


def test_the_supervisor_ends_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.01)
    environment = {"TMPDIR": str(tmp_path / "tmp"), supervisor.PORT: "4566"}
    (tmp_path / "tmp").mkdir()
    before = [signal.getsignal(number) for number in supervisor.SIGNALS]
    try:
        supervisor.supervise(
            tmp_path, None, 0.1, environment, [sys.executable, "-c", "import time; time.sleep(60)"]
        )
    finally:
        for number, handler in zip(supervisor.SIGNALS, before, strict=True):
            signal.signal(number, handler)
    assert members(tmp_path / "tmp") == []
    assert not (tmp_path / "tmp").exists()


def test_the_endpoint_is_on_this_machine() -> None:
    assert Server(4566, 1).endpoint == "http://127.0.0.1:4566"
