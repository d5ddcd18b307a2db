"""The curated tables, brought up to date: on this machine by Spark, for the local AWS.

What Spark needs is staged, the new build is made and checked there, sent to the bucket, and then
published: the job itself does the same on AWS, on S3 directly.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lake.aws import Cloud
from lake.errors import EtlBusyError, EtlError
from lake.etl import curated, glue_jobs
from lake.etl.curated import Curated
from lake.etl.job_runs import JobLog
from lake.etl.staging import Stage, StoredObject, list_folders, list_objects
from lake.local import spark
from lake.local.spark import SparkJobs
from lake.project import Project
from schemas import keys
from schemas.curated_tables import CURATED, CURATED_PREFIX
from schemas.ledger.curated_build import record_key

PROCESSED_PREFIX = "processed_data/"
RECORDS = f"{CURATED_PREFIX}_"
DEFAULT_MEMORY = "2g"

Say = Callable[[str], None]


@dataclass(frozen=True)
class EtlOptions:
    """What the user asked for.

    Parameters
    ----------
    full
        Build everything anew, from all runs.
    memory
        Memory of Spark on this machine, as Java has it: 2g.
    max_ratio
        Rows that a table may have, of its last build's; by default what the job says.
    """

    full: bool = False
    memory: str = DEFAULT_MEMORY
    max_ratio: float | None = None

    @property
    def arguments(self) -> dict[str, str]:
        """Those of them that are the job's, wherever it runs."""
        found = {"full": str(self.full).lower()}
        return found if self.max_ratio is None else found | {"max-ratio": str(self.max_ratio)}


@dataclass(frozen=True)
class EtlResult:
    """What the ETL did; the keys are those of `./lake etl --json`.

    Parameters
    ----------
    status
        published, or unchanged where the build has all there is.
    tables
        Rows by table of the current build.
    objects_staged, objects_sent
        Objects fetched from the bucket, and sent to it.
    seconds
        By part.
    """

    status: str
    build: str
    mode: str | None = None
    new_runs: list[str] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)
    objects_staged: int = 0
    objects_sent: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Workspace:
    """Where the ETL of this machine works, and with what.

    Parameters
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
        """What is staged; by ETag, so that buckets need not be told apart."""
        return Stage(self.folder)

    @property
    def job_log(self) -> JobLog:
        """What the jobs did."""
        return job_log(self.folder)

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Keep everybody else out; yields the lock's descriptor.

        Raises
        ------
        EtlBusyError
            Somebody else is in, or a job that was left behind.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EtlBusyError(
                    "Another run of the ETL is at work on this machine.",
                    "Wait until it has ended; './lake status' shows it then.",
                ) from None
            yield descriptor
        finally:
            os.close(descriptor)


def job_log(folder: Path) -> JobLog:
    """Return what the jobs of a folder did."""
    return JobLog(folder / "job-runs.jsonl")


def folder_of(project: Project) -> Path:
    """Return the folder of a clone in which the ETL works."""
    return project.state / "etl"


def workspace_of(cloud: Cloud, project: Project) -> Workspace:
    """Return the workspace of a clone, with the jobs that are deployed."""
    folder = folder_of(project)
    return Workspace(folder, spark.deployed_jobs(cloud, project, folder / "package"))


def run_etl(cloud: Cloud, workspace: Workspace, options: EtlOptions, say: Say) -> EtlResult:
    """Bring the curated tables of the local AWS up to date.

    Parameters
    ----------
    cloud
        The local AWS.
    workspace
        Where to work, and with what.
    options
        What is asked for.
    say
        Called with what it is at.

    Raises
    ------
    EtlError
        Nothing is processed yet, a job failed, or another one is at work.
    """
    bucket = cloud.parameter("foundation/data-bucket")
    with workspace.locked() as lock_fd, workspace.job_log.recording(bucket, "etl"):
        return _Run(cloud, bucket, workspace, options, say, lock_fd).run()


def run_on_glue(cloud: Cloud, options: EtlOptions, say: Say) -> EtlResult:
    """Run the job on Glue, and tell what is published then.

    Raises
    ------
    EtlError
        The job failed, or another one is at work.
    """
    started = time.monotonic()
    bucket = cloud.parameter("foundation/data-bucket")
    before = curated.read_curated(cloud, bucket)
    glue_jobs.run_job(cloud, "etl", options.arguments, say)
    after = curated.read_curated(cloud, bucket)
    if after.current is None or after.record is None:
        raise EtlError(
            "The Glue job succeeded and published nothing.",
            f"Look at its log: './lake status --env {cloud.env}' shows the run.",
        )
    changed = before.current is None or before.current.build != after.current.build
    return EtlResult(
        status="published" if changed else "unchanged",
        build=after.current.build,
        mode=after.record.mode if changed else None,
        new_runs=after.record.new_runs if changed else [],
        tables=after.rows,
        seconds={"glue": round(time.monotonic() - started, 2)},
    )


def rows_of(result: dict[str, Any]) -> dict[str, int]:
    """Return the rows by table of a job's result, in the order of the contracts."""
    return {name: result["tables"][name]["rows"] for name in CURATED}


