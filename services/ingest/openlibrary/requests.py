"""How a page of a subject is asked for."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from ingest.ports import SubjectSpec

#: The only total order of a subject's works: ``editions`` alone ties for most of them, and two
#: replicas answer, so that pages overlap and leave gaps.
SORT: Final = "editions,key"


def page_path(spec: SubjectSpec, offset: int, limit: int, *, details: bool) -> str:
    """Return the path and query of a page, with the subject's facets where ``details`` is set."""
    query: dict[str, str | int] = {"limit": limit, "offset": offset, "sort": SORT}
    if details:
        query["details"] = "true"
    query |= spec.filters
    return f"/subjects/{quote(spec.subject, safe=':')}.json?{urlencode(query, safe=',')}"
