"""Spark on this machine: its prerequisites, and the jobs of glue_etl as separate processes."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from lake.aws import LOCAL_ACCOUNT, LOCAL_REGION, Cloud
from lake.errors import EtlFailedError, PrerequisiteError
from lake.local import class_archive, environments
from lake.project import Project

# Spark 4.1 needs this one or newer, and from 24 on Java lacks what Hadoop asks for the user by.
OLDEST_JAVA = 17
NEWEST_JAVA = 23
JAVA_ADVICE = (
    "Install Java 17 or 21 ('apt install openjdk-17-jre-headless', 'brew install openjdk@17') and"
    " put 'java' on the PATH or set JAVA_HOME."
)
POLL_SECONDS = 0.2
STOP_TIMEOUT_SECONDS = 15.0
LINES_SHOWN = 5

_CONTINUE = "Correct it, then run './lake etl' again: the published build is unchanged."
_HINTS = {
    "java.missing": "",
    "rules.failed": "The published build is unchanged. See docs/runbook.md#etl-failed.",
    "run.none": "Crawl first: './lake demo --no-etl' makes a run.",
    "dump.empty": "Nothing was loaded.",
    "dump.truncated": "Nothing was loaded.",
    "dump.bad_lines": "Nothing was loaded.",
}


def require_java() -> str:
    """Check that there is a Java that Spark runs on; return what it prints of its version.

    Raises
    ------
    PrerequisiteError
        It is missing, too old or too new; the hint says what to install.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin/java") if home else shutil.which("java")
    if not java or not Path(java).exists():
        raise PrerequisiteError(
            "The ETL runs on Spark, which needs Java: none was found.", JAVA_ADVICE
        )
    printed = subprocess.run(
        [java, "-version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    ).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', printed)
    if not version or not OLDEST_JAVA <= int(version[1]) <= NEWEST_JAVA:
        known = f"is Java {version[1]}" if version else "does not print its version"
        raise PrerequisiteError(
            f"The ETL runs on Spark, which needs Java {OLDEST_JAVA} or 21: {java} {known}.",
            JAVA_ADVICE,
        )
    return printed


def prepare(project: Project) -> None:
    """Create the environment of Spark, at first and when its lock changes.

    Raises
    ------
    PrerequisiteError
        Java is missing, or the environment could not be created.
    """
    java = require_java()
    environments.environment(project, "spark")
    archive_classes(project, java)


def archive_classes(project: Project, java: str) -> None:
    """Make the archive from which Java starts sooner, in an environment that is there.

    Parameters
    ----------
    java
        What :func:`require_java` returned.
    """
    archive = class_archive.archive_of(project, java)
    class_archive.make_archive(project, archive, _kept_environment())


@dataclass(frozen=True)
class SparkJobs:
    """Runs the jobs of glue_etl.

    Attributes
    ----------
    command
        Starts a Python with the jobs' requirements.
    python_path
        Where their modules are: folders or packages.
    variables
        Of the environment, in addition to those that every job gets.
    """

    command: Sequence[str]
    python_path: Sequence[Path]
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        module: str,
        arguments: Mapping[str, object],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        on_wait: Callable[[], None] = lambda: None,
        lock_fd: int | None = None,
    ) -> dict[str, Any]:
        """Run a job and return its result, the last line that it prints.

        Parameters
        ----------
        module
            For example `glue_etl.job`.
        arguments
            Its arguments by name.
        log
            File for its log; holds one job only.
        environment
            Variables in addition to those that every job gets.
        on_wait
            Called again and again while it runs.
        lock_fd
            Descriptor of a lock that the job keeps if this process is killed.

        Raises
        ------
        EtlFailedError
            It failed, with or without an error of its own.
        """
        words = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
        results = log.with_suffix(".out")
        with log.open("wb") as errors, results.open("wb") as output:
            process = subprocess.Popen(
                [*self.command, "-m", module, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env={**self._environment(log.parent), **(environment or {})},
                pass_fds=() if lock_fd is None else (lock_fd,),
                # In a process group of its own, so that Java ends with it.
                start_new_session=True,
            )
            try:
                while process.poll() is None:
                    on_wait()
                    time.sleep(POLL_SECONDS)
            finally:
                _end(process)
        return _result(process.returncode, results, log)

    def _environment(self, folder: Path) -> dict[str, str]:
        local = folder / "spark"
        local.mkdir(parents=True, exist_ok=True)
        return {
            **_kept_environment(),
            **self.variables,
            "PYTHONPATH": os.pathsep.join(str(path) for path in self.python_path),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(local),
        }


def deployed_jobs(cloud: Cloud, project: Project, folder: Path) -> SparkJobs:
    """Return the jobs of the deployed package, the one that Glue runs.

    Parameters
    ----------
    folder
        Where packages are kept; their names hold a digest of their content.

    Raises
    ------
    NotDeployedError
        glue_etl is not deployed.
    """
    key = cloud.parameter("glue_etl/package-key")
    package = folder / PurePosixPath(key).name
    if not package.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        part = package.with_suffix(".part")
        bucket = cloud.parameter("bootstrap/artifact-bucket")
        cloud.client("s3").download_file(bucket, key, str(part))
        part.replace(package)
    variables = class_archive.variables_for(class_archive.archive_of(project, require_java()))
    # -P: no module of the working folder is imported.
    return SparkJobs([str(project.state / "venv/spark/bin/python"), "-P"], [package], variables)


def aws_environment(cloud: Cloud) -> dict[str, str]:
    """Return the variables that point boto3 in a job to the local AWS."""
    found = {
        "AWS_ENDPOINT_URL": str(cloud.endpoint),
        "AWS_DEFAULT_REGION": LOCAL_REGION,
        "AWS_ACCESS_KEY_ID": LOCAL_ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        # No profile of the user's, whatever its files say.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    if cloud.is_on_this_machine:
        # Only the local AWS is called. Of the two, some libraries read one, some the other.
        found |= {"NO_PROXY": "*", "no_proxy": "*"}
    return found | ({"AWS_CA_BUNDLE": cloud.certificate} if cloud.certificate else {})


def _kept_environment() -> dict[str, str]:
    # Neither the user's AWS settings nor those of another Spark may reach the jobs.
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SPARK_", "PYSPARK_", "PYTHON", "LAKE_"))
    }


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End what is left of a job: Python, its workers and Java."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_TIMEOUT_SECONDS)
        except (ProcessLookupError, PermissionError):
            return
        except subprocess.TimeoutExpired:
            continue


def _result(status: int, results: Path, log: Path) -> dict[str, Any]:
    lines = results.read_text(errors="replace").splitlines()
    try:
        result = json.loads(lines[-1])
    except (IndexError, ValueError):
        result = None
    if not isinstance(result, dict):
        last_lines = log.read_text(errors="replace").strip().splitlines()[-LINES_SHOWN:]
        raise EtlFailedError(
            f"The job ended with status {status} and no result:\n" + "\n".join(last_lines),
            f"Its log is {log}.",
        )
    if status != 0 or result.get("status") == "failed":
        raise _failure(result)
    return result


def _failure(result: Mapping[str, Any]) -> EtlFailedError:
    code = str(result.get("code", "etl"))
    message = str(result.get("message", "no reason given"))
    hint = "Run it again." if result.get("transient") else _HINTS.get(code, _CONTINUE)
    return EtlFailedError(f"The ETL failed ({code}): {message}", hint, code=code)
