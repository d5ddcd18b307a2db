"""The wheels that Glue installs from the package: those of the locks, for Glue's platform."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("glue", "glue_iceberg")
#: What Glue 6.0 can install: Python 3.13, and the glibc of Glue 5.1, as Lambda has them.
PLATFORM = json.loads((ROOT / "3rdparty/platforms/linux_x86_64.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archives of the package, unpacked into a folder each."""
    version = (Path(__file__).parent / "VERSION").read_text("utf-8").strip()
    folder = tmp_path_factory.mktemp("wheels")
    with zipfile.ZipFile(Path.cwd() / f"services/glue_etl/glue_etl-{version}.zip") as package:
        for lock in LOCKS:
            package.extract(f"{lock}.gluewheels.zip", folder)
            with zipfile.ZipFile(folder / f"{lock}.gluewheels.zip") as archive:
                archive.extractall(folder / lock)
    return folder


def locked(lock: str) -> dict[str, tuple[str, set[str]]]:
    """Return the version and the hashes of each package of a lock."""
    text = (ROOT / f"3rdparty/python/{lock}.lock").read_text("utf-8")
    entries = re.findall(r"^([a-z0-9-]+)==(\S+)((?:.*\\\n)*.*)", text, re.MULTILINE)
    return {
        name.replace("-", "_"): (version, set(re.findall(r"--hash=sha256:([0-9a-f]{64})", rest)))
        for name, version, rest in entries
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_the_wheels_are_those_of_the_lock(wheels: Path, lock: str) -> None:
    found = {path.name.split("-")[0]: path for path in (wheels / lock / "wheels").glob("*.whl")}

    expected = locked(lock)
    assert found.keys() == expected.keys()
    for name, (version, hashes) in expected.items():
        assert found[name].name.split("-")[1] == version
        assert hashlib.sha256(found[name].read_bytes()).hexdigest() in hashes
    told = (wheels / lock / "wheels/requirements.txt").read_text("utf-8").split()
    assert told == sorted(f"{name}=={version}" for name, (version, _) in expected.items())


@pytest.mark.parametrize("lock", LOCKS)
def test_every_wheel_can_be_installed_on_glue(wheels: Path, lock: str) -> None:
    for path in (wheels / lock / "wheels").glob("*.whl"):
        python, abi, platform = path.stem.split("-")[-3:]
        tags = {f"{one}-{abi}-{on}" for one in python.split(".") for on in platform.split(".")}
        assert tags & set(PLATFORM["compatible_tags"]), path.name


def test_the_same_wheels_are_the_same_archive(wheels: Path) -> None:
    for lock in LOCKS:
        with zipfile.ZipFile(wheels / f"{lock}.gluewheels.zip") as archive:
            entries = archive.infolist()
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        names = [entry.filename for entry in entries]
        assert names == ["wheels/requirements.txt", *sorted(names[1:])]


@pytest.mark.parametrize(("lock", "module"), [("glue", "pydantic"), ("glue_iceberg", "pyiceberg")])
def test_pip_needs_no_index(wheels: Path, lock: str, module: str, tmp_path: Path) -> None:
    """GIVEN nothing but the archive WHEN pip installs it for Glue THEN it finds all it needs."""
    venv.create(tmp_path / "venv", with_pip=True)
    folder = wheels / lock / "wheels"

    subprocess.run(
        [
            tmp_path / "venv/bin/python",
            *("-m", "pip", "install", "--isolated", "--quiet", "--no-index"),
            *("--platform=manylinux_2_28_x86_64", "--platform=manylinux_2_24_x86_64"),
            *("--platform=manylinux2014_x86_64", "--python-version=3.13", "--implementation=cp"),
            *("--only-binary=:all:", f"--find-links={folder}", f"--target={tmp_path / 'modules'}"),
            f"--requirement={folder / 'requirements.txt'}",
        ],
        check=True,
    )

    assert (tmp_path / "modules" / module / "__init__.py").is_file()
