"""Reading the bucket for a check: listings in key order, and bodies, which may be damaged."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from lake import objects
from lake.aws import Cloud
from lake.operations.check.findings import Findings

#: What to do about an object that nothing vouches for.
REMOVE = "a reader of the table counts it: find out who wrote it, then remove it"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Bucket:
    """The data bucket of an environment, read only."""

    cloud: Cloud
    name: str

    def read(self, key: str) -> bytes | None:
        """Return an object's bytes; None where there is no such object."""
        return objects.read_object(self.cloud, self.name, key)

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix, in order; one page of the listing is held at a time."""
        return objects.object_keys(self.cloud, self.name, prefix)

    def etags(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield the keys below a prefix, in order, each with its object's ETag."""
        for item in objects.list_objects(self.cloud, self.name, prefix):
            yield item.key, item.etag.strip('"')

    def exists(self, key: str) -> bool:
        """Whether there is an object of that key."""
        return objects.exists(self.cloud, self.name, key)

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the names of the folders right below a prefix."""
        return objects.list_folders(self.cloud, self.name, prefix)

    def uri(self, key: str) -> str:
        """Return an object's URI."""
        return f"s3://{self.name}/{key}"


def is_hidden(key: str) -> bool:
    """Return whether query engines pass over an object: a name in it begins with ``_`` or ``.``."""
    return any(name.startswith(("_", ".")) for name in key.split("/"))


class UnreadableError(ValueError):
    """A body is not what its key says: cut short, damaged, or of another kind."""


def parsed[T](
    bucket: Bucket, key: str, parse: Callable[[bytes], T], remedy: str, findings: Findings
) -> T | None:
    """Return what an object holds; None where it is not there, or is unreadable: a finding."""
    body = bucket.read(key)
    return None if body is None else parsed_body(body, bucket.uri(key), parse, remedy, findings)


def parsed_body[T](
    body: bytes, place: str, parse: Callable[[bytes], T], remedy: str, findings: Findings
) -> T | None:
    """Return what an object's body holds; None where it is unreadable: a finding."""
    try:
        return parse(body)
    except UnreadableError as error:
        findings.differ("object.unreadable", place, f"it cannot be read: {error}", remedy)
        return None


def read_model[Model: BaseModel](
    bucket: Bucket, key: str, model: type[Model], findings: Findings
) -> Model | None:
    """Return an object of a ledger; None where it is not there, or does not fit: a finding."""
    body = bucket.read(key)
    if body is None:
        return None
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        findings.differ(
            "ledger.unreadable",
            bucket.uri(key),
            f"it does not fit its contract: {error.errors(include_url=False)[0]['msg']}",
            "restore its former version",
        )
        return None


def row_positions(body: bytes) -> list[int]:
    """Return the positions that the rows of a Parquet file have in their page.

    Raises
    ------
    UnreadableError
        It is no Parquet file, or has rows without a position.
    """
    (found,) = parquet_columns(body, ["position"])
    if not all(isinstance(position, int) for position in found):
        raise UnreadableError("a row has no position")
    return found


def parquet_columns(body: bytes, names: list[str], filters: Any = None) -> list[list[Any]]:
    """Return columns of a Parquet file.

    Parameters
    ----------
    filters
        As of `pyarrow.parquet.read_table`.

    Raises
    ------
    UnreadableError
        It is no Parquet file, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(body), columns=names, filters=filters)
        return [table[name].to_pylist() for name in names]
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise UnreadableError(first_line(error)) from error


def row_count(body: bytes) -> int:
    """Return the number of rows of a Parquet file, from its footer.

    Raises
    ------
    UnreadableError
        It is no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.ParquetFile(io.BytesIO(body)).metadata.num_rows)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableError(first_line(error)) from error


def json_lines(body: bytes) -> list[dict[str, Any]]:
    """Return the objects of gzipped JSON lines.

    Raises
    ------
    UnreadableError
        It is no gzip file, or not of objects.
    """
    try:
        # Not splitlines(): a text of JSON may hold U+2028, U+2029 and U+0085 as they are.
        found = [json.loads(line) for line in gzip.decompress(body).split(b"\n") if line]
    except (EOFError, OSError, zlib.error, ValueError, RecursionError) as error:
        raise UnreadableError(first_line(error)) from error
    if not all(isinstance(one, dict) for one in found):
        raise UnreadableError("a line is not a JSON object")
    return found


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its name."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def listed_records(wire: bytes, limit: int) -> int | None:
    """Return how many records a raw page lists; None where its body is not a readable page.

    Written apart from the reader that process has, so that one cannot hide the other's mistake.

    Parameters
    ----------
    wire
        The stored bytes.
    limit
        Decompressed size (bytes) above which a body is not read.
    """
    try:
        plain = _gunzipped(wire, limit)
        if plain is None:
            return None
        page = json.loads(plain.decode("utf-8", "surrogateescape"), parse_int=str, parse_float=str)
    except (zlib.error, EOFError, OSError, ValueError, RecursionError):
        return None
    works = page.get("works") if isinstance(page, dict) else None
    if not isinstance(works, list) or page.get("work_count") is None:
        return None
    return len(works)


def _gunzipped(wire: bytes, limit: int) -> bytes | None:
    plain = bytearray()
    with gzip.GzipFile(fileobj=io.BytesIO(wire)) as stream:
        while chunk := stream.read(_CHUNK):
            plain += chunk
            if len(plain) > limit:
                return None
    return bytes(plain)
