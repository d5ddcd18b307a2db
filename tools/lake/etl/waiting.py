"""Wait on AWS until the job that a finished run starts has taken it into the curated tables."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from lake.aws import Cloud
from lake.errors import EtlError, EtlFailedError
from lake.etl import curated
from lake.etl.glue_jobs import ENDED, newest_job_runs
from lake.etl.job_runs import JobRun
from lake.runs.ledger import read_ledger
from lake.steps import Say
from lake.times import utc_text
from schemas.keys import curated_ledger_key
from schemas.ledger.curated_build import CuratedLedger

POLL_SECONDS = 10.0
# The workflow gathers runs for up to 15 minutes before it starts the job, which takes 2 to start.
LONGEST_START_SECONDS = 1200.0
# Among the newest runs of all jobs, one of the ETL is looked for.
LOOKED_THROUGH = 10


def wait_until_curated(
    cloud: Cloud,
    bucket: str,
    run_id: str,
    say: Say,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[str, int]:
    """Wait until a processed run is in the curated tables; return their rows.

    Raises
    ------
    EtlFailedError
        A job that was started since has failed.
    EtlError
        No job was started, or one has ended without the run.
    """
    since = utc_text(datetime.now(UTC))
    deadline = time.monotonic() + LONGEST_START_SECONDS
    while not _is_curated(cloud, bucket, run_id):
        newest = _newest_etl(cloud)
        if newest is None or newest.started_at < since:
            say("Glue's workflow gathers finished runs")
            if time.monotonic() > deadline:
                raise EtlError(
                    f"No job has taken run {run_id} for {LONGEST_START_SECONDS / 60:.0f} minutes.",
                    f"docs/runbook.md#runs-waiting says why; {cloud.command('etl')} takes it now.",
                )
        elif newest.state not in ENDED:
            # Glue ends a job that takes too long.
            say(f"Glue job {newest.job}: {newest.state.lower()}, {newest.seconds or 0:.0f} s")
        elif newest.state != "SUCCEEDED":
            raise EtlFailedError(
                f"The job of {newest.started_at} {newest.state.lower()}: {newest.error}",
                "docs/runbook.md#etl-failed says what to do.",
            )
        elif not _is_curated(cloud, bucket, run_id):
            # Not between the look before and its end, either.
            raise _passed_over(cloud, bucket, run_id, newest)
        sleep(POLL_SECONDS)
    return curated.read_curated(cloud, bucket).rows


def _is_curated(cloud: Cloud, bucket: str, run_id: str) -> bool:
    return read_ledger(cloud, bucket, curated_ledger_key(run_id), CuratedLedger) is not None


def _newest_etl(cloud: Cloud) -> JobRun | None:
    # A dump's loading takes no run into the tables.
    return next((run for run in newest_job_runs(cloud, LOOKED_THROUGH) if run.job == "etl"), None)


def _passed_over(cloud: Cloud, bucket: str, run_id: str, job: JobRun) -> EtlError:
    known = curated.read_curated(cloud, bucket)
    ended = f"The job of {job.started_at} has ended without run {run_id}"
    if known.pin:
        return EtlError(
            f"{ended}: readers are pinned to build {known.pin.build} ({known.pin.reason}).",
            f"{cloud.command('etl')} --unpin ends that.",
        )
    if run_id in known.excluded:
        return EtlError(
            f"{ended}, which is excluded: {known.excluded[run_id].reason}.",
            f"{cloud.command('etl')} --include {run_id} lets it in.",
        )
    return EtlError(f"{ended}.", f"{cloud.command('etl')} takes it now.")
