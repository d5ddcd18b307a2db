"""Services cannot import each other: Pants itself is run on a service that tries."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SANDBOX = Path.cwd()
SETTINGS = ["pants", "pants.toml", ".pants.bootstrap", "BUILD", "LICENSE"]
FOLDERS = ["3rdparty", "build-support", ".locks"]
INGEST = "services/ingest/handler.py"
ALWAYS = ["__init__.py", "handler.py", "conftest.py", "test_handler.py", "VERSION"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the real settings and BUILD files, and services of one empty module each."""
    for name in SETTINGS:
        shutil.copy(SANDBOX / name, tmp_path / name)
    for name in FOLDERS:
        shutil.copytree(SANDBOX / name, tmp_path / name)
    for declaration in SANDBOX.glob("services/*/BUILD"):
        service = tmp_path / declaration.relative_to(SANDBOX).parent
        service.mkdir(parents=True)
        shutil.copy(declaration, service / "BUILD")
        # A BUILD file may say more of some modules, which then must be there.
        named = re.findall(r'"(\w+\.py)"', declaration.read_text())
        for name in [*ALWAYS, *named]:
            (service / name).write_text("")
    return tmp_path


def run_pants(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Pants in a project, without its daemon."""
    return subprocess.run(
        [str(project / "pants"), "--no-pantsd", "--no-colors", *arguments],
        cwd=project,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_a_service_that_imports_another_is_refused(project: Path) -> None:
    (project / INGEST).write_text("import process.handler\n")

    completed = run_pants(project, "dependencies", INGEST)

    assert completed.returncode != 0
    assert "DependencyRuleActionDeniedError" in completed.stderr
    assert "services/ingest/handler.py -> python_sources services/process/handler.py" in (
        completed.stderr
    )
