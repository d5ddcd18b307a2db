"""Bring the curated tables up to date: by Spark on this machine for the local AWS, by Glue on AWS.

Here the input is staged, the new build is made and checked, sent to the bucket, and then published.
On AWS the job does all of it on S3 directly.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lake.aws import Cloud
from lake.errors import EtlError, EtlFailedError
from lake.etl import curated, glue_jobs
from lake.etl.compacted import prefixes_of_runs
from lake.etl.curated import Curated
from lake.etl.iceberg import iceberg_database
from lake.etl.workspace import Workspace
from lake.local import spark
from lake.objects import StoredObject, list_folders, list_objects
from lake.steps import Say
from schemas import keys
from schemas.curated_tables import CURATED

# The records of the builds; the folders beside them are the tables'.
RECORDS = f"{keys.CURATED_PREFIX}_"
DEFAULT_MEMORY = "2g"
# Arguments of the job by which it compacts whatever is settled.
COMPACT_ALL = {"compact-after-days": "0", "compact-days": "100000"}


@dataclass(frozen=True, kw_only=True)
class EtlOptions:
    """What the user asked for.

    Attributes
    ----------
    full
        Rebuild everything from all runs.
    memory
        Memory of Spark on this machine, in Java's notation: 2g.
    max_ratio
        How many times the rows of its last build a table may have; None for the job's default.
    controls
        What is asked for builds and runs, as arguments of the job: pin, unpin, exclude, include,
        reason.
    iceberg
        Publish Iceberg tables, too, from now on.
    compact
        Compact every settled day afterwards, however recent.
    min_ratio
        Which share of the rows of its last build a table must have; None for the job's default.
    """

    full: bool = False
    memory: str = DEFAULT_MEMORY
    max_ratio: float | None = None
    controls: Mapping[str, str] = field(default_factory=dict)
    iceberg: bool = False
    compact: bool = False
    min_ratio: float | None = None

    @property
    def arguments(self) -> dict[str, str]:
        """The job's arguments, wherever it runs; without the controls."""
        bounds = {"min-ratio": self.min_ratio, "max-ratio": self.max_ratio}
        given = {name: str(value) for name, value in bounds.items() if value is not None}
        return {"full": str(self.full).lower(), **given}


@dataclass(frozen=True)
class EtlResult:
    """The outcome of the ETL; the keys are those of `./lake etl --json`.

    Attributes
    ----------
    status
        published; unchanged if there was no new run; pinned if readers stay in a pinned build.
    tables
        Rows by table of the current build.
    objects_staged, objects_sent
        Objects fetched from the bucket, and sent to it.
    seconds
        By part.
    left_out
        Runs that break a data-quality rule, with what it found; the rest is published.
    compacted, not_compacted
        Days that were compacted here, and days that could not be, with the reason.
    """

    status: str
    build: str
    mode: str | None = None
    new_runs: list[str] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)
    objects_staged: int = 0
    objects_sent: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    compacted: list[str] = field(default_factory=list)
    not_compacted: dict[str, str] = field(default_factory=dict)


def controls_of(
    pin: str | None,
    *,
    unpin: bool,
    exclude: list[str] | None,
    include: list[str] | None,
    reason: str,
) -> dict[str, str]:
    """Return what a user asks for builds and runs as arguments of the job.

    Raises
    ------
    EtlError
        A run is to be excluded without a reason, or a build pinned and unpinned at once.
    """
    if exclude and not reason:
        raise EtlError("--exclude needs --reason.", "Say why, so that others know when to lift it.")
    if pin and unpin:
        raise EtlError("--pin and --unpin exclude each other.", "Give one of them.")
    given = {
        "pin": pin or "",
        "unpin": "true" if unpin else "",
        "exclude": ",".join(exclude or ()),
        "include": ",".join(include or ()),
    }
    found = {name: value for name, value in given.items() if value}
    return found | ({"reason": reason} if found and reason else {})


def run_etl(cloud: Cloud, workspace: Workspace, options: EtlOptions, say: Say) -> EtlResult:
    """Bring the curated tables of the local AWS up to date.

    Parameters
    ----------
    cloud
        The local AWS.
    workspace
        Folder and jobs.
    options
        What the user asked for.
    say
        Called with the current step.

    Raises
    ------
    EtlError
        Nothing is processed yet, a job failed, or another run is in progress.
    """
    bucket = cloud.parameter("foundation/data-bucket")
    with workspace.locked() as lock_fd, workspace.job_log.recording(bucket, "etl"):
        run = _Run(cloud, bucket, workspace, options, say, lock_fd)
        result = run.run()
        return run.compact(result) if options.compact else result


