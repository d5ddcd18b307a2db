"""Reconciliation: what came of a subject and of a run, against what the source announced."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ingest.logic.plan import RunPlan
from ingest.logic.subject_crawl import SubjectCrawl
from ingest.ports import SubjectSpec
from schemas.keys import subject_kind
from schemas.ledger.run import RunManifest, RunStatus, SubjectOutcome, SubjectStatus
from schemas.version import CONTRACT_VERSION

UNKNOWN_SUBJECT: Final = (
    "unknown_subject: the source has no works under this key; correct or remove it in SUBJECTS"
)


def reconcile(crawl: SubjectCrawl) -> SubjectOutcome:
    """Return the outcome of a subject that is finished or was stopped.

    The distinct works are counted over all its pages and compared with ``work_count`` as the source
    gave it last, or with the configured cap where that is less. A gap makes the outcome partial,
    whatever its cause.
    """
    fetched = len(crawl.fingerprints)
    distinct = len(set(crawl.fingerprints))
    status, reason = _verdict(crawl, distinct)
    return SubjectOutcome(
        subject=crawl.spec.subject,
        kind=subject_kind(crawl.spec.subject),
        status=status,
        reason=reason,
        expected_first=crawl.first[2] if crawl.first else None,
        expected_last=crawl.last[2] if crawl.last else None,
        fetched=fetched,
        distinct=distinct,
        duplicates=fetched - distinct,
        pages=[crawl.pages[offset] for offset in sorted(crawl.pages)],
        retries=crawl.counters.retries,
        bytes=sum(page.bytes for page in crawl.pages.values()),
        refused=crawl.counters.refused,
    )


def _verdict(crawl: SubjectCrawl, distinct: int) -> tuple[SubjectStatus, str | None]:
    if crawl.stopped_by is not None:
        return ("partial" if crawl.pages else "failed"), f"{crawl.stopped_by}: crawl stopped"
    if not crawl.pages and not crawl.missing:
        return "empty", UNKNOWN_SUBJECT
    if crawl.missing:
        lost = ", ".join(f"{gap.offset}+{gap.limit} ({gap.code})" for gap in crawl.missing[:5])
        more = f" and {len(crawl.missing) - 5} more" if len(crawl.missing) > 5 else ""
        return ("partial" if crawl.pages else "failed"), f"pages_failed: {lost}{more}"
    return _verdict_of_counts(crawl, distinct)


def _verdict_of_counts(crawl: SubjectCrawl, distinct: int) -> tuple[SubjectStatus, str | None]:
    announced = crawl.last[2] if crawl.last else 0
    changed = len(crawl.counts_seen) > 1
    changes = f"work_count was between {min(crawl.counts_seen)} and {max(crawl.counts_seen)}"
    if distinct < min(announced, crawl.cap):
        cause = f"source_changed: {changes} while paging" if changed else "undercount"
        return "partial", f"{cause}: {distinct} distinct works of {announced} announced"
    if changed:
        return "complete", f"source_changed: {changes} while paging"
    if announced > crawl.cap:
        return "complete", f"capped: {crawl.cap} of {announced} works, as configured"
    return "complete", None


def never_begun(spec: SubjectSpec, code: str) -> SubjectOutcome:
    """Return the outcome of a subject of which nothing was fetched before the run ended."""
    return SubjectOutcome(
        subject=spec.subject,
        kind=subject_kind(spec.subject),
        status="failed",
        reason=f"{code}: not begun before the run ended",
    )


def manifest(plan: RunPlan, outcomes: list[SubjectOutcome], finished_at: datetime) -> RunManifest:
    """Return a run's manifest: complete when every subject is, failed when every one failed."""
    states = {outcome.status for outcome in outcomes}
    status: RunStatus = "partial"
    if states <= {"complete", "empty"}:
        status = "complete"
    elif states == {"failed"}:
        status = "failed"
    return RunManifest(
        run_id=plan.run_id,
        contract_version=CONTRACT_VERSION,
        started_at=plan.started_at,
        finished_at=finished_at,
        status=status,
        subjects=outcomes,
    )
