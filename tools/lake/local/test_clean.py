import os
from pathlib import Path

import pytest

from lake.errors import LakeError
from lake.local.clean import Stored, find_stored, free, size_of
from lake.project import Project

BLOCK = b"x" * 8192


def _clone(root: Path) -> Project:
    files = (
        *(".lake/venv/lake/a", ".lake/venv/spark/a", ".lake/superset/dev/a"),
        *(".lake/local/tmp/a", ".lake/local/saved/a"),
        *("dist/a", "cache/openlake/a", "cache/pants/a", "cache/other/a"),
    )
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True)
        path.write_bytes(BLOCK)
    return Project(root)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return _clone(tmp_path)


def _names(clone: Project, **options: bool) -> set[str]:
    settings = {"caches": False, "keep_local_aws": False} | options
    return {str(s.path.relative_to(clone.root)) for s in find_stored(clone, **settings)}


def test_what_a_call_makes_again_is_found_and_what_only_the_user_has_is_not(
    clone: Project,
) -> None:
    assert _names(clone) == {".lake/venv/spark", ".lake/local/tmp", "dist"}


def test_a_running_local_aws_stays(clone: Project) -> None:
    assert ".lake/local/tmp" not in _names(clone, keep_local_aws=True)


def test_caches_of_other_programs_are_never_found(clone: Project) -> None:
    found = {s.path.name: s.shared for s in find_stored(clone, caches=True, keep_local_aws=True)}

    assert found == {"spark": False, "dist": False, "openlake": True, "pants": True}


def test_what_is_freed_is_gone_and_nothing_else(clone: Project) -> None:
    stored = find_stored(clone, caches=False, keep_local_aws=False)

    taken = [size_of(one.path) for one in stored]

    assert len(taken) == 3
    assert all(taken)
    assert free(stored) == sum(taken)
    assert not (clone.root / "dist").exists()
    assert (clone.root / ".lake/superset/dev/a").exists()
    assert (clone.root / ".lake/local/saved/a").exists()
    assert (clone.root / "cache/pants/a").exists()


def test_a_link_is_neither_counted_nor_followed(clone: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (clone.root / ".pants.d").symlink_to(outside)

    assert ".pants.d" not in _names(clone)


def test_a_file_of_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(BLOCK)
    alone = size_of(tmp_path)
    os.link(tmp_path / "a", tmp_path / "b")

    assert size_of(tmp_path) == alone > 0


def test_a_folder_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="could not be removed"):
        free([Stored(tmp_path / "gone", "packages", 1)])