def run_on_glue(cloud: Cloud, options: EtlOptions, say: Say) -> EtlResult:
    """Run the job on Glue and return what is published afterwards.

    Raises
    ------
    EtlError
        The job failed, or another run is in progress.
    """
    started = time.monotonic()
    bucket = cloud.parameter("foundation/data-bucket")
    before = curated.read_curated(cloud, bucket)
    if options.iceberg:
        iceberg_database(cloud, turn_on=True)
    more = COMPACT_ALL if options.compact else {}
    glue_jobs.run_job(cloud, "etl", {**options.arguments, **options.controls, **more}, say)
    after = curated.read_curated(cloud, bucket)
    if after.current is None or after.record is None:
        raise EtlError(
            "The Glue job succeeded and published nothing.",
            f"Look at its log: '{cloud.command('status')}' shows the run.",
        )
    changed = before.current is None or before.current.build != after.current.build
    resting = "pinned" if after.pin else "unchanged"
    return EtlResult(
        status="published" if changed and not after.pin else resting,
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
        if self.options.controls:
            self._timed("publish", lambda: self._publish(self.options.controls))
        self.say("look for new runs")
        known = curated.read_curated(self.cloud, self.bucket)
        waiting = curated.waiting_runs(self.cloud, self.bucket, known)
        replayed = curated.replayed_runs(self.cloud, self.bucket, known)
        rebuild = curated.must_rebuild(self.cloud, self.bucket, known, waiting)
        full = self.options.full or rebuild or bool(replayed)
        if known.pin or (not full and not waiting):
            return self._unchanged(known)
        runs = curated.processed_runs(self.cloud, self.bucket) if full else waiting
        runs = [run for run in runs if run not in known.excluded]
        if not runs:
            raise EtlError(
                "There is no processed run to build tables from.",
                "Crawl first: './lake demo' makes a run.",
            )
        wanted = self._timed("stage", lambda: self._wanted(known, runs, full=full))
        staged = self._timed("stage", lambda: self._stage(wanted))
        options = replace(self.options, full=full)
        result = self._timed("spark", lambda: self._build_or_send_notes(known, options))
        build = str(result["build"])
        left_out: dict[str, str] = result.get("left_out", {})
        sent = self._timed("send", lambda: self._send(build, wanted, left_out))
        self._timed("publish", lambda: self._publish({"build": build}))
        return EtlResult(
            status="published",
            build=build,
            mode=result["mode"],
            new_runs=result["new_runs"],
            tables=rows_of(result),
            objects_staged=staged,
            objects_sent=sent,
            seconds=self.seconds,
            left_out=left_out,
        )

    def _unchanged(self, known: Curated) -> EtlResult:
        build = known.record.build if known.record else ""
        if known.pin:
            # Whoever set it may have been killed before readers were there.
            build = known.pin.build
        # An earlier run may have been killed between publishing and cleaning up.
        self._timed("publish", lambda: self._publish({"build": build}))
        status = "pinned" if known.pin else "unchanged"
        return EtlResult(status, build, tables=known.rows, seconds=self.seconds)

    def _wanted(self, known: Curated, runs: list[str], *, full: bool) -> list[StoredObject]:
        """List what the job reads: records, ledgers, new files, and the build to extend."""
        prefixes = [RECORDS]
        prefixes += [keys.processed_ledger_key(run) for run in runs]
        if known.current and not full:
            prefixes += [keys.curated_build_prefix(table, known.current.build) for table in CURATED]
        for table in list_folders(self.cloud, self.bucket, keys.PROCESSED_PREFIX):
            for run in runs:
                if table == keys.DUMP_WORKS:
                    prefixes.append(keys.dump_rows_prefix(run))
                else:
                    prefixes.append(keys.processed_run_prefix(table, run))
        prefixes += prefixes_of_runs(self.cloud, self.bucket, runs)
        found = (list_objects(self.cloud, self.bucket, prefix) for prefix in prefixes)
        # The lease of the bucket's tables says nothing of the stage's, and would make the job wait.
        hidden = {keys.CURATED_LEASE_KEY, *self._damaged_records(known)}
        return [item for items in found for item in items if item.key not in hidden]

    def _damaged_records(self, known: Curated) -> set[str]:
        """Return the records of builds that the job must not find again: their files are damaged.

        It would take such a build for finished, and the publisher refuse it each time. That of the
        current build is needed for what it says of runs and rows; it is never the next one.
        """
        current = known.current.build if known.current else None
        found = set()
        for item in list_objects(self.cloud, self.bucket, keys.BUILD_RECORDS_PREFIX):
            build = keys.parse_build_record_name(keys.below(keys.BUILD_RECORDS_PREFIX, item.key))
            if build and build != current and not curated.is_whole(self.cloud, self.bucket, build):
                found.add(item.key)
        return found

    def _stage(self, wanted: list[StoredObject]) -> int:
        self.say(f"stage {len(wanted)} objects")
        staged = self.workspace.stage.fetch(
            self.cloud,
            self.bucket,
            wanted,
            lambda done, all_: self.say(f"stage objects: {done} of {all_}"),
        )
        return staged.fetched

    def _build_or_send_notes(self, known: Curated, options: EtlOptions) -> dict[str, Any]:
        try:
            return self._build(known, options)
        except EtlFailedError:
            # Which runs the job found to break rules, so that the next one tries the others.
            stage = self.workspace.stage
            notes = sorted((stage.data / keys.EXCLUDED_RUNS_PREFIX).glob("*.json"))
            found = [str(note.relative_to(stage.data)) for note in notes]
            stage.store(self.cloud, self.bucket, found)
            raise

    def _build(self, known: Curated, options: EtlOptions) -> dict[str, Any]:
        stage = self.workspace.stage
        previous = known.current.build if known.current else ""
        self.say("start Spark")

        def show() -> None:
            written = tables_written(stage.data / keys.CURATED_PREFIX, previous)
            if written:
                self.say(f"Spark: {written} of {len(CURATED)} tables written")

        return self.workspace.jobs.run(
            "glue_etl.job",
            {
                "processed": stage.uri(keys.PROCESSED_PREFIX),
                "compacted": stage.uri(keys.COMPACTED_PREFIX),
                "curated": stage.uri(keys.CURATED_PREFIX),
                "runs": stage.uri(keys.RUNS_PREFIX),
                **options.arguments,
                "publish": "false",
                "master": "local[*]",
                "driver-memory": options.memory,
            },
            self.workspace.folder / "etl.log",
            on_wait=show,
            lock_fd=self.lock_fd,
        )

    def _send(self, build: str, wanted: list[StoredObject], left_out: Iterable[str]) -> int:
        record = keys.build_record_key(build)
        if record in {item.key for item in wanted}:
            # Only what is whole in the bucket is staged: its publication was interrupted.
            return 0
        # The record last: its presence means that the rest is there.
        prefixes = [keys.curated_build_prefix(table, build) for table in CURATED]
        return self.workspace.stage.store(
            self.cloud,
            self.bucket,
            [*prefixes, *map(keys.excluded_run_key, left_out), record],
            lambda done, all_: self.say(f"send the new build: {done} of {all_} files"),
        )

    def _publish(self, what: Mapping[str, str]) -> None:
        self.say("publish " + ", ".join(f"{name} {value}" for name, value in what.items()))
        iceberg = iceberg_database(self.cloud, turn_on=self.options.iceberg)
        self._on_bucket(
            "publish", {}, {**what, **({"iceberg-database": iceberg} if iceberg else {})}
        )

    def compact(self, result: EtlResult) -> EtlResult:
        """Compact what is settled, and say so in a result."""
        self.say("compact past days")
        places = {"processed": keys.PROCESSED_PREFIX, "compacted": keys.COMPACTED_PREFIX}
        done = self._timed("compact", lambda: self._on_bucket("compact", places, COMPACT_ALL))
        return replace(result, compacted=done["days"], not_compacted=done["unfit"])

    def _on_bucket(
        self, module: str, places: Mapping[str, str], what: Mapping[str, str]
    ) -> dict[str, Any]:
        """Run a job that needs no Spark on the bucket itself."""
        all_places = {**places, "curated": keys.CURATED_PREFIX, "runs": keys.RUNS_PREFIX}
        return self.workspace.jobs.run(
            f"glue_etl.{module}",
            {
                **what,
                **{name: f"s3://{self.bucket}/{prefix}" for name, prefix in all_places.items()},
                "database": self.cloud.parameter("foundation/glue-database"),
            },
            self.workspace.folder / f"{module}.log",
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
    """Count the tables of the next build that Spark has written so far."""
    return sum(
        any(
            keys.parse_build(build.name) not in (None, previous) and any(build.glob("*.parquet"))
            for build in (folder / table).glob("*")
        )
        for table in CURATED
    )
