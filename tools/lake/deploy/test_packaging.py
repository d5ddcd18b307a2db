import json
import platform
import sys
from pathlib import Path

import psutil
import pytest

from lake.deploy import packaging
from lake.errors import PackagingError
from lake.project import Project

# Notes how it was called, then does what Pants does.
SUCCESS = """
import json, os, pathlib, sys
called = {"arguments": sys.argv[1:], "environment": dict(os.environ)}
pathlib.Path("called.json").write_text(json.dumps(called))
"""
# Leaves a daemon, whose name is that of Pants', and goes on building.
DAEMON = """
import os, subprocess, sys, time
name = f"pantsd [{os.getcwd()}]"
program = "import time; time.sleep(600)"
subprocess.Popen([name, "-c", program], executable=sys.executable, start_new_session=True)
print("started", flush=True)
time.sleep(600)
"""
FAILURE = """
import sys
print("\\n".join(f"line {number}" for number in range(100)), flush=True)
print("NoSuchTarget: services/nope", file=sys.stderr)
sys.exit(1)
"""


def project(folder: Path, script: str) -> Project:
    pants = folder / "pants"
    pants.write_text(f"#!{sys.executable}\n{script}")
    pants.chmod(0o755)
    for service in ("ingest", "process"):
        version = folder / "services" / service / "VERSION"
        version.parent.mkdir(parents=True)
        version.write_text("0.1.0\n")
    (folder / "3rdparty/platforms").mkdir(parents=True)
    return Project(folder)


def called(folder: Path) -> tuple[list[str], dict[str, str]]:
    note = json.loads((folder / "called.json").read_text())
    return note["arguments"], note["environment"]


def test_progress_is_what_pants_says_without_time_and_level(tmp_path: Path) -> None:
    shown: list[str] = []

    packaging.package(
        project(tmp_path, "print('12:15:34.88 [INFO] Starting: Building slim.pex')\nprint('a')"),
        {"ingest": "lambda"},
        for_host=False,
        on_line=shown.append,
    )

    assert shown == ["Starting: Building slim.pex", "a"]


def test_pants_is_asked_for_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    found = packaging.package(
        project(tmp_path, SUCCESS), {"ingest": "lambda", "process": "other"}, for_host=False
    )
    assert found == [
        tmp_path / f"dist/services/{service}/{service}-0.1.0.zip"
        for service in ("ingest", "process")
    ]
    arguments, environment = called(tmp_path)
    assert arguments[-3:] == ["package", "services/ingest:lambda", "services/process:other"]
    assert "PYTHONPATH" not in environment
    assert "LAKE_PLATFORM" not in environment


@pytest.mark.parametrize(
    ("machine", "platform_asked"), [(("Linux", "x86_64"), None), (("Linux", "aarch64"), "host")]
)
def test_another_platform_gets_its_own_packages(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    machine: tuple[str, str],
    platform_asked: str | None,
) -> None:
    monkeypatch.setattr(platform, "system", lambda: machine[0])
    monkeypatch.setattr(platform, "machine", lambda: machine[1])
    packaging.package(project(tmp_path, SUCCESS), {"ingest": "lambda"}, for_host=True)
    assert called(tmp_path)[1].get("LAKE_PLATFORM") == platform_asked
    assert (tmp_path / "3rdparty/platforms/host.json").exists() == bool(platform_asked)


@pytest.mark.parametrize(
    ("architecture", "platform_asked"), [("x86_64", None), ("arm64", "linux_arm64")]
)
def test_lambda_gets_packages_for_its_architecture(
    tmp_path: Path, architecture: str, platform_asked: str | None
) -> None:
    made = project(tmp_path, SUCCESS)
    packaging.package(made, {"ingest": "lambda"}, for_host=False, architecture=architecture)
    assert called(tmp_path)[1].get("LAKE_PLATFORM") == platform_asked


def test_pants_is_asked_what_changed(tmp_path: Path) -> None:
    lists = SUCCESS + 'print("[INFO] x", "services/process:lambda", sep="\\n")'
    assert packaging.services_changed(project(tmp_path, lists), "c0ffee") == {"process"}
    arguments, _ = called(tmp_path)
    assert arguments[1:] == [
        "--changed-since=c0ffee",
        "--changed-dependents=transitive",
        "--tag=deploy",
        "list",
    ]


def test_the_host_is_described_in_the_form_of_pex(tmp_path: Path) -> None:
    described = json.loads(packaging.write_host_platform(project(tmp_path, SUCCESS)).read_text())
    version = ".".join(str(number) for number in sys.version_info[:2])
    assert described["marker_environment"]["python_version"] == version
    assert "py3-none-any" in described["compatible_tags"]


def test_a_failure_shows_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match="NoSuchTarget: services/nope") as caught:
        packaging.package(project(tmp_path, FAILURE), {"nope": "lambda"}, for_host=False)
    assert "line 99" in caught.value.message
    assert "line 80\n" not in caught.value.message
    assert "./pants package services/nope:lambda" in caught.value.hint


def test_an_interrupted_build_leaves_no_daemon(tmp_path: Path) -> None:
    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packaging.package(
            project(tmp_path, DAEMON), {"ingest": "lambda"}, for_host=False, on_line=interrupt
        )

    name = f"pantsd [{tmp_path}]"
    running = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
    assert not [words for words in running if words and words[0] == name]
