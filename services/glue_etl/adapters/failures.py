"""What AWS refuses, as the service's own errors: a missing right does not come by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from glue_etl.errors import CatalogueDeniedError, CatalogueError, StorageDeniedError, StorageError
from schemas.aws_errors import is_denied

#: What a message about a missing right ends with.
ADVICE: Final = "give the job's role that right: docs/runbook.md#etl-failed"

_ARROW_DENIED: Final = re.compile(r"AWS Error ACCESS_DENIED during (\w+) operation")


@contextmanager
def translated_s3(uri: str) -> Iterator[None]:
    """Raise what S3 answers with.

    Raises
    ------
    StorageDeniedError
        When the role may not do this.
    StorageError
        When S3 did not answer, or with another refusal.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if operation := _denied_operation(error):
            raise StorageDeniedError(
                f"S3 denied {operation} on {uri}; {ADVICE} ({error})",
                uri=uri,
                operation=operation,
            ) from error
        raise StorageError(f"S3 failed on {uri}: {error}", uri=uri) from error


@contextmanager
def translated_glue(table: str, *others: type[Exception], kind: str = "table") -> Iterator[None]:
    """Raise what the Glue catalogue answers with.

    Parameters
    ----------
    others
        Errors of a library that stand for an answer, too.
    kind
        What the table is called in the message.

    Raises
    ------
    CatalogueDeniedError
        When the role may not do this.
    CatalogueError
        When Glue did not answer, or with another refusal.
    """
    try:
        yield
    except (BotoCoreError, ClientError, *others) as error:
        if operation := _denied_operation(error):
            raise CatalogueDeniedError(
                f"AWS denied {operation} on {kind} {table}; {ADVICE} ({error})",
                table=table,
                operation=operation,
            ) from error
        raise CatalogueError(
            f"the catalogue failed on {kind} {table}: {error}", table=table
        ) from error


def _denied_operation(error: Exception) -> str | None:
    """Return which operation was refused for want of a right, if that is what happened."""
    if isinstance(error, ClientError):
        return str(error.operation_name) if is_denied(error.response) else None
    # PyIceberg reaches its files by Arrow's own client, whose errors are texts.
    found = _ARROW_DENIED.search(str(error))
    return found[1] if found else None
