"""What a run is to crawl, frozen at its start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import StateUnreadableError, validation_summary
from ingest.ports import NewObject, ObjectStore, SubjectSpec
from schemas.keys import plan_key
from schemas.version import CONTRACT_VERSION


class RunPlan(BaseModel):
    """The crawl of one run; what its settings say later does not change it.

    Attributes
    ----------
    run_id, started_at
        The run, and when its first invocation began (UTC).
    page_size
        Works a request.
    max_works
        Works of a subject that has no cap of its own.
    subjects
        The subjects in the order in which they are begun.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    run_id: str
    contract_version: str = CONTRACT_VERSION
    started_at: AwareDatetime
    page_size: Annotated[int, Field(ge=1)]
    max_works: Annotated[int, Field(ge=1)]
    subjects: Sequence[SubjectSpec]

    def cap(self, spec: SubjectSpec) -> int:
        """Return the most works that are fetched of a subject."""
        return spec.max_works or self.max_works


def freeze(plan: RunPlan, store: ObjectStore) -> tuple[RunPlan, bool]:
    """Store the plan unless its run has one; return the one that holds, and whether it is new."""
    key = plan_key(plan.run_id)
    if store.create(key, NewObject(plan.model_dump_json().encode())):
        return plan, True
    stored = load(plan.run_id, store)
    if stored is None:
        raise StateUnreadableError(
            f"{key} was there and is gone: the next heartbeat writes it anew, see"
            " docs/runbook.md#ingest-errors"
        )
    return stored, False


def load(run_id: str, store: ObjectStore) -> RunPlan | None:
    """Read the plan of a run; ``None`` when there is none.

    Raises
    ------
    StateUnreadableError
        When it does not read back.
    """
    found = store.get(plan_key(run_id))
    if found is None:
        return None
    try:
        return RunPlan.model_validate_json(found.body)
    except ValidationError as error:
        raise StateUnreadableError(
            f"{plan_key(run_id)} is not a plan ({validation_summary(error)});"
            " delete it: the run goes on with the configured subjects"
        ) from error
