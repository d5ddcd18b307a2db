"""The run's ledger in the store: what earlier invocations left, and the manifest at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from functools import partial
from itertools import batched
from typing import Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from ingest.errors import StateUnreadableError, WriteConflictError
from ingest.logic.dependencies import Resumed
from ingest.logic.pages import SubjectState
from ingest.logic.plan import RunPlan, load
from ingest.logic.reconcile import Baseline, never_begun, run_status
from ingest.logic.workers import Executor
from ingest.ports import NewObject, ObjectStore, SubjectSpec, Timing
from schemas.keys import (
    InvalidKeyError,
    RawKey,
    baseline_key,
    decode_segment,
    manifest_key,
    outcome_key,
    outcomes_prefix,
    raw_run_prefix,
)
from schemas.ledger.run import RunManifest, RunStatus, RunTotals, SubjectOutcome, SubjectStatus
from schemas.version import CONTRACT_VERSION

#: Outcomes that are read at once; each is some hundred bytes a page.
_READS_AT_ONCE: Final = 64
#: Subjects of a run of which one was served, if any was.
_SUBJECTS_TO_ASK: Final = 5
#: The last runs know a subject's count best; it is kept besides, for the subject need not be in
#: every list, and a run may end before it comes to it.
_RUNS_TO_ASK: Final = 3
_BASELINE: Final = TypeAdapter(Baseline)


def find_stored(
    store: ObjectStore,
    run_id: str,
    states: Mapping[str, SubjectState],
    keep_alive: Callable[[], None],
) -> Resumed:
    """List what a run has stored so far: one request for each thousand pages or subjects.

    The pages of ended subjects are left out, so the result stays small. Keys of others, such as
    the folder markers that consoles make, are passed over.
    """
    resumed = Resumed(states=dict(states))
    outcomes = outcomes_prefix(run_id)
    for key in store.list_keys(outcomes):
        keep_alive()
        name, ending = key.removeprefix(outcomes).removesuffix(".json"), key.endswith(".json")
        try:
            if ending:
                resumed.ended.add(decode_segment(name))
        except InvalidKeyError:
            continue
    for key in store.list_keys(raw_run_prefix(run_id)):
        keep_alive()
        try:
            subject = RawKey.parse(key).subject
        except InvalidKeyError:
            continue
        resumed.served.add(subject)
        if subject not in resumed.ended:
            resumed.pages.setdefault(subject, []).append(key)
    return resumed


def is_finished(store: ObjectStore, run_id: str) -> bool:
    """Return whether a run has its manifest."""
    key = manifest_key(run_id)
    return next(iter(store.list_keys(key)), None) == key


def keep_outcome(store: ObjectStore, run_id: str, outcome: SubjectOutcome) -> None:
    """Store the outcome of an ended subject; a later invocation passes the subject over."""
    key = outcome_key(run_id, outcome.subject)
    store.create(key, NewObject(outcome.model_dump_json().encode()))
    if outcome.baseline:
        _keep_baseline(store, outcome.subject, Baseline.of(outcome))


def _keep_baseline(store: ObjectStore, subject: str, baseline: Baseline) -> None:
    key, body = baseline_key(subject), _BASELINE.dump_json(baseline)
    found = store.get(key)
    # A repeated write whose first answer was lost meets its own version.
    with suppress(WriteConflictError):
        if found is None or found.body != body:
            store.replace(key, body, found.etag if found else None)


def find_baseline(store: ObjectStore, finished_runs: Sequence[str], subject: str) -> Baseline:
    """Return the count that the last run with this subject left, however long ago that was."""
    for run_id in reversed(finished_runs[-_RUNS_TO_ASK:]):
        found = store.get(outcome_key(run_id, subject))
        with suppress(ValidationError):
            if (
                found
                and (left := Baseline.of(SubjectOutcome.model_validate_json(found.body))).count
            ):
                return left
    kept = store.get(baseline_key(subject))
    with suppress(ValidationError):
        return _BASELINE.validate_json(kept.body) if kept else Baseline()
    return Baseline()


def find_served(
    store: ObjectStore, finished_runs: Sequence[str], crawled: Set[str]
) -> list[SubjectSpec]:
    """Return some subjects that the last runs were served, besides those that are crawled now."""
    for run_id in reversed(finished_runs[-_RUNS_TO_ASK:]):
        served = []
        with suppress(StateUnreadableError):
            plan = load(run_id, store)
            others = [one for one in plan.subjects if one.key not in crawled] if plan else []
            for spec in others[:_SUBJECTS_TO_ASK]:
                text = _read_outcome(store, run_id, spec)
                if text and SubjectOutcome.model_validate_json(text).pages:
                    served.append(spec)
        if served:
            return served
    return []


def write_manifest(
    store: ObjectStore,
    plan: RunPlan,
    executor: Executor,
    timing: Timing,
    *,
    reason: str,
    keep_alive: Callable[[], None],
) -> RunStatus:
    """Write the manifest of a run from its subjects' outcomes, unless it has one.

    The outcomes are strung together as they are stored: a run may have 200,000 pages, and as
    objects they would take some hundred MB.

    Parameters
    ----------
    reason
        Code for subjects of which nothing is known: why the run ended before them.

    Returns
    -------
    RunStatus
        The status of the manifest that holds.
    """
    totals, states, subjects = RunTotals(), set[SubjectStatus](), bytearray()
    for text in _outcomes(store, plan, executor, reason):
        keep_alive()
        outcome = SubjectOutcome.model_validate_json(text)
        totals = totals.plus(outcome)
        states.add(outcome.status)
        subjects += b"," * bool(subjects) + text
    status = run_status(states)
    body = _manifest(plan, timing, status, subjects, totals)
    if store.create(manifest_key(plan.run_id), NewObject(body)):
        return status
    return manifest_status(store, plan.run_id) or status


def _manifest(
    plan: RunPlan, timing: Timing, status: RunStatus, subjects: bytearray, totals: RunTotals
) -> bytes:
    head = RunManifest(
        run_id=plan.run_id,
        contract_version=CONTRACT_VERSION,
        started_at=plan.started_at,
        finished_at=timing.now(),
        status=status,
        subjects=[],
    ).model_dump_json(exclude={"subjects", "totals"})
    return b'%s,"subjects":[%s],"totals":%s}' % (
        head.removesuffix("}").encode(),
        subjects,
        totals.model_dump_json().encode(),
    )


class _Status(BaseModel):
    status: RunStatus


def manifest_status(store: ObjectStore, run_id: str) -> RunStatus | None:
    """Return the status in a run's manifest; ``None``: it has none."""
    found = store.get(manifest_key(run_id))
    return _Status.model_validate_json(found.body).status if found else None


def _outcomes(
    store: ObjectStore, plan: RunPlan, executor: Executor, reason: str
) -> Iterator[bytes]:
    for specs in batched(plan.subjects, _READS_AT_ONCE, strict=False):
        reads = [executor.submit(partial(_read_outcome, store, plan.run_id, one)) for one in specs]
        for spec, read in zip(specs, reads, strict=True):
            yield read.result() or never_begun(spec, reason).model_dump_json().encode()


def _read_outcome(store: ObjectStore, run_id: str, spec: SubjectSpec) -> bytes | None:
    key = outcome_key(run_id, spec.key)
    found = store.get(key)
    if found is None:
        return None
    try:
        SubjectOutcome.model_validate_json(found.body)
    except ValidationError as error:
        raise StateUnreadableError(
            f"{key} is not the outcome of a subject; delete it: its pages are counted again"
        ) from error
    return found.body
