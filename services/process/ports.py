"""What the logic needs of the outside; adapters provide it, and tests provide it in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from schemas.tables import Table


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of the data bucket.

    Attributes
    ----------
    body
        Its bytes; empty when there are more of them than the caller wanted.
    metadata
        Its user metadata.
    size
        Its stored size (bytes).
    etag
        Its version.
    """

    body: bytes
    metadata: Mapping[str, str]
    size: int
    etag: str


class Store(Protocol):
    """The data bucket. Methods raise StorageError, or StorageDeniedError for want of a right."""

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        """Read an object; ``None`` when there is none."""

    def get_many(self, keys: Sequence[str]) -> list[StoredObject | None]:
        """Read objects, several at once, in the order of their keys."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write an object, over an earlier one."""

    def put_new(self, key: str, body: bytes, content_type: str) -> bool:
        """Write an object unless there is one; return whether it was written."""

    def replace(self, key: str, body: bytes, content_type: str, etag: str | None) -> bool:
        """Write an object over the version with that ETag, or unless there is one (``None``).

        Returns
        -------
        bool
            Whether it was written; otherwise another version is there.
        """

    def list_etags(self, prefix: str, after: str = "", last: str | None = None) -> dict[str, str]:
        """List the ETags of the objects under a prefix, by key, in order.

        Parameters
        ----------
        after
            Name below the prefix behind which the listing begins.
        last
            Name below the prefix with which it ends; ``None``: with the last object.
        """


class MessageQueue(Protocol):
    """The queue that the messages of a batch came from."""

    def deliver_again(self, receipt_handle: str, seconds: int) -> None:
        """Deliver a message again after so many seconds, instead of the queue's own time.

        It does not raise: without it the message comes back later, and is not lost.
        """


class TableStore(Protocol):
    """The tables.

    Methods raise CatalogueError, StorageError or SchemaConflictError, and for want of a right
    CatalogueDeniedError or StorageDeniedError.
    """

    def write(self, table: Table, key: str, rows: pa.Table) -> None:
        """Write rows as one Parquet object."""

    def register(self, table: Table, ingest_date: str) -> None:
        """Make sure that the table, its columns and the day's partition are in the catalogue."""
