"""Snapshots of files as the server writes them."""

import json
import os
from pathlib import Path

import pytest

from lake.local.state.snapshots import NotWholeError, Snapshot, Snapshots

PORT = 4700
QUEUE = "http://127.0.0.1:4700/000000000000/process"


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "saved")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.touch()
    return path


def _write(session: Path, file: str, text: str) -> None:
    """Write a file as the server does: another one of the same name."""
    path = session / file
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.tmp")
    new.write_text(text)
    new.replace(path)


def _state(value: object) -> str:
    return json.dumps({"__ministack_format__": 2, "payload": value})


def _session(folder: Path, *, queue: str = QUEUE, body: str = "1") -> Path:
    _write(folder, "state/sqs.json", _state({"queues": [queue]}))
    _write(folder, "s3/bucket/key", body)
    return folder


def _save(snapshots: Snapshots, session: Path, log: Path) -> Snapshot:
    made = snapshots.save(session, PORT, log)
    assert made is not None
    return made


def test_the_next_session_has_what_was_saved(
    snapshots: Snapshots, tmp_path: Path, log: Path
) -> None:
    made = _save(snapshots, _session(tmp_path / "first"), log)

    assert snapshots.copy_to(tmp_path / "second", PORT) == made
    assert (tmp_path / "second/s3/bucket/key").read_text() == "1"
    assert QUEUE in (tmp_path / "second/state/sqs.json").read_text()


def test_a_session_does_not_change_what_it_began_with(
    snapshots: Snapshots, tmp_path: Path, log: Path
) -> None:
    snapshots.save(_session(tmp_path / "first"), PORT, log)
    snapshots.copy_to(tmp_path / "killed", PORT)

    _write(tmp_path / "killed", "s3/bucket/key", "2")
    (tmp_path / "killed/state/sqs.json").unlink()

    snapshots.copy_to(tmp_path / "next", PORT)
    assert (tmp_path / "next/s3/bucket/key").read_text() == "1"
    assert (tmp_path / "next/state/sqs.json").exists()


def test_on_another_port_the_addresses_are_corrected(
    snapshots: Snapshots, tmp_path: Path, log: Path
) -> None:
    snapshots.save(_session(tmp_path / "first"), PORT, log)

    snapshots.copy_to(tmp_path / "second", 4701)

    text = (tmp_path / "second/state/sqs.json").read_text()
    assert json.loads(text)["payload"] == {"queues": [QUEUE.replace("4700", "4701")]}
    newest = snapshots.newest()
    assert newest is not None
    assert QUEUE in (newest.path / "state/sqs.json").read_text()


def test_only_the_newest_is_kept(snapshots: Snapshots, tmp_path: Path, log: Path) -> None:
    for number in range(2):
        made = snapshots.save(_session(tmp_path / str(number)), PORT, log)

    assert [path.name for path in snapshots.folder.iterdir()] == ["000002"]
    assert snapshots.newest() == made


def test_an_interrupted_save_leaves_the_one_before(
    snapshots: Snapshots, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _save(snapshots, _session(tmp_path / "first"), log)

    def power_fails() -> None:
        raise KeyboardInterrupt

    second = _session(tmp_path / "second", body="2")
    with monkeypatch.context() as patched:
        patched.setattr(os, "sync", power_fails)
        with pytest.raises(KeyboardInterrupt):
            snapshots.save(second, PORT, log)

    assert snapshots.newest() == first
    assert _save(snapshots, _session(tmp_path / "third"), log).path.name == "000002"


def test_a_service_that_was_not_saved_makes_the_session_not_whole(
    snapshots: Snapshots, tmp_path: Path, log: Path
) -> None:
    snapshots.save(_session(tmp_path / "first"), PORT, log)
    snapshots.copy_to(tmp_path / "second", PORT)
    _write(tmp_path / "second", "s3/bucket/key", "2")

    with pytest.raises(NotWholeError, match="did not save sqs"):
        snapshots.save(tmp_path / "second", PORT, log)


def test_a_service_without_state_need_not_be_saved_again(
    snapshots: Snapshots, tmp_path: Path, log: Path
) -> None:
    first = _session(tmp_path / "first")
    _write(first, "state/sts.json", _state({}))
    snapshots.save(first, PORT, log)
    snapshots.copy_to(tmp_path / "second", PORT)

    made = _save(snapshots, _session(tmp_path / "second"), log)

    assert (made.path / "state/sts.json").exists()


@pytest.mark.parametrize(
    "line",
    [
        "ERROR [persistence] Persistence: failed to save glue: No space left on device",
        "ERROR [persistence] Persistence: error getting state for sqs: changed during iteration",
        "WARNING [s3] Failed to persist S3 object a/b: [Errno 28]",
        "ERROR [ministack] Failed to restore persisted state for ssm; continuing fresh",
        "ERROR [lambda] Lambda persistence: code blob 1 missing at /x",
        "ERROR [persistence] Persistence: s3 state is format v9 but this MiniStack only",
    ],
)
def test_what_the_server_says_it_could_not_write_or_read_makes_it_not_whole(
    snapshots: Snapshots, tmp_path: Path, log: Path, line: str
) -> None:
    log.write_text(f"2026-11-26 WARNING [kms] not installed\n{line}\n")

    with pytest.raises(NotWholeError) as caught:
        snapshots.save(_session(tmp_path / "first"), PORT, log)

    assert line in str(caught.value)


def test_another_warning_of_the_server_does_no_harm(
    snapshots: Snapshots, tmp_path: Path, log: Path
) -> None:
    log.write_text("2026-11-26 WARNING [kms] cryptography package not installed\n")

    assert _save(snapshots, _session(tmp_path / "first"), log).files == 2


@pytest.mark.parametrize("damaged", ["s3/bucket/key", "state/sqs.json", "snapshot.json"])
def test_a_damaged_snapshot_is_refused(
    snapshots: Snapshots, tmp_path: Path, log: Path, damaged: str
) -> None:
    made = _save(snapshots, _session(tmp_path / "first"), log)
    (made.path / damaged).write_text("")

    with pytest.raises(NotWholeError):
        snapshots.copy_to(tmp_path / "second", PORT)


def test_nothing_is_saved_of_a_server_that_was_not_used(
    snapshots: Snapshots, tmp_path: Path, log: Path
) -> None:
    (tmp_path / "first").mkdir()

    snapshots.save(tmp_path / "first", PORT, log)

    assert snapshots.newest() is None
