"""Wait on AWS until the job that a finished run starts has taken it into the curated tables."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from lake.aws import Cloud
from lake.errors import EtlError, EtlFailedError
from lake.etl import curated
from lake.etl.glue_jobs import ENDED, newest_job_runs
from lake.runs.ledger import read_ledger
from schemas.keys import curated_ledger_key
from schemas.ledger.curated_build import CuratedLedger

POLL_SECONDS = 10.0
# The workflow gathers runs for up to 15 minutes before it starts the job, which takes 2 to start.
LONGEST_START_SECONDS = 1200.0
STARTED_FORMAT = "%Y-%m-%d %H:%M:%S"

Say = Callable[[str], None]


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
        No job was started.
    """
    since = datetime.now(UTC).strftime(STARTED_FORMAT)
    deadline = time.monotonic() + LONGEST_START_SECONDS
    while read_ledger(cloud, bucket, curated_ledger_key(run_id), CuratedLedger) is None:
        newest = next(iter(newest_job_runs(cloud, 1)), None)
        if newest is None or newest.started_at < since:
            say("Glue's workflow gathers finished runs")
            if time.monotonic() > deadline:
                raise EtlError(
                    f"No job has taken run {run_id} for {LONGEST_START_SECONDS / 60:.0f} minutes.",
                    f"docs/runbook.md#runs-waiting says why; {cloud.command('etl')} takes it now.",
                )
        elif newest.state in ENDED and newest.state != "SUCCEEDED":
            raise EtlFailedError(
                f"The job of {newest.started_at} {newest.state.lower()}: {newest.error}",
                "docs/runbook.md#etl-failed says what to do.",
            )
        else:
            say(f"Glue job {newest.job}: {newest.state.lower()}, {newest.seconds or 0:.0f} s")
        sleep(POLL_SECONDS)
    return curated.read_curated(cloud, bucket).rows
