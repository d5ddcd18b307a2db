"""OpenLibrary's protocol as the crawl uses it."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.openlibrary.body import read_page, read_stored
from ingest.openlibrary.outcomes import refusal
from ingest.openlibrary.requests import page_path
from ingest.ports import Page, SourceResponse, SubjectSpec


@dataclass
class OpenLibrary:
    """The subjects API as an :class:`ingest.ports.PageApi`; safe to use from several threads.

    Attributes
    ----------
    sort_accepted
        Whether the source has answered a request with our sort order.
    """

    sort_accepted: bool = False

    def page_path(self, spec: SubjectSpec, offset: int, limit: int) -> str:
        """Return the path and query of a page."""
        return page_path(spec, offset, limit)

    def read(self, response: SourceResponse) -> Page:
        """Return the page that an answer holds.

        Raises
        ------
        IngestError
            When it holds none; the tag says what to do.
        """
        error = refusal(response, sort_accepted=self.sort_accepted)
        if error is not None:
            raise error
        page = read_page(response)
        self.sort_accepted = True
        return page

    def read_stored(self, wire: bytes) -> Page:
        """Return the page that a stored object holds.

        Raises
        ------
        BodyRefusedError
            When it holds none.
        """
        return read_stored(wire)
