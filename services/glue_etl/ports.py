"""What the job needs of the outside; adapters provide it, and tests provide it in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from schemas.curated_tables import CuratedTable


@dataclass(frozen=True, slots=True, order=True)
class FileInfo:
    """A file: its URI and its size in bytes."""

    uri: str
    size: int


class Files(Protocol):
    """Files by URI. Every method raises StorageError when the storage does not answer."""

    def read(self, uri: str) -> bytes | None:
        """Read a file; ``None`` when there is none."""

    def write(self, uri: str, body: bytes) -> None:
        """Write a file, over an earlier one; a reader sees the one or the other, whole."""

    def find(self, prefix: str) -> list[FileInfo]:
        """List the files whose URIs begin with a prefix, in order."""

    def folders(self, folder: str) -> list[str]:
        """List the names of the folders in a folder (a URI with a trailing slash), in order."""

    def delete(self, uri: str) -> None:
        """Delete a file, or all files of a folder (a URI with a trailing slash), if any."""


class Catalogue(Protocol):
    """Where readers look up the tables. Methods raise CatalogueError."""

    def switch(self, table: CuratedTable, location: str) -> None:
        """Send readers of a table to a location, in one step; idempotent."""

    def locations(self) -> Mapping[str, str]:
        """Return the locations that readers are sent to now, by table."""
