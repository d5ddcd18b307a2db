"""The two routes of a dump into the lake: Spark on this machine, and Glue on AWS."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lake.aws import Cloud
from lake.errors import EtlError, EtlFailedError
from lake.etl import glue_jobs, refresh
from lake.etl.dump import Dump, digest_of
from lake.etl.refresh import EtlOptions, EtlResult
from lake.etl.workspace import Workspace, workspace_of
from lake.objects import list_objects
from lake.project import Project
from lake.runs.ledger import read_ledger
from lake.steps import Say
from schemas import keys
from schemas.ledger.run import DumpSource, ProcessedLedger
from schemas.tables import QUARANTINE

# A dump is larger than any crawl, and its growth is intended.
ANY_GROWTH = 1e9
# Name of an uploaded dump's digest in the object's metadata.
MD5 = "md5"


@dataclass(frozen=True)
class Loaded:
    """The outcome of loading a dump: `rows + quarantined == lines`.

    Attributes
    ----------
    status
        loaded, or unchanged if its run was loaded before.
    """

    status: str
    run_id: str
    lines: int
    rows: int
    quarantined: int


class Route(Protocol):
    """A route into the lake."""

    @property
    def cloud(self) -> Cloud:
        """Where the lake is."""

    def load(self, bucket: str, dump: Dump, say: Say) -> Loaded:
        """Load a dump as a processed run; raises EtlError if it is not a works dump."""

    def digest_of(self, bucket: str, loaded: DumpSource) -> str | None:
        """Return the MD5 of a dump that was loaded before; None if it is not known any more."""

    def run_etl(self, say: Say) -> EtlResult:
        """Bring the curated tables up to date."""


def route_of(cloud: Cloud, project: Project, options: EtlOptions) -> Route:
    """Return the route into an environment."""
    if cloud.is_local:
        return LocalRoute(cloud, workspace_of(cloud, project), options)
    return GlueRoute(cloud, options)


def ledger_of(cloud: Cloud, bucket: str, run_id: str, status: str) -> Loaded | None:
    """Return a dump's counts from its run's ledger; None if it is not written."""
    key = keys.processed_ledger_key(run_id)
    ledger = read_ledger(cloud, bucket, key, ProcessedLedger)
    if ledger is None:
        return None
    return Loaded(status, run_id, ledger.records, ledger.rows, ledger.quarantined)


@dataclass(frozen=True)
class LocalRoute:
    """By Spark on this machine, into the local AWS."""

    cloud: Cloud
    workspace: Workspace
    options: EtlOptions

    def load(self, bucket: str, dump: Dump, say: Say) -> Loaded:
        """Load a dump; see the protocol."""
        stage, run = self.workspace.stage, dump.run_id
        outputs = [
            keys.dump_rows_prefix(run),
            keys.dump_quarantine_prefix(QUARANTINE.location, run),
            # Last: its presence means that the rest is there.
            keys.processed_ledger_key(run),
        ]
        with self.workspace.locked() as lock_fd, self.workspace.job_log.recording(bucket, "bulk"):
            for prefix in outputs:
                stage.remove(prefix)
            result = self._load_by_spark(dump, lock_fd, say)
            stage.store(
                self.cloud,
                bucket,
                outputs,
                lambda done, all_: say(f"send the result: {done} of {all_} files"),
            )
        names = ("status", "run_id", "lines", "rows", "quarantined")
        return Loaded(**{name: result[name] for name in names})

    def digest_of(self, bucket: str, loaded: DumpSource) -> str | None:
        """Return the MD5 of a dump; see the protocol."""
        # A file's ETag is its MD5.
        return loaded.etag

    def run_etl(self, say: Say) -> EtlResult:
        """Run the ETL; see the protocol."""
        return refresh.run_etl(self.cloud, self.workspace, self.options, say)

    def _load_by_spark(self, dump: Dump, lock_fd: int, say: Say) -> dict[str, Any]:
        link = f"file://{self._linked(dump)}"
        try:
            return self._run_spark(dump, link, lock_fd, say)
        except EtlFailedError as error:
            # Name the user's file, not the link that Spark read.
            message = error.message.replace(link, str(dump.path))
            raise EtlFailedError(message, error.hint, error.code) from error

    def _run_spark(self, dump: Dump, link: str, lock_fd: int, say: Say) -> dict[str, Any]:
        stage = self.workspace.stage
        size = f"{dump.path.stat().st_size / 1e6:,.1f} MB"
        return self.workspace.jobs.run(
            "glue_etl.bulk",
            {
                "dump": link,
                "run-id": dump.run_id,
                "processed": stage.uri(keys.PROCESSED_PREFIX),
                "quarantine": stage.uri(QUARANTINE.location),
                "runs": stage.uri(keys.RUNS_PREFIX),
                "master": "local[*]",
                "driver-memory": self.options.memory,
            },
            self.workspace.folder / "bulk.log",
            on_wait=_clock(lambda seconds: say(f"Spark reads {size}: {seconds} s")),
            lock_fd=lock_fd,
        )

    def _linked(self, dump: Dump) -> Path:
        # Spark reads a path as a pattern, so the user's file name could mean something else.
        link = self.workspace.folder.resolve() / "dumps" / dump.name
        target = dump.path.resolve()
        # A dump that lies there is its own link.
        if target != link:
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        return link


@dataclass(frozen=True)
class GlueRoute:
    """By Glue, from S3."""

    cloud: Cloud
    options: EtlOptions

    def load(self, bucket: str, dump: Dump, say: Say) -> Loaded:
        """Load a dump; see the protocol."""
        key = keys.dump_key(dump.name)
        self._upload(bucket, key, dump.path, say)
        arguments = {"dump": f"s3://{bucket}/{key}", "run-id": dump.run_id}
        glue_jobs.run_job(self.cloud, "bulk", arguments, say)
        loaded = ledger_of(self.cloud, bucket, dump.run_id, "loaded")
        if loaded is None:
            raise EtlError(
                "The Glue job succeeded without writing the ledger of its run.",
                f"Look at its log: '{self.cloud.command('status')}' shows the run.",
            )
        return loaded

    def digest_of(self, bucket: str, loaded: DumpSource) -> str | None:
        """Return the MD5 of a dump; see the protocol."""
        key = keys.dump_key(loaded.name)
        for item in list_objects(self.cloud, bucket, key):
            if item.key == key and item.etag.strip('"') == loaded.etag:
                return self._noted_digest(bucket, key)
        return None

    def run_etl(self, say: Say) -> EtlResult:
        """Run the ETL; see the protocol."""
        return refresh.run_on_glue(self.cloud, self.options, say)

    def _upload(self, bucket: str, key: str, path: Path, say: Say) -> None:
        digest, size, sent = digest_of(path), path.stat().st_size, 0
        stored = {item.key: item.size for item in list_objects(self.cloud, bucket, key)}
        if stored.get(key) == size and self._noted_digest(bucket, key) == digest:
            return

        def count_up(count: int) -> None:
            nonlocal sent
            sent += count
            say(f"upload {sent / 1e6:,.0f} of {size / 1e6:,.0f} MB")

        self.cloud.client("s3").upload_file(
            str(path), bucket, key, ExtraArgs={"Metadata": {MD5: digest}}, Callback=count_up
        )

    def _noted_digest(self, bucket: str, key: str) -> str | None:
        """Return the MD5 that was noted when an object was uploaded.

        Its ETag is another where it came in parts, or is encrypted with a key.
        """
        found: str | None = (
            self.cloud.client("s3").head_object(Bucket=bucket, Key=key)["Metadata"].get(MD5)
        )
        return found


def _clock(show: Callable[[int], None]) -> Callable[[], None]:
    started = time.monotonic()
    return lambda: show(int(time.monotonic() - started))
