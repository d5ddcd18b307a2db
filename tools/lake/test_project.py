from pathlib import Path

import pytest

from lake.project import Project, current_project


def test_a_package_is_named_with_its_version(tmp_path: Path) -> None:
    version = tmp_path / "services/ingest/VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("1.2.0\n")
    project = Project(tmp_path)
    assert project.version("ingest") == "1.2.0"
    assert project.package("ingest") == tmp_path / "dist/services/ingest/ingest-1.2.0.zip"


def test_the_project_is_the_one_of_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    assert current_project().root == tmp_path


def test_without_a_script_the_project_is_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAKE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert current_project().root == tmp_path
