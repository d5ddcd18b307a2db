"""The tutorial of a new field: its edits, and no other, take the field from a page to a view."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tutorials.edits import edits_of

HERE = Path.cwd()
AREAS = ("analytics", "libs", "services", "tools/openlibrary_standin")
TUTORIAL = (HERE / "docs/add-a-field.md").read_text("utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources."""
    root = tmp_path_factory.mktemp("project")
    for area in AREAS:
        shutil.copytree(HERE / area, root / area, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a copy of the project on its path."""
    places = [project / "libs", project / "services", project / "tools", project]
    own = {HERE / "libs", HERE / "services", HERE / "tools", HERE}
    packages = [path for path in sys.path if Path(path) not in own]
    return subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([*map(str, places), *packages]),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_field_goes_from_the_page_to_the_view(project: Path, tmp_path: Path) -> None:
    # GIVEN the project with the tutorial's edits
    edits = edits_of(TUTORIAL)
    for edit in edits:
        edit.apply(project)

    # WHEN a page and a dump are taken all the way
    completed = run(project, str(HERE / "tests/tutorials/journey.py"), str(tmp_path), "most_read")

    # THEN the page's works have the field, the dump's have null, and the view shows it
    assert completed.returncode == 0, completed.stderr[-3000:]
    found: dict[str, Any] = json.loads(completed.stdout.splitlines()[-1])
    assert found["works"] == [["dump", 1, 0], ["listing", 50, 50]]
    readers = [row[1] for row in found["view"]]
    assert len(readers) == 50
    assert readers == sorted(readers, reverse=True)
    assert max(readers) > 0


def test_only_contract_stand_in_and_view_are_edited() -> None:
    assert [edit.path for edit in edits_of(TUTORIAL)] == [
        "libs/schemas/source/page.py",
        "libs/schemas/rows/work.py",
        "tools/openlibrary_standin/works/records.py",
        "analytics/views/most_read.sql",
    ]


def test_an_edit_that_no_longer_fits_is_refused(tmp_path: Path) -> None:
    (edit,) = edits_of("```diff\n--- a/f\n+++ b/f\n@@\n old\n+new\n```\n")
    (tmp_path / "f").write_text("other\n")

    with pytest.raises(ValueError, match="does not hold once"):
        edit.apply(tmp_path)
