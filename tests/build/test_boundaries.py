"""Layers point one way: Pants itself is run on modules that try to import what they may not."""

import ast
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SANDBOX = Path.cwd()
SETTINGS = ["pants", "pants.toml", ".pants.bootstrap"]
FOLDERS = ["3rdparty", "build-support", ".locks"]
AREAS = [
    "analytics",
    "infra",
    "libs",
    "services/glue_etl",
    "services/ingest",
    "services/process",
    "tools",
]
#: A module in each area, and the name by which others import it.
MODULES = {
    "libs/shared": "shared",
    "services/ingest/part": "ingest.part",
    "services/process/part": "process.part",
    "services/glue_etl/part": "glue_etl.part",
    "analytics/part": "analytics.part",
    "infra/part": "infra.part",
    "tools/openlibrary_standin": "openlibrary_standin",
    "tools/command": "command",
}
PARTS = """\
python_sources(resolve="default")
python_tests(name="tests", resolve="default", interpreter_constraints=["==3.13.*"])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with the real settings and import rules, and a small module in each area."""
    root = tmp_path_factory.mktemp("project")
    for name in SETTINGS:
        shutil.copy(SANDBOX / name, root / name)
    for name in FOLDERS:
        shutil.copytree(SANDBOX / name, root / name)
    for name in ["", *AREAS]:
        place = root / name / "BUILD"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(import_rules((SANDBOX / name / "BUILD").read_text()))
    for folder in MODULES:
        (root / folder).mkdir(parents=True)
        (root / folder / "BUILD").write_text(PARTS)
        (root / folder / "__init__.py").touch()
        (root / folder / "module.py").touch()
        (root / folder / "test_module.py").touch()
    yield root
    for pid in root.glob(".pids/*/pantsd/pid"):
        os.kill(int(pid.read_text()), signal.SIGTERM)


def import_rules(declaration: str) -> str:
    """Return what a BUILD file says about imports; the targets beside it are not in the project."""
    calls = [
        statement.value
        for statement in ast.parse(declaration).body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    ]
    return "".join(
        f"{ast.get_source_segment(declaration, call)}\n"
        for call in calls
        if ast.unparse(call.func) == "__dependencies_rules__"
    )


def run_pants(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Pants in a project, with a daemon of its own."""
    return subprocess.run(
        [str(project / "pants"), "--no-colors", *arguments],
        cwd=project,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def try_import(project: Path, folder: str, module: str, file: str = "module.py") -> str:
    """Return what Pants says of a file that imports a module; empty when it has no objection."""
    path = project / folder / file
    path.write_text(f"import {module}.module\n")
    try:
        completed = run_pants(project, "dependencies", str(path.relative_to(project)))
    finally:
        path.write_text("")
    return "" if completed.returncode == 0 else completed.stderr


@pytest.mark.parametrize(
    ("folder", "module"),
    [
        ("libs/shared", "ingest.part"),
        ("libs/shared", "analytics.part"),
        ("libs/shared", "command"),
        ("services/ingest/part", "process.part"),
        ("services/process/part", "ingest.part"),
        ("services/ingest/part", "analytics.part"),
        ("services/ingest/part", "command"),
        ("services/ingest/part", "openlibrary_standin"),
        ("services/process/part", "openlibrary_standin"),
        ("analytics/part", "ingest.part"),
        ("analytics/part", "command"),
        ("infra/part", "command"),
        ("services/process/part", "glue_etl.part"),
        ("tools/command", "ingest.part"),
        ("tools/command", "glue_etl.part"),
    ],
)
def test_an_import_against_the_layers_is_refused(project: Path, folder: str, module: str) -> None:
    assert "DependencyRuleActionDeniedError" in try_import(project, folder, module)


@pytest.mark.parametrize(
    ("folder", "module", "file"),
    [
        ("services/ingest/part", "shared", "module.py"),
        ("services/ingest/part", "openlibrary_standin", "test_module.py"),
        ("analytics/part", "shared", "module.py"),
        ("tools/command", "analytics.part", "module.py"),
        ("tools/command", "openlibrary_standin", "module.py"),
    ],
)
def test_an_import_along_the_layers_is_accepted(
    project: Path, folder: str, module: str, file: str
) -> None:
    assert try_import(project, folder, module, file) == ""
