"""An archive of the classes that Spark's Java loads, from which it starts in half the time.

Java writes it once, for itself and Spark's jars (class data sharing, https://openjdk.org/jeps/350).
"""

import os
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from lake.project import Project

TIMEOUT_SECONDS = 300.0
# What it says of classes that it leaves out would come between a job's own lines.
_QUIET = "-Xlog:disable -Xlog:all=error:stderr"


def archive_of(project: Project, java: str) -> Path:
    """Return the place of the archive: in Spark's environment, for a version of Java.

    Parameters
    ----------
    java
        What `java -version` prints: no other Java can use it.
    """
    digest = sha256(java.encode()).hexdigest()[:12]
    return project.state / "venv/spark" / f"classes-{digest}.jsa"


def make_archive(project: Project, archive: Path, environment: Mapping[str, str]) -> None:
    """Make the archive if it is not there; Spark does without one that Java cannot make.

    Parameters
    ----------
    environment
        Variables that every job gets.
    """
    if archive.exists():
        return
    part = archive.with_suffix(f".{os.getpid()}.part")
    sources = os.pathsep.join(str(project.root / name) for name in ("services", "libs"))
    options = f'"-XX:ArchiveClassesAtExit={part}" {_QUIET}'
    try:
        subprocess.run(
            [
                str(project.state / "venv/spark/bin/python"),
                *("-P", "-m", "glue_etl.adapters.class_archive"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={
                **environment,
                "PYTHONPATH": sources,
                "SPARK_LOCAL_IP": "127.0.0.1",
                "SPARK_SUBMIT_OPTS": options,
            },
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
        part.replace(archive)
    except (OSError, subprocess.SubprocessError):
        # Empty, so that it is not tried again.
        archive.touch()
    finally:
        part.unlink(missing_ok=True)


def variables_for(archive: Path) -> dict[str, str]:
    """Return the variables by which a job takes its classes from an archive, if there is one."""
    if not archive.is_file() or not archive.stat().st_size:
        return {}
    return {"SPARK_SUBMIT_OPTS": f'"-XX:SharedArchiveFile={archive}" {_QUIET}'}
