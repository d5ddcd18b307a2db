"""The environment of the service: the only place that reads it."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import Field

from schemas.limits import MAX_PAGE_BYTES
from schemas.settings import CommonSettings


class Settings(CommonSettings):
    """The service's environment variables.

    Attributes
    ----------
    glue_database
        The catalogue's database.
    queue_url
        The queue of S3 events.
    max_object_bytes
        Stored size above which a raw object is quarantined unread (bytes).
    max_page_bytes
        Decompressed size above which a page is quarantined (bytes).
    """

    glue_database: Annotated[str, Field(alias="GLUE_DATABASE", min_length=1)]
    queue_url: Annotated[str, Field(alias="QUEUE_URL", min_length=1)]
    max_object_bytes: Annotated[int, Field(alias="MAX_OBJECT_BYTES", gt=0)] = 32 * 2**20
    max_page_bytes: Annotated[int, Field(alias="MAX_PAGE_BYTES", gt=0)] = MAX_PAGE_BYTES


def load() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    pydantic.ValidationError
        Naming each variable that is missing or wrong.
    """
    return Settings.from_environment(os.environ)


def in_lambda() -> bool:
    """Return whether this process is a Lambda function's."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ
