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
        When it does not exist, may not be read, or is not UTF-8.
    """
    scheme, _, name = reference.partition(":")
    if scheme == "s3":
        found = store.get(name)
        if found is None:
            raise ConfigurationError(
                f"SUBJECTS names {reference!r}, which does not exist: put the list there"
            )
        try:
            return found.body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                f"SUBJECTS names {reference!r}, which is not UTF-8 ({error}): save it as UTF-8"
            ) from error
    try:
        answer = get_session().create_client("ssm").get_parameter(Name=name, WithDecryption=True)
    except (ClientError, BotoCoreError) as error:
        raise ConfigurationError(
            f"SUBJECTS names {reference!r}, which cannot be read: {error}"
        ) from error
    return str(answer["Parameter"]["Value"])
