"""Where the ETL works on this machine: its folder, the lock on it, and the jobs by Spark."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lake.aws import Cloud
from lake.errors import EtlBusyError
from lake.etl.job_runs import JobLog
from lake.etl.staging import Stage
from lake.local import spark
from lake.local.spark import SparkJobs
from lake.locks import exclusive
from lake.project import Project


@dataclass(frozen=True)
class Workspace:
    """Folder and jobs of the ETL on this machine.

    Attributes
    ----------
    folder
        Holds the staged data, the logs and the lock.
    jobs
        Spark.
    """

    folder: Path
    jobs: SparkJobs

    @property
    def stage(self) -> Stage:
        """The staged objects; kept by ETag, so they may be of any bucket."""
        return Stage(self.folder)

    @property
    def job_log(self) -> JobLog:
        """The log of the job runs."""
        return job_log(self.folder)

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Take the lock; yields its descriptor.

        Raises
        ------
        EtlBusyError
            Another process, or a job that it left behind, has it.
        """
        taken = EtlBusyError(
            "Another run of the ETL is in progress on this machine.",
            "Wait until it has ended: './lake status' then shows it.",
        )
        with exclusive(self.folder / "lock", taken) as lock_fd:
            yield lock_fd


def job_log(folder: Path) -> JobLog:
    """Return the log of the job runs of a folder."""
    return JobLog(folder / "job-runs.jsonl")


def folder_of(project: Project) -> Path:
    """Return the folder of a clone in which the ETL works."""
    return project.state / "etl"


def workspace_of(cloud: Cloud, project: Project) -> Workspace:
    """Return the workspace of a clone, with the jobs that are deployed."""
    folder = folder_of(project)
    return Workspace(folder, spark.deployed_jobs(cloud, project, folder / "package"))
