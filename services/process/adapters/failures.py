"""What AWS refuses, as the service's own errors: a missing right does not come by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from process.errors import CatalogueDeniedError, CatalogueError, StorageDeniedError, StorageError
from schemas.aws_errors import is_denied

_ADVICE = "give the function's role that right: docs/runbook.md#process-items-failed"


@contextmanager
def translated_s3(key: str) -> Iterator[None]:
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
        if isinstance(error, ClientError) and is_denied(error.response):
            raise StorageDeniedError(
                f"S3 denied {error.operation_name} on {key}; {_ADVICE} ({error})",
                key=key,
                operation=error.operation_name,
            ) from error
        raise StorageError(f"S3 failed on {key}: {error}", key=key) from error


@contextmanager
def translated_glue(table: str, *others: type[Exception]) -> Iterator[None]:
    """Raise what the Glue catalogue answers with.

    Parameters
    ----------
    others
        Errors of a library that stand for an answer, too.

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
        if isinstance(error, ClientError) and is_denied(error.response):
            raise CatalogueDeniedError(
                f"Glue denied {error.operation_name} on table {table}; {_ADVICE} ({error})",
                table=table,
                operation=error.operation_name,
            ) from error
        raise CatalogueError(
            f"the catalogue failed on table {table}: {error}", table=table
        ) from error
