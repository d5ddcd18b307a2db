"""Chooses storage by a URI's scheme; boto3 is loaded only where something is on AWS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.adapters.no_catalogue import NoCatalogue
from glue_etl.ports import Catalogue, FileInfo, Files, Partitions, Versioned

if TYPE_CHECKING:
    from glue_etl.adapters.iceberg_catalogue import IcebergCatalogue
    from glue_etl.adapters.s3_files import S3Files


@dataclass
class FilesByScheme:
    """Files of this machine and objects of S3; see :class:`glue_etl.ports.Files`.

    Attributes
    ----------
    region
        AWS region; by default the one that boto3 finds.
    """

    region: str | None = None
    _local: LocalFiles = field(default_factory=LocalFiles)

    def read(self, uri: str) -> bytes | None:
        """Read a file; see the port."""
        return self._for(uri).read(uri)

    def write(self, uri: str, body: bytes) -> None:
        """Write a file; see the port."""
        self._for(uri).write(uri, body)

    def read_versioned(self, uri: str) -> Versioned | None:
        """Read a file with its version; see the port."""
        return self._for(uri).read_versioned(uri)

    def write_if(self, uri: str, body: bytes, version: str | None) -> str | None:
        """Write a file on a condition; see the port."""
        return self._for(uri).write_if(uri, body, version)

    def etag(self, file: FileInfo) -> str:
        """Return a file's ETag; see the port."""
        return self._for(file.uri).etag(file)

    def find(self, prefix: str) -> list[FileInfo]:
        """List files; see the port."""
        return self._for(prefix).find(prefix)

    def folders(self, folder: str) -> list[str]:
        """List folders; see the port."""
        return self._for(folder).folders(folder)

    def delete(self, uri: str) -> None:
        """Delete a file or a folder; see the port."""
        self._for(uri).delete(uri)

    def delete_unchanged(self, files: Sequence[FileInfo]) -> None:
        """Delete files on a condition; see the port."""
        if files:
            self._for(files[0].uri).delete_unchanged(files)

    def _for(self, uri: str) -> Files:
        return self._s3 if uri.startswith("s3://") else self._local

    @cached_property
    def _s3(self) -> S3Files:
        from glue_etl.adapters.s3_files import S3Files

        return S3Files(aws_client("s3", self.region))

    def __getstate__(self) -> dict[str, Any]:
        # What goes to a worker makes a client of its own there, for the region that is known here.
        state = dict(vars(self))
        if client := state.pop("_s3", None):
            state["region"] = client.client.meta.region_name
        return state


@dataclass
class ReleasedFiles(FilesByScheme):
    """Files that are released before they are deleted.

    Attributes
    ----------
    release
        Called with the URI of what is to be deleted; when it raises, nothing is.
    """

    release: Callable[[str], None] = field(kw_only=True)

    def delete(self, uri: str) -> None:
        """Release and delete a file or a folder; see the port."""
        self.release(uri)
        super().delete(uri)


def catalogue_for(database: str | None) -> Catalogue:
    """Return the catalogue of a Glue database, or none."""
    if not database:
        return NoCatalogue()
    from glue_etl.adapters.glue_catalogue import GlueCatalogue

    return GlueCatalogue(aws_client("glue"), database)


def partitions_of(database: str) -> Partitions:
    """Return the partitions of the processed tables of a Glue database."""
    from glue_etl.adapters.glue_partitions import GluePartitions

    return GluePartitions(aws_client("glue"), database)


def iceberg_catalogue(database: str, curated: str) -> IcebergCatalogue:
    """Return the Iceberg tables of a Glue database over the builds below a URI."""
    import boto3

    from glue_etl.adapters.iceberg_catalogue import GlueConnection, IcebergCatalogue

    session = boto3.Session()
    connection = GlueConnection(session, session.client("glue"), session.client("s3"))
    return IcebergCatalogue(connection, database, FilesByScheme(), curated)


def aws_client(service: str, region: str | None = None) -> Any:
    """Return boto3's client of a service, in a region or in that which boto3 finds."""
    import boto3

    return boto3.client(service, region_name=region)
