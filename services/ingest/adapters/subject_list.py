"""The list of subjects outside the function's environment: editable without a deployment."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from ingest.errors import ConfigurationError
from ingest.ports import ObjectStore


def read_subject_list(reference: str, store: ObjectStore) -> str:
    """Read the JSON text that ``ssm:NAME`` or ``s3:KEY`` (of the data bucket) refers to.

    Raises
    ------
    ConfigurationError
        When there is none, or it may not be read.
    """
    scheme, _, name = reference.partition(":")
    if scheme == "s3":
        found = store.get(name)
        if found is None:
            raise ConfigurationError(f"SUBJECTS names {reference!r}, and there is no such object")
        return found.body.decode("utf-8", "replace")
    try:
        answer = get_session().create_client("ssm").get_parameter(Name=name, WithDecryption=True)
    except (ClientError, BotoCoreError) as error:
        raise ConfigurationError(
            f"SUBJECTS names {reference!r}, which cannot be read: {error}"
        ) from error
    return str(answer["Parameter"]["Value"])
