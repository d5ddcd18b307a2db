"""The log of the ETL's job runs: a file on this machine, Glue's own record on AWS."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lake.errors import LakeError
from lake.times import utc_text

KEPT = 100


@dataclass(frozen=True)
class JobRun:
    """One run of a job.

    Attributes
    ----------
    started_at
        In UTC, as `utc_text` writes it: such texts are compared.
    state
        In Glue's words: RUNNING, SUCCEEDED, FAILED, STOPPED and others.
    error
        Why it failed; empty if it did not.
    """

    job: str
    started_at: str
    state: str
    seconds: float | None = None
    error: str = ""


@dataclass(frozen=True)
class JobLog:
    """The job runs of this machine, one per line, each with the bucket that it worked on."""

    path: Path

    @contextmanager
    def recording(self, bucket: str, job: str) -> Iterator[None]:
        """Record a run and its end."""
        started = datetime.now(UTC)
        run = JobRun(job, utc_text(started), "STOPPED")
        try:
            yield
            run = replace(run, state="SUCCEEDED")
        except LakeError as error:
            run = replace(run, state="FAILED", error=error.message)
            raise
        finally:
            taken = (datetime.now(UTC) - started).total_seconds()
            self._add(bucket, replace(run, seconds=round(taken, 1)))

    def newest(self, bucket: str, count: int) -> list[JobRun]:
        """Return the newest runs that worked on a bucket, newest first."""
        entries = (json.loads(line) for line in self._lines())
        found = [JobRun(**entry["run"]) for entry in entries if entry["bucket"] == bucket]
        return found[::-1][:count]

    def _add(self, bucket: str, run: JobRun) -> None:
        lines = [*self._lines(), json.dumps({"bucket": bucket, "run": asdict(run)})]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(".new")
        written.write_text("".join(f"{line}\n" for line in lines[-KEPT:]))
        written.replace(self.path)

    def _lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []
