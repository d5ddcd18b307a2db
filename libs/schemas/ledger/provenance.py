"""Where a raw page came from: a model, and its form as S3 object metadata."""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from urllib.parse import quote, unquote

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from schemas.keys import RUN_ID_PATTERN

# S3 sends metadata as HTTP headers: printable ASCII survives, surrounding blanks do not.
_PLAIN = string.punctuation.replace("%", "")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is no time of UTC that a calendar has") from None


class RawProvenance(BaseModel):
    """Provenance of one raw page, stored as the metadata of its object.

    Attributes
    ----------
    url
        The request's URL.
    fetched_at
        When the response arrived (UTC).
    http_status
        Status of the response.
    work_count
        The source's count of the subject's works at that moment; ``None`` when it sent none.
    sha256
        Hex digest of the stored bytes.
    contract_version
        Version of the contracts that wrote the object.
    run_id, subject, offset, limit
        The run, the subject's key, and the page asked for (works).
    content_encoding
        Encoding of the stored bytes.
    content_encoding_source
        ``client`` when the server sent plain text and ingest compressed it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str
    fetched_at: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    http_status: int
    work_count: int | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    contract_version: str
    run_id: Annotated[str, Field(pattern=rf"^{RUN_ID_PATTERN}$")]
    subject: str
    offset: Annotated[int, Field(ge=0)]
    limit: Annotated[int, Field(ge=0)]
    content_encoding: Literal["gzip"] = "gzip"
    content_encoding_source: Literal["server", "client"] = "server"

    def to_metadata(self) -> dict[str, str]:
        """Return the S3 metadata: lower-case keys with hyphens, and ASCII values."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {name.replace("_", "-"): quote(str(value), _PLAIN) for name, value in values.items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """Read the S3 metadata of a raw object; unknown keys are ignored.

        Raises
        ------
        pydantic.ValidationError
            When a value is missing or wrong.
        """
        return cls.model_validate(
            {name.lower().replace("-", "_"): unquote(value) for name, value in metadata.items()}
        )
