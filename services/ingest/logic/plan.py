"""What a run is to crawl, frozen at its start, and the requests that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import StateUnreadableError
from ingest.openlibrary.subjects import SubjectSpec, explain
from ingest.ports import NewObject, ObjectStore
from schemas.keys import plan_key
from schemas.version import CONTRACT_VERSION

#: The only total order of a subject's works: ``editions`` alone ties for most of them, and two
#: replicas answer, so that pages overlap and leave gaps.
SORT: Final = "editions,key"


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
        """Give the most works that are fetched of a subject."""
        return spec.max_works or self.max_works


def freeze(plan: RunPlan, store: ObjectStore) -> tuple[RunPlan, bool]:
    """Store the plan unless its run has one; give the one that holds, and if it is this."""
    key = plan_key(plan.run_id)
    if store.create(key, NewObject(plan.model_dump_json().encode())):
        return plan, True
    stored = load(plan.run_id, store)
    if stored is None:
        raise StateUnreadableError(f"{key} exists and cannot be read: was it deleted just now?")
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
            f"{plan_key(run_id)} is not a plan ({explain(error)}); delete it to begin anew"
        ) from error


def page_path(spec: SubjectSpec, offset: int, limit: int) -> str:
    """Give the path and query of a page; the first one asks for the subject's facets too."""
    query: dict[str, str | int] = {"limit": limit, "offset": offset, "sort": SORT}
    if offset == 0:
        query["details"] = "true"
    if spec.published_in:
        query["published_in"] = spec.published_in
    if spec.has_fulltext:
        query["has_fulltext"] = "true"
    return f"/subjects/{quote(spec.subject, safe=':')}.json?{urlencode(query, safe=',')}"
