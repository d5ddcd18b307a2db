import os
from pathlib import Path

import pytest

from lake.local.class_archive import archive_of, make_archive, variables_for
from lake.project import Project

JAVA = 'openjdk version "17.0.1"'
# Does what Java does when it ends.
LEAVES_ONE = """#!/bin/sh
echo "$*" >"$TOLD"
part=${SPARK_SUBMIT_OPTS#*ArchiveClassesAtExit=}
echo classes >"${part%%\\"*}"
"""
FAILS = "#!/bin/sh\necho again >>$TOLD\nexit 1\n"


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Return the file in which Spark's Python says how it was called."""
    return tmp_path / "told"


def clone_with(folder: Path, python: str) -> Project:
    clone = Project(folder / "a clone")
    path = clone.state / "venv/spark/bin/python"
    path.parent.mkdir(parents=True)
    path.write_text(python)
    path.chmod(0o755)
    return clone


def test_jobs_take_their_classes_from_the_archive_that_was_made_for_their_java(
    tmp_path: Path, told: Path
) -> None:
    clone = clone_with(tmp_path, LEAVES_ONE)
    archive = archive_of(clone, JAVA)

    make_archive(clone, archive, {**os.environ, "TOLD": str(told)})

    assert told.read_text() == "-P -m glue_etl.adapters.class_archive\n"
    assert archive.read_text() == "classes\n"
    assert f'"-XX:SharedArchiveFile={archive}"' in variables_for(archive)["SPARK_SUBMIT_OPTS"]
    assert variables_for(archive_of(clone, 'openjdk version "21.0.1"')) == {}
    assert [path.name for path in archive.parent.iterdir() if ".part" in path.name] == []


def test_where_java_makes_none_jobs_go_without_and_it_is_tried_once(
    tmp_path: Path, told: Path
) -> None:
    clone = clone_with(tmp_path, FAILS)
    archive = archive_of(clone, JAVA)

    for _ in range(2):
        make_archive(clone, archive, {**os.environ, "TOLD": str(told)})

    assert told.read_text() == "again\n"
    assert variables_for(archive) == {}
