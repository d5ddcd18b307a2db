"""What the logic needs of the outside world: the interfaces that adapters and fakes implement."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

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
        """Store JSON over the version with that ETag (``None``: over none); give the new ETag.

        Raises
        ------
        ingest.errors.WriteConflictError
            When the object has another version by now.
        """

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Give every key that begins with a prefix, in order."""


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


class Source(Protocol):
    """OpenLibrary's HTTP interface."""

    def fetch(self, path: str, gate: Gate, timeout_seconds: float) -> SourceResponse:
        """Ask for a path and query, sent inside ``gate``; no redirection is followed.

        Raises
        ------
        ingest.errors.SourceUnreachableError
            When no whole answer came within the time.
        ingest.errors.CrawlStoppingError
            When the gate did not let the request pass.
        """
