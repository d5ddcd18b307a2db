"""The run's ledger in the store: what earlier invocations left, and the manifest at the end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pydantic import ValidationError

from ingest.errors import StateUnreadableError
from ingest.logic.crawl import Resumed
from ingest.logic.plan import RunPlan
from ingest.logic.reconcile import manifest, never_begun
from ingest.logic.subject_crawl import Counters
from ingest.logic.workers import Executor
from ingest.ports import NewObject, ObjectStore, Timing
from schemas.keys import (
    InvalidKeyError,
    RawKey,
    decode_segment,
    manifest_key,
    outcome_key,
    outcomes_prefix,
    raw_run_prefix,
)
from schemas.ledger.run import RunManifest, SubjectOutcome


def find_stored(store: ObjectStore, run_id: str, counters: Mapping[str, Counters]) -> Resumed:
    """List what a run has stored so far: one request for each thousand pages or subjects.

    The pages of ended subjects are left out, so the result stays small.
    """
    outcomes = outcomes_prefix(run_id)
    ended = {
        decode_segment(key.removeprefix(outcomes).removesuffix(".json"))
        for key in store.list_keys(outcomes)
    }
    resumed = Resumed(ended=ended, counters=dict(counters))
    for key in store.list_keys(raw_run_prefix(run_id)):
        try:
            subject = RawKey.parse(key).subject
        except InvalidKeyError:
            continue
        if subject not in ended:
            resumed.pages.setdefault(subject, []).append(key)
    return resumed


def is_finished(store: ObjectStore, run_id: str) -> bool:
    """Whether a run has its manifest."""
    return next(iter(store.list_keys(manifest_key(run_id))), None) is not None


def keep_outcome(store: ObjectStore, run_id: str, outcome: SubjectOutcome) -> None:
    """Store the outcome of an ended subject; a later invocation passes the subject over."""
    key = outcome_key(run_id, outcome.subject)
    store.create(key, NewObject(outcome.model_dump_json().encode()))


def write_manifest(
    store: ObjectStore,
    plan: RunPlan,
    outcomes: Mapping[str, SubjectOutcome],
    executor: Executor,
    timing: Timing,
    *,
    reason: str,
) -> RunManifest:
    """Write the manifest of a run, unless it has one; return the one that holds.

    Parameters
    ----------
    outcomes
        By subject, of this invocation; the others are read from the store.
    reason
        Code for subjects of which nothing is known: why the run ended before them.
    """
    reads = {
        spec.subject: executor.submit(partial(_read_outcome, store, plan.run_id, spec.subject))
        for spec in plan.subjects
        if spec.subject not in outcomes
    }
    found = [
        outcomes.get(spec.subject) or reads[spec.subject].result() or never_begun(spec, reason)
        for spec in plan.subjects
    ]
    written = manifest(plan, found, timing.now())
    key = manifest_key(plan.run_id)
    if store.create(key, NewObject(written.model_dump_json().encode())):
        return written
    stored = store.get(key)
    return RunManifest.model_validate_json(stored.body) if stored else written


def _read_outcome(store: ObjectStore, run_id: str, subject: str) -> SubjectOutcome | None:
    key = outcome_key(run_id, subject)
    found = store.get(key)
    if found is None:
        return None
    try:
        return SubjectOutcome.model_validate_json(found.body)
    except ValidationError as error:
        raise StateUnreadableError(
            f"{key} is not the outcome of a subject; delete it: its pages are counted again"
        ) from error
