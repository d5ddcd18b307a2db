"""Sessions of a server that is small but real, and keeps its state as the local AWS does."""

import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lake.errors import LocalAwsError, LocalAwsStartError
from lake.local.local_aws import LocalAws, free_port
from lake.local.state.notes import notes_on_start, notes_on_stop
from lake.local.supervisor import members

# Counts the calls of /add; it writes the count, and then removes its process file, as it ends.
SERVER = """
import json, os, signal, socket, sys
state, port = os.environ["STATE_DIR"], os.environ["GATEWAY_PORT"]
file, process = f"{state}/x.json", f"{os.environ['TMPDIR']}/ministack-{port}.pid"
count = json.load(open(file))["payload"]["count"] if os.path.exists(file) else 0
if count == 7:
    print("ERROR Failed to restore persisted state for x; continuing fresh", flush=True)
open(process, "w").close()
def end(*_):
    if count == 6:
        print("ERROR Persistence: failed to save x: disk full", flush=True)
    else:
        os.makedirs(state, exist_ok=True)
        with open(f"{file}.tmp", "w") as new:
            json.dump({"payload": {"count": count}}, new)
        os.replace(f"{file}.tmp", file)
    os.remove(process)
    sys.exit()
signal.signal(signal.SIGTERM, end)
listener = socket.create_server(("127.0.0.1", int(port)))
while True:
    connection, _ = listener.accept()
    count += b"GET /add" in connection.recv(4096)
    body = str(count).encode()
    connection.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    connection.close()
"""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalAws]:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    found = LocalAws(tmp_path / "local", [sys.executable, str(script)], keeps_state=True)
    yield found
    found.stop()


def _call(local: LocalAws, path: str = "/count") -> int:
    with urllib.request.urlopen(f"{local.require().endpoint}{path}") as answer:  # noqa: S310 (ours)
        return int(answer.read())


def _start_and_add(local: LocalAws, times: int = 1) -> None:
    local.start(free_port())
    for _ in range(times):
        _call(local, "/add")


def _kill(local: LocalAws, *, supervisor: bool = True) -> None:
    """Kill the server, and at first its supervisor, as a power failure does."""
    owner = psutil.Process(local.require().supervisor_pid)
    family = members(local.folder / "tmp")
    if supervisor:
        owner.kill()
    for process in family:
        process.kill()
    psutil.wait_procs([owner, *family], timeout=10)


def test_a_restart_goes_on_with_what_was_there(local: LocalAws) -> None:
    _start_and_add(local)
    local.stop()
    _start_and_add(local)

    assert _call(local) == 2
    assert local.unsaved() is None


@pytest.mark.parametrize("supervisor", [True, False])
def test_after_a_kill_the_last_whole_state_is_back_and_the_loss_is_said(
    local: LocalAws, supervisor: bool
) -> None:
    # GIVEN a lake that was saved, and a session that was killed
    _start_and_add(local)
    local.stop()
    _start_and_add(local, times=3)
    _kill(local, supervisor=supervisor)

    # WHEN it is started again
    lost, goes_on = notes_on_start(local)
    local.start(free_port())

    # THEN
    assert "is lost with what it did" in lost
    assert "was killed" in lost
    assert "goes on with the lake saved at" in goes_on
    assert _call(local) == 1
    local.stop()
    assert len(notes_on_start(local)) == 1


def test_a_server_whose_supervisor_alone_was_killed_is_saved(local: LocalAws) -> None:
    _start_and_add(local)
    psutil.Process(local.require().supervisor_pid).kill()
    local.stop()
    local.start(free_port())

    assert _call(local) == 1


def test_a_server_that_was_told_to_end_by_the_system_is_saved(local: LocalAws) -> None:
    _start_and_add(local)
    owner = psutil.Process(local.require().supervisor_pid)
    for process in members(local.folder / "tmp"):
        process.terminate()
    owner.wait(10)
    local.start(free_port())

    assert _call(local) == 1


def test_a_session_that_is_not_to_be_kept_leaves_the_lake_as_it_was(local: LocalAws) -> None:
    _start_and_add(local)
    local.stop()
    _start_and_add(local)
    local.stop(save=False)

    assert local.unsaved() is None
    local.start(free_port())
    assert _call(local) == 1


def test_a_session_that_cannot_be_saved_is_reported_by_the_stop(local: LocalAws) -> None:
    _start_and_add(local)
    local.stop()
    _start_and_add(local, times=5)

    assert local.stop()

    with pytest.raises(LocalAwsError, match="could not be saved: .*disk full") as caught:
        notes_on_stop(local, stopped=True)
    assert "the lake is as of" in caught.value.message


def test_a_state_that_the_server_cannot_read_is_not_taken_for_an_empty_one(
    local: LocalAws,
) -> None:
    _start_and_add(local, times=7)
    local.stop()

    with pytest.raises(LocalAwsStartError, match="cannot be restored") as caught:
        local.start(free_port())

    assert "./lake down --wipe" in caught.value.hint
    assert local.saved() is not None
    assert members(local.folder / "tmp") == []


def test_a_stop_says_where_the_lake_is(local: LocalAws) -> None:
    assert notes_on_stop(local, stopped=False) == ["Nothing is saved."]

    _start_and_add(local)
    local.stop()

    (note,) = notes_on_stop(local, stopped=True)
    assert f"MB, is in {local.folder}/saved" in note


def test_what_was_wiped_is_gone(local: LocalAws) -> None:
    _start_and_add(local)
    local.stop()
    local.wipe()

    assert notes_on_start(local) == []
    local.start(free_port())
    assert _call(local) == 0


def test_without_keeping_nothing_is_written(local: LocalAws) -> None:
    disposable = LocalAws(local.folder, local.command)
    _start_and_add(disposable)
    disposable.stop()

    assert not (local.folder / "saved").exists()
    assert disposable.unsaved() is None
