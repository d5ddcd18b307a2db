import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lake.aws import Cloud
from lake.errors import EtlFailedError, LakeError, PrerequisiteError
from lake.etl.workspace import Workspace
from lake.local.spark import SparkJobs, aws_environment, prepare, require_java
from lake.project import Project

Job = Callable[[str], SparkJobs]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Make a job of a program."""

    def make(program: str) -> SparkJobs:
        (tmp_path / "a_job.py").write_text(program)
        return SparkJobs([sys.executable], [tmp_path])

    return make


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "work/job.log"


@pytest.fixture(autouse=True)
def _work(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()


def lives(process: int) -> bool:
    """Return whether a process runs; one that only waits to be reaped does not."""
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def java(folder: Path, says: str) -> None:
    path = folder / "bin/java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    path.chmod(0o755)


def test_a_missing_java_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PrerequisiteError, match="needs Java") as caught:
        require_java()

    assert "openjdk-17" in caught.value.hint


@pytest.mark.parametrize(
    "says",
    [
        'openjdk version "11.0.2"',
        'java version "1.8.0_1"',
        'openjdk version "24"',
        "oops",
    ],
)
def test_a_java_that_spark_does_not_run_on_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str
) -> None:
    java(tmp_path, says)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(PrerequisiteError, match="Java 17 or 21"):
        require_java()


def test_a_newer_java_is_accepted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java(tmp_path, 'openjdk version "21.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    assert require_java() == 'openjdk version "21.0.1"\n'


def test_an_environment_that_cannot_be_created_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    java(tmp_path, 'openjdk version "17.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    script = tmp_path / "build-support/venv"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\necho "no index for $1" >&2\nexit 1\n')
    script.chmod(0o755)

    with pytest.raises(PrerequisiteError, match="no index for spark"):
        prepare(Project(tmp_path))


def test_the_result_is_the_last_line(job: Job, log: Path) -> None:
    program = "import sys; print('noise'); print('{\"argv\": ' + repr(len(sys.argv)) + '}')"

    assert job(program).run("a_job", {"run-id": "R", "full": "true"}, log) == {"argv": 5}


def test_a_failure_quotes_the_jobs_own_error(job: Job, log: Path) -> None:
    program = """
print('{"status": "failed", "code": "rules.failed", "message": "keys_unique:works"}')
raise SystemExit(1)
"""
    with pytest.raises(EtlFailedError, match="rules.failed.*keys_unique:works") as caught:
        job(program).run("a_job", {}, log)

    assert caught.value.code == "rules.failed"
    assert "The published build is unchanged" in caught.value.hint


def test_a_transient_failure_is_to_be_run_again(job: Job, log: Path) -> None:
    program = """
print('{"status": "failed", "code": "x", "message": "no answer", "transient": true}')
raise SystemExit(1)
"""
    with pytest.raises(EtlFailedError) as caught:
        job(program).run("a_job", {}, log)

    assert caught.value.hint == "Run it again."


@pytest.mark.parametrize(
    "program", ["raise ValueError('broken')", "raise SystemExit(3)", "print(7)"]
)
def test_an_end_without_a_result_shows_the_log(job: Job, log: Path, program: str) -> None:
    with pytest.raises(EtlFailedError, match="no result") as caught:
        job(program).run("a_job", {}, log)

    assert str(log) in caught.value.hint
    assert ("broken" in caught.value.message) == ("broken" in program)


def test_the_users_settings_do_not_reach_a_job(
    monkeypatch: pytest.MonkeyPatch, job: Job, log: Path
) -> None:
    for name in ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "SPARK_HOME", "PYSPARK_PYTHON"):
        monkeypatch.setenv(name, "of the user")
    local = aws_environment(Cloud(endpoint="http://127.0.0.1:1"))
    program = "import json, os; print(json.dumps(dict(os.environ)))"

    seen = job(program).run("a_job", {}, log, environment=local)

    assert "of the user" not in seen.values()
    assert local.items() <= seen.items()
    assert seen["SPARK_LOCAL_IP"] == "127.0.0.1"


def test_children_of_a_job_end_with_it(job: Job, log: Path, tmp_path: Path) -> None:
    """GIVEN a job with a child WHEN it is interrupted THEN both end."""
    program = f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
time.sleep(600)
"""

    def interrupt() -> None:
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job(program).run("a_job", {}, log, on_wait=interrupt)

    child = int((tmp_path / "pid").read_text())
    # A signal that was sent takes a moment to end somebody else's child.
    deadline = time.monotonic() + 10
    while lives(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lives(child)


def test_an_orphaned_job_keeps_the_lock(job: Job, tmp_path: Path) -> None:
    """GIVEN this process was killed and its job was not THEN the lock is still held."""
    workspace = Workspace(tmp_path / "workspace", job(""))
    with workspace.locked() as lock_fd:
        orphan = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=(lock_fd,)
        )
    try:
        with pytest.raises(LakeError, match="in progress"), workspace.locked():
            pass
    finally:
        orphan.kill()
        orphan.wait()
    with workspace.locked() as free:
        assert os.fstat(free)
