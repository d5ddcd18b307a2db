"""Captured bodies, served page by page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openlibrary_standin.parameters import Query
from openlibrary_standin.works.catalogue import Page, empty_page
from openlibrary_standin.works.keys import normalise_subject

_NOT_FACETS = {"key", "name", "subject_type", "solr_query", "work_count", "works"}


class CapturedSubjects:
    """Subjects whose works were captured from the OpenLibrary API.

    Parameters
    ----------
    paths
        Path of a captured JSON body by subject key.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._bodies: dict[str, dict[str, Any]] = {
            normalise_subject(key): json.loads(path.read_text(encoding="utf-8"))
            for key, path in paths.items()
        }

    def page(self, key: str, query: Query) -> Page | None:
        """Page of a captured subject, or None when it was not captured.

        The captured order counts as total whatever the ``sort``, filters do nothing, and
        ``work_count`` is the number of works captured.
        """
        body = self._bodies.get(key)
        if body is None:
            return None
        works = body["works"]
        facets = {name: body[name] for name in body if name not in _NOT_FACETS}
        return empty_page(key) | {
            "name": body["name"],
            "work_count": len(works),
            "works": works[query.offset : query.offset + query.limit],
            **(facets if query.details else {}),
        }
