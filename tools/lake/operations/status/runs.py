"""Runs by stage, the gaps of the newest one, and how old the newest processed one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from lake.aws import Cloud
from lake.errors import UnreadableObjectError
from lake.etl.curated import Curated
from lake.runs.ledger import PageCounts, Run, count_pages, read_run
from lake.times import utc_text

Stage = Literal["crawling", "processing", "processed", "excluded", "curated", "damaged"]


@dataclass(frozen=True)
class RunStatus:
    """A run according to its ledgers; None where a ledger is not written yet.

    Attributes
    ----------
    damage
        Which ledger cannot be read, and what to do; then nothing is told from the others, either.
    """

    run_id: str
    stage: Stage
    crawl: str | None
    finished_at: str | None
    subjects: int | None
    records: int | None
    pages_stored: int
    pages_processed: int
    rows: int | None
    quarantined: int | None
    damage: str | None = None


@dataclass(frozen=True)
class SubjectGap:
    """A subject that a run does not have whole."""

    run_id: str
    subject: str
    status: str
    reason: str


def read_runs(cloud: Cloud, bucket: str, run_ids: Sequence[str]) -> list[Run]:
    """Return runs with their ledgers; one that is damaged says so, and hides no other."""
    return [_read_run(cloud, bucket, run_id) for run_id in run_ids]


def _read_run(cloud: Cloud, bucket: str, run_id: str) -> Run:
    try:
        return read_run(cloud, bucket, run_id)
    except UnreadableObjectError as error:
        return Run(run_id, None, None, damage=f"{error.message} {error.hint}")


def run_status(cloud: Cloud, bucket: str, run: Run, curated: Curated) -> RunStatus:
    """Return the status of a run; the pages of an unfinished one are counted."""
    manifest, processed = run.manifest, run.processed
    if processed is not None:
        stored = manifest.totals.pages if manifest else processed.pages
        pages = PageCounts(stored, processed.pages)
    else:
        pages = count_pages(cloud, bucket, run.run_id)
    return RunStatus(
        run_id=run.run_id,
        stage=_stage(run, curated),
        # A dump is a run without a crawl.
        crawl=manifest.status if manifest else "dump" if processed else None,
        finished_at=utc_text(manifest.finished_at) if manifest else None,
        subjects=manifest.totals.subjects if manifest else None,
        records=manifest.totals.fetched if manifest else processed.records if processed else None,
        pages_stored=pages.stored,
        pages_processed=pages.processed,
        rows=processed.rows if processed else None,
        quarantined=processed.quarantined if processed else None,
        damage=run.damage,
    )


def gaps(runs: Sequence[Run]) -> list[SubjectGap]:
    """Return the subjects that the newest finished crawl does not have whole.

    Parameters
    ----------
    runs
        Runs, newest first.
    """
    manifest = next((run.manifest for run in runs if run.manifest), None)
    if manifest is None:
        return []
    return [
        SubjectGap(manifest.run_id, one.subject, one.status, one.reason or "")
        for one in manifest.subjects
        if one.status in ("partial", "failed")
    ]


def freshness_hours(runs: Sequence[Run]) -> float | None:
    """Return how long ago the newest processed run was crawled; None if there is none."""
    ended = [run.manifest.finished_at for run in runs if run.manifest and run.processed]
    if not ended:
        return None
    return round((datetime.now(UTC) - max(ended)).total_seconds() / 3600, 2)


def _stage(run: Run, curated: Curated) -> Stage:
    if run.damage:
        return "damaged"
    if run.processed is None:
        return "crawling" if run.manifest is None else "processing"
    if run.run_id in curated.excluded:
        return "excluded"
    return "curated" if curated.record and run.run_id in curated.record.runs else "processed"
