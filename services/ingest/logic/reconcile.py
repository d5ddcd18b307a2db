"""Reconciliation: what is stored of a subject and of a run, against what the source announced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pydantic import ConfigDict, with_config

from ingest.logic.subject_crawl import SubjectCrawl, far_less
from ingest.ports import SubjectSpec
from schemas.ledger.run import RunStatus, SubjectOutcome, SubjectStatus
from schemas.subjects import subject_kind

UNKNOWN_SUBJECT: Final = (
    "unknown_subject: the source has no works under this key; correct or remove it in SUBJECTS"
)
#: Codes of answers without works where the source had announced some.
_SAYS_LESS: Final = frozenset({"empty_page", "count_collapsed"})
#: A count that stays far below the former one is believed in the third run that sees it.
RUNS_TO_BELIEVE: Final = 3


@with_config(ConfigDict(defer_build=True))
@dataclass(frozen=True, slots=True)
class Baseline:
    """The count of a subject that a run is compared with.

    Attributes
    ----------
    count
        The last one that was believed; ``None`` before the first.
    shrunk_runs
        Runs in a row that saw far less.
    """

    count: int | None = None
    shrunk_runs: int = 0

    @classmethod
    def of(cls, outcome: SubjectOutcome | None) -> Baseline:
        """Return the baseline that an earlier run left."""
        if outcome is None:
            return cls()
        # Runs of earlier versions left no baseline, but a count.
        count = outcome.expected_last if outcome.baseline is None else outcome.baseline
        return cls(count, outcome.shrunk_runs)


@dataclass(frozen=True, slots=True)
class _Verdict:
    status: SubjectStatus
    reason: str | None


def reconcile(crawl: SubjectCrawl, baseline: Baseline) -> SubjectOutcome:
    """Return the outcome of a subject that is finished or was stopped.

    It is complete when as many distinct works are stored as the source announced, or as the cap
    allows; when neighbouring pages hang together; and when the announced count is not far below
    the largest one of this run or the one of the last run.
    """
    fetched, distinct = crawl.coverage.fetched, crawl.coverage.distinct
    verdict = _verdict(crawl, distinct, baseline)
    counts = sorted(crawl.counts)
    first = next((count for _, offset, count in counts if offset == 0), None)
    left = _next_baseline(crawl, verdict, baseline)
    return SubjectOutcome(
        subject=crawl.spec.key,
        kind=subject_kind(crawl.spec.subject),
        status=verdict.status,
        reason=verdict.reason,
        expected_first=first,
        expected_last=counts[-1][2] if counts else None,
        fetched=fetched,
        distinct=distinct,
        duplicates=fetched - distinct,
        pages=[crawl.entries[offset] for offset in sorted(crawl.entries)],
        retries=crawl.state.retries,
        bytes=sum(page.bytes for page in crawl.entries.values()),
        refused=crawl.state.refused,
        baseline=left.count,
        shrunk_runs=left.shrunk_runs,
    )


def _next_baseline(crawl: SubjectCrawl, verdict: _Verdict, baseline: Baseline) -> Baseline:
    # Whatever else is wrong with a run: a count far below the former one is believed when a whole
    # crawl bears it out, and not before the run in which that is due.
    if crawl.count is None:
        return baseline
    far_below = baseline.count is not None and far_less(crawl.count, baseline.count)
    if far_below and verdict.status != "complete":
        return replace(baseline, shrunk_runs=baseline.shrunk_runs + 1)
    return Baseline(crawl.count)


def _verdict(crawl: SubjectCrawl, distinct: int, baseline: Baseline) -> _Verdict:
    incomplete: SubjectStatus = "partial" if crawl.entries else "failed"
    if crawl.stopped_by is not None:
        return _Verdict(incomplete, _why_stopped(crawl))
    gaps = crawl.state.missing
    if any(gap.code not in _SAYS_LESS for gap in gaps):
        lost = ", ".join(f"{gap.offset}+{gap.limit} ({gap.code})" for gap in gaps[:5])
        more = f" and {len(gaps) - 5} more" if len(gaps) > 5 else ""
        return _Verdict(incomplete, f"pages_failed: {lost}{more}")
    if not (crawl.count or crawl.entries):
        if baseline.count:
            reason = f"source_shrunk: work_count is 0, and was {baseline.count} in the last run"
            return _Verdict("partial", f"{reason}; if that is right, remove it from SUBJECTS")
        return _Verdict("empty", UNKNOWN_SUBJECT)
    return _verdict_of_counts(crawl, crawl.count or 0, distinct, baseline)


def _why_stopped(crawl: SubjectCrawl) -> str:
    state, reason = crawl.state, f"{crawl.stopped_by}: crawl stopped"
    if state.failures:
        reason += f" after {state.failures} failed request{'s' * (state.failures > 1)}"
    if state.last_code not in ("", crawl.stopped_by):
        reason += f"; last failure: {state.last_code}"
    return reason


def _verdict_of_counts(
    crawl: SubjectCrawl, announced: int, distinct: int, baseline: Baseline
) -> _Verdict:
    seen = {count for _, _, count in crawl.counts}
    changed = len(seen) > 1
    changes = f"work_count was between {min(seen)} and {max(seen)}"
    wanted = min(announced, crawl.cap)
    if distinct < wanted or (changed and far_less(distinct, min(max(seen), crawl.cap))):
        cause = f"source_changed: {changes} while paging" if changed else "undercount"
        return _Verdict("partial", f"{cause}: {distinct} distinct works of {max(seen)} announced")
    if far_less(max(seen), shown := crawl.coverage.end):
        reason = f"count_contradicted: work_count is {max(seen)}, and the pages hold {shown} works"
        return _Verdict("partial", reason)
    if baseline.count is not None and far_less(announced, baseline.count):
        reason = f"source_shrunk: work_count is {announced}, and was {baseline.count}"
        if baseline.shrunk_runs + 1 < RUNS_TO_BELIEVE:
            return _Verdict("partial", f"{reason} in the last run")
        return _Verdict("complete", f"{reason} {RUNS_TO_BELIEVE} runs ago")
    if seams := crawl.open_seams():
        places = ", ".join(str(seam.right) for seam in seams[:5])
        return _Verdict(
            "partial", f"seams_open: works may be missing where pages meet, at {places}"
        )
    return _Verdict("complete", _remark(crawl, announced, changes if changed else None))


def _remark(crawl: SubjectCrawl, announced: int, changes: str | None) -> str | None:
    if crawl.state.without_details:
        return "without_details: the first page kept failing with its facets"
    if changes:
        return f"source_changed: {changes} while paging"
    if announced > crawl.cap:
        return f"capped: {crawl.cap} of {announced} works, as configured"
    return None


def never_begun(spec: SubjectSpec, code: str) -> SubjectOutcome:
    """Return the outcome of a subject of which nothing was asked for before the run ended."""
    return SubjectOutcome(
        subject=spec.key,
        kind=subject_kind(spec.subject),
        status="failed",
        reason=f"{code}: not begun before the run ended",
    )


def run_status(states: set[SubjectStatus]) -> RunStatus:
    """Return a run's status: complete when every subject is, failed when every one failed."""
    if states <= {"complete", "empty"}:
        return "complete"
    return "failed" if states == {"failed"} else "partial"
