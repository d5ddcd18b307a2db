"""OpenLibrary's protocol as the crawl uses it."""

from __future__ import annotations

from ingest.openlibrary.body import read_page, read_stored
from ingest.openlibrary.outcomes import refusal
from ingest.openlibrary.requests import page_path
from ingest.ports import Page, SourceResponse, SubjectSpec
from schemas.limits import MAX_PAGE_RECORDS


class OpenLibrary:
    """The subjects API as an :class:`ingest.ports.PageApi`."""

    @property
    def largest_request(self) -> int:
        """The API's bound on the works of a page."""
        return MAX_PAGE_RECORDS

    def page_path(self, spec: SubjectSpec, offset: int, limit: int, *, details: bool) -> str:
        """Return the path and query of a page."""
        return page_path(spec, offset, limit, details=details)

    def read(self, response: SourceResponse) -> Page:
        """Return the page that an answer holds.

        Raises
        ------
        IngestError
            When it holds none; the tag says what to do.
        """
        error = refusal(response)
        if error is not None:
            raise error
        return read_page(response)

    def read_stored(self, wire: bytes) -> Page:
        """Return the page that a stored object holds.

        Raises
        ------
        BodyRefusedError
            When it holds none.
        """
        return read_stored(wire)
