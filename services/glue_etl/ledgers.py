"""Reads what this and other services have put on record."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from glue_etl.errors import LedgerUnreadableError


def parse_ledger[Model: BaseModel](model: type[Model], uri: str, body: bytes) -> Model:
    """Return what a file of the ledgers says.

    Raises
    ------
    LedgerUnreadableError
        When it is not what its writer wrote.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise LedgerUnreadableError(
            f"{uri} cannot be read ({place + ': ' if place else ''}{first['msg']}): restore its"
            " former version, which the bucket keeps",
            uri=uri,
        ) from error
