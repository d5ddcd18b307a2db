"""What the logic needs of the outside world: the interfaces that adapters and fakes implement."""

from __future__ import annotations

import random
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.subjects import listing_key

#: Held while a request is sent; entering it waits for the request's turn.
Gate = Callable[[], AbstractContextManager[None]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """Clock, sleep and chance, passed in so that tests decide over them.

    Attributes
    ----------
    now
        The wall clock, UTC.
    monotonic
        Seconds that never go back.
    sleep
        Waits so many seconds.
    uniform
        A random number between two bounds.
    """

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = field(default=random.uniform)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as read from the store: its bytes, metadata and ETag."""

    body: bytes
    metadata: Mapping[str, str]
    etag: str


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be stored: its bytes and how they are described."""

    body: bytes
    content_type: str = "application/json"
    content_encoding: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class ObjectStore(Protocol):
    """The data bucket."""

    def get(self, key: str) -> StoredObject | None:
        """Read an object; ``None`` when there is none."""

    def create(self, key: str, new: NewObject) -> bool:
        """Store an object under a key that has none; ``False`` when it has one, which stays."""

    def replace(self, key: str, body: bytes, etag: str | None) -> str:
        """Store JSON over the version with that ETag (``None``: over none); return the new ETag.

        Raises
        ------
        ingest.errors.WriteConflictError
            When the object has another version by now.
        """

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Return every key that begins with a prefix, in order."""


@dataclass(frozen=True, slots=True)
class SourceResponse:
    """An answer of the source, its body as it came over the wire.

    ``content_type``, ``content_encoding`` and ``retry_after`` are the headers, empty where absent.
    ``cut_at_limit`` says that the body was larger than a page can be and that reading stopped
    there.
    """

    url: str
    status: int
    body: bytes
    fetched_at: datetime
    content_type: str = ""
    content_encoding: str = ""
    retry_after: str = ""
    cut_at_limit: bool = False


class SubjectSpec(BaseModel):
    """One subject to crawl.

    Attributes
    ----------
    subject
        The source's key for it.
    max_works
        At most that many works; ``None``: as many as the run's plan says.
    filters
        Query parameters that narrow the subject's works.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: str
    max_works: Annotated[int | None, Field(ge=1)] = None
    filters: Mapping[str, str] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells this listing from others in keys, manifests and tables."""
        return listing_key(self.subject, self.filters)

    @model_validator(mode="before")
    @classmethod
    def _gather_filters(cls, value: Any) -> Any:
        # A plan that an earlier version froze has each filter as an attribute of its own.
        if not isinstance(value, dict):
            return value
        known = {name: value[name] for name in cls.model_fields if name in value}
        loose = {
            name: "true" if found is True else str(found)
            for name, found in value.items()
            if name not in known and found not in (None, False)
        }
        return known | {"filters": loose | dict(known.get("filters", {}))}


@dataclass(frozen=True, slots=True)
class Page:
    """A verified page.

    Attributes
    ----------
    wire
        The bytes to store: gzip.
    compressed_here
        Whether the source sent plain text, compressed here with a fixed time stamp.
    work_count
        The source's count of the subject's works.
    works
        Works in the page.
    fingerprints
        One 64-bit hash for each work's key, in order. They hold in this process only: 8 bytes for a
        work are what counting distinct works needs.
    """

    wire: bytes
    compressed_here: bool
    work_count: int
    works: int
    fingerprints: array[int]


class PageApi(Protocol):
    """The protocol of a source that serves subjects in pages, without its transport."""

    @property
    def largest_request(self) -> int:
        """Works that one page holds at most."""

    def page_path(self, spec: SubjectSpec, offset: int, limit: int, *, details: bool) -> str:
        """Return the path and query of the page of ``limit`` works from ``offset``.

        Parameters
        ----------
        details
            Whether to ask for what the source says of the subject as a whole, too.
        """

    def read(self, response: SourceResponse) -> Page:
        """Return the page that an answer holds.

        Raises
        ------
        ingest.errors.IngestError
            When it holds none; the tag says what to do.
        """

    def read_stored(self, wire: bytes) -> Page:
        """Return the page that a stored object holds.

        Raises
        ------
        ingest.errors.BodyRefusedError
            When it holds none.
        """


class Source(Protocol):
    """The source's HTTP interface."""

    def fetch(self, path: str, gate: Gate, timeout_seconds: float) -> SourceResponse:
        """Ask for a path and query, sent inside ``gate``; no redirection is followed.

        Raises
        ------
        ingest.errors.SourceUnreachableError
            When there was no whole answer within the time.
        ingest.errors.CrawlStoppingError
            When the gate did not let the request pass.
        """
