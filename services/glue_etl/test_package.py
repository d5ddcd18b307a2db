"""The package as Glue has it: scripts of their own, a zip of sources, and nothing of the project
beside them.
"""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glue_etl.testing.dumps import BAD_LINES, dump_lines, write_dump
from glue_etl.testing.lake import Lake
from glue_etl.testing.tables import read_tables

#: What is there on Glue 6.0 and comes with its libraries. Sources:
#: https://docs.aws.amazon.com/glue/latest/dg/migrating-version-60.html (Spark 4.1.1, Python 3.13),
#: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html (modules).
GLUE_HAS = {"pyspark", "pyarrow", "numpy", "boto3", "botocore"}
RUN = "20200531T000000Z"


@pytest.fixture(scope="module")
def package() -> Path:
    version = (Path(__file__).parent / "VERSION").read_text("utf-8").strip()
    # Pants puts a package where its output_path says, from the root of the sandbox.
    return Path.cwd() / f"services/glue_etl/glue_etl-{version}.zip"


@pytest.fixture(scope="module")
def scripts(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts")
    with zipfile.ZipFile(package) as archive:
        for script in ("job.py", "bulk.py"):
            (folder / script).write_bytes(archive.read(f"glue_etl/{script}"))
    return folder


def foreign_path() -> Iterator[str]:
    """Where libraries are, without the places that hold the project's own packages."""
    for place in filter(None, sys.path):
        if not (Path(place) / "schemas").is_dir() and not (Path(place) / "glue_etl").is_dir():
            yield place


def run(package: Path, folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(package), *foreign_path()])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.splitlines()[-1]


def test_nothing_of_the_project_comes_from_elsewhere(package: Path, tmp_path: Path) -> None:
    code = (
        "import glue_etl.builds.etl, schemas.derive.arrow as s;"
        " print(glue_etl.__file__, s.__file__)"
    )

    for origin in run(package, tmp_path, "-c", code).split():
        assert origin.startswith(f"{package}/")


def test_the_scripts_bring_a_dump_into_the_tables(
    package: Path, scripts: Path, lake: Lake, tmp_path: Path
) -> None:
    dump = tmp_path / "ol_dump_works_2020-05-31.txt.gz"
    write_dump(dump, iter([*dump_lines(30), BAD_LINES[0]]))
    local = ["--master", "local[2]", "--driver-memory", "1g"]

    def script(name: str, arguments: dict[str, str]) -> Any:
        words = [word for pair in arguments.items() for word in pair]
        return json.loads(run(package, scripts, f"{scripts}/{name}", *local, *words))

    places = {"--processed": lake.processed, "--runs": lake.runs}
    quarantine = f"file://{lake.root}/quarantine_data/works/"
    loaded = script(
        "bulk.py",
        {"--dump": f"file://{dump}", "--run-id": RUN, "--quarantine": quarantine} | places,
    )
    more = {"--curated": lake.curated, "--compacted": lake.compacted}
    built = script("job.py", more | places)

    assert (loaded["lines"], loaded["rows"], loaded["quarantined"]) == (31, 30, 1)
    assert (built["status"], built["tables"]["works"]["rows"]) == ("published", 30)
    assert len(read_tables(lake.root / "curated_data")["works"]) == 30


def imported(source: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def installed_by(package: Path, lock: str) -> dict[str, str]:
    """Return what Glue installs from the package's wheels of a lock: versions by name."""
    with zipfile.ZipFile(package) as archive:
        wheels = zipfile.ZipFile(io.BytesIO(archive.read(f"{lock}.gluewheels.zip")))
    pins = wheels.read("wheels/requirements.txt").decode().split()
    return dict(pin.split("==") for pin in pins)


def test_what_the_package_imports_is_in_it_or_on_glue_or_among_its_wheels(
    package: Path,
) -> None:
    with zipfile.ZipFile(package) as archive:
        sources = [name for name in archive.namelist() if name.endswith(".py")]
        used = {module for name in sources for module in imported(archive.read(name))}

    installed, with_iceberg = installed_by(package, "glue"), installed_by(package, "glue_iceberg")
    own = {name.partition("/")[0] for name in sources}
    assert own == {"cleaning", "glue_etl", "schemas"}
    assert used - own - GLUE_HAS - sys.stdlib_module_names == {"pydantic", "pyiceberg"}
    assert "pydantic" in installed
    assert "pyiceberg" not in installed
    assert {"pydantic", "pyiceberg"} < with_iceberg.keys()


def test_iceberg_is_loaded_by_its_option_alone(package: Path, tmp_path: Path) -> None:
    code = (
        "import sys, glue_etl.job, glue_etl.builds.etl;"
        " print([name for name in sys.modules if name.startswith('pyiceberg')])"
    )

    assert run(package, tmp_path, "-c", code) == "[]"


@pytest.mark.parametrize("lock", ["glue", "glue_iceberg"])
def test_what_is_installed_on_glue_is_what_is_tested(package: Path, lock: str) -> None:
    from importlib.metadata import version

    pins = installed_by(package, lock)

    assert pins == {name: version(name) for name in pins}
