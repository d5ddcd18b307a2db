"""What the job needs of the outside; adapters provide it, and tests provide it in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from schemas.curated_tables import CuratedTable
from schemas.tables import Table


@dataclass(frozen=True, slots=True, order=True)
class FileInfo:
    """A file: its URI, its size in bytes, and its ETag where the listing tells it."""

    uri: str
    size: int
    etag: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Versioned:
    """A file's body, and what tells this version of it from others."""

    body: bytes
    version: str


class Files(Protocol):
    """Files by URI.

    Every method raises StorageError when the storage does not answer, and StorageDeniedError when
    the job may not do this.
    """

    def read(self, uri: str) -> bytes | None:
        """Read a file; ``None`` when there is none."""

    def write(self, uri: str, body: bytes) -> None:
        """Write a file, over an earlier one; a reader sees the one or the other, whole."""

    def read_versioned(self, uri: str) -> Versioned | None:
        """Read a file with its version; ``None`` when there is none."""

    def write_if(self, uri: str, body: bytes, version: str | None) -> str | None:
        """Write a file if its version is still the given one (``None``: if no file is there yet).

        Returns
        -------
        str or None
            The new version; ``None`` when the condition did not hold, and nothing was written.
        """

    def etag(self, file: FileInfo) -> str:
        """Return what changes with a file's content, whoever writes it and however often."""

    def find(self, prefix: str) -> list[FileInfo]:
        """List the files whose URIs begin with a prefix, in order."""

    def folders(self, folder: str) -> list[str]:
        """List the names of the folders in a folder (a URI with a trailing slash), in order."""

    def delete(self, uri: str) -> None:
        """Delete a file, or all files of a folder (a URI with a trailing slash), if any."""

    def delete_unchanged(self, files: Sequence[FileInfo]) -> None:
        """Delete those of some files, of one place, that still have the ETags that they had."""


class Catalogue(Protocol):
    """Where readers look up the tables. Methods raise CatalogueError or CatalogueDeniedError."""

    def switch(self, table: CuratedTable, location: str, token: int) -> None:
        """Send readers of a table to a location, in one step; idempotent.

        Parameters
        ----------
        token
            Of the lease under which it is done; a higher one that switched the table before wins,
            and LeaseLostError is raised.
        """

    def locations(self) -> Mapping[str, str]:
        """Return the locations that readers are sent to now, by table."""


class Partitions(Protocol):
    """Where readers look up the days of the processed tables.

    Methods raise CatalogueError or CatalogueDeniedError.
    """

    def locations(self, table: Table) -> Mapping[str, str]:
        """Return the locations that readers of a table are sent to now, by day."""

    def switch(self, table: Table, day: str, location: str, token: int) -> None:
        """Send readers of a day that the table has to a location, in one step; idempotent.

        Parameters
        ----------
        token
            Of the lease under which it is done; a higher one that switched the day before wins,
            and LeaseLostError is raised.
        """
