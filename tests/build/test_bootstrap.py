"""The set-up's shell functions: what every environment takes of a lock that names a source."""

import os
import subprocess
from pathlib import Path

import pytest

SANDBOX = Path.cwd()
SOURCE = "a" * 64
WHEEL = "b" * 64
OTHER = "c" * 64
LOCK = f"""pyarrow==22.0.0 \\
    --hash=sha256:{OTHER}
pyspark==4.1.1 \\
    --hash=sha256:{SOURCE}
pytz==2026.1 \\
    --hash=sha256:{OTHER}
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "spark.lock"
    path.write_text(LOCK)
    return path


def call(cache: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Call a function of the set-up; its Python fails, as without a network."""
    script = '. "$0"; BOOTSTRAP_CACHE="$1"; shift; "$@"'
    bootstrap = str(SANDBOX / "build-support/bootstrap.sh")
    return subprocess.run(
        ["/usr/bin/env", "bash", "-c", script, bootstrap, str(cache), *words],
        env={**os.environ, "HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wheel_that_was_built_once_takes_the_place_of_its_source(
    tmp_path: Path, lock: Path
) -> None:
    folder = tmp_path / "wheels" / SOURCE
    folder.mkdir(parents=True)
    (folder / "pyspark.sha256").write_text(f"{WHEEL}\n")

    done = call(tmp_path, "requirements_of", str(lock), "false")

    assert done.stdout == LOCK.replace(SOURCE, WHEEL)
    assert call(tmp_path, "wheel_folder", str(lock)).stdout == str(folder)


def test_a_source_that_cannot_be_built_is_an_error_and_leaves_nothing(
    tmp_path: Path, lock: Path
) -> None:
    done = call(tmp_path, "requirements_of", str(lock), "false")

    assert done.returncode != 0
    assert done.stderr.endswith("Spark could not be packed. Is the package index reachable?\n")
    assert list((tmp_path / "wheels").iterdir()) == []


def test_a_lock_of_wheels_is_taken_as_it_is(tmp_path: Path, lock: Path) -> None:
    lock.write_text(LOCK.replace("pyspark", "pyspur"))

    assert call(tmp_path, "requirements_of", str(lock), "false").stdout == lock.read_text()
    assert call(tmp_path, "wheel_folder", str(lock)).stdout == ""