@dataclass
class _Run:
    """One run of the ETL."""

    cloud: Cloud
    bucket: str
    workspace: Workspace
    options: EtlOptions
    say: Say
    lock_fd: int
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> EtlResult:
        self.say("looks for new runs")
        known = curated.read_curated(self.cloud, self.bucket)
        waiting = curated.waiting_runs(self.cloud, self.bucket, known)
        full = self.options.full or not known.can_go_on
        if not full and not waiting:
            return self._unchanged(known)
        runs = curated.processed_runs(self.cloud, self.bucket) if full else waiting
        if not runs:
            raise EtlError(
                "There is no run to build tables from: none is processed.",
                "Crawl first: './lake demo' makes a run.",
            )
        wanted = self._timed("stage", lambda: self._wanted(known, runs, full=full))
        staged = self._timed("stage", lambda: self._stage(wanted))
        options = replace(self.options, full=full)
        result = self._timed("spark", lambda: self._build(known, options))
        build = str(result["build"])
        sent = self._timed("send", lambda: self._send(build, wanted))
        self._timed("publish", lambda: self._publish(build))
        return EtlResult(
            status="published",
            build=build,
            mode=result["mode"],
            new_runs=result["new_runs"],
            tables=rows_of(result),
            objects_staged=staged,
            objects_sent=sent,
            seconds=self.seconds,
        )

    def _unchanged(self, known: Curated) -> EtlResult:
        build = known.record.build if known.record else ""
        # An earlier one may have been killed when it had sent readers on and not yet cleaned up.
        self._timed("publish", lambda: self._publish(build))
        return EtlResult("unchanged", build, tables=known.rows, seconds=self.seconds)

    def _wanted(self, known: Curated, runs: list[str], *, full: bool) -> list[StoredObject]:
        """List what the job reads: records, ledgers, new files, and the build to go on from."""
        prefixes = [RECORDS]
        prefixes += [keys.processed_ledger_key(run) for run in runs]
        if known.current and not full:
            prefixes += [
                f"{CURATED_PREFIX}{t.folder(known.current.build)}" for t in CURATED.values()
            ]
        for table in list_folders(self.cloud, self.bucket, PROCESSED_PREFIX):
            for run in runs:
                day = keys.parse_run_id(run).date()
                prefixes.append(f"{PROCESSED_PREFIX}{table}/ingest_date={day}/{run}")
        return [
            item for prefix in prefixes for item in list_objects(self.cloud, self.bucket, prefix)
        ]

    def _stage(self, wanted: list[StoredObject]) -> int:
        self.say(f"stages {len(wanted)} objects")
        staged = self.workspace.stage.fetch(
            self.cloud,
            self.bucket,
            wanted,
            lambda done, all_: self.say(f"stages objects: {done} of {all_}"),
        )
        return staged.fetched

    def _build(self, known: Curated, options: EtlOptions) -> dict[str, Any]:
        stage = self.workspace.stage
        previous = known.current.build if known.current else ""
        self.say("starts Spark")

        def tell() -> None:
            written = tables_written(stage.data / CURATED_PREFIX, previous)
            if written:
                self.say(f"Spark: {written} of {len(CURATED)} tables written")

        return self.workspace.jobs.run(
            "glue_etl.job",
            {
                "processed": stage.uri(PROCESSED_PREFIX),
                "curated": stage.uri(CURATED_PREFIX),
                "runs": stage.uri(keys.RUNS_PREFIX),
                **options.arguments,
                "publish": "false",
                "master": "local[*]",
                "driver-memory": options.memory,
            },
            self.workspace.folder / "etl.log",
            on_wait=tell,
            lock_fd=self.lock_fd,
        )

    def _send(self, build: str, wanted: list[StoredObject]) -> int:
        record = f"{CURATED_PREFIX}{record_key(build)}"
        if record in {item.key for item in wanted}:
            # It is in the bucket already, whole: only its publication was cut off.
            return 0
        # The record last: it vouches for the rest.
        prefixes = [f"{CURATED_PREFIX}{table.folder(build)}" for table in CURATED.values()]
        return self.workspace.stage.store(
            self.cloud,
            self.bucket,
            [*prefixes, record],
            lambda done, all_: self.say(f"sends the new build: {done} of {all_} files"),
        )

    def _publish(self, build: str) -> None:
        self.say(f"publishes build {build}")
        self.workspace.jobs.run(
            "glue_etl.publish",
            {
                "build": build,
                "curated": f"s3://{self.bucket}/{CURATED_PREFIX}",
                "runs": f"s3://{self.bucket}/{keys.RUNS_PREFIX}",
                "database": self.cloud.parameter("foundation/glue-database"),
            },
            self.workspace.folder / "publish.log",
            environment=spark.aws_environment(self.cloud),
            lock_fd=self.lock_fd,
        )

    def _timed[T](self, part: str, call: Callable[[], T]) -> T:
        started = time.monotonic()
        try:
            return call()
        finally:
            taken = time.monotonic() - started
            self.seconds[part] = round(self.seconds.get(part, 0.0) + taken, 2)


def tables_written(folder: Path, previous: str) -> int:
    """Count the tables of which the next build is there, while Spark writes it."""
    return sum(
        any(
            build.name != f"build={previous}" and any(build.glob("*.parquet"))
            for build in (folder / table).glob("build=*")
        )
        for table in CURATED
    )
