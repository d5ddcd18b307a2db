"""The form of a rejected record or page."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.types import Count32

PayloadEncoding = Literal["json", "text", "base64"]


class QuarantineRecord(BaseModel):
    """One rejected record, or one rejected page, with all that is needed to judge and replay it.

    It holds no time of its own: the same raw object must always give the same bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason_code: str = Field(description="Stable code of the reason, such as record.field_type")
    reason_message: str = Field(description="What was wrong, as a sentence")
    field: str | None = Field(
        default=None, description="Path of the offending field, where one is to blame"
    )
    payload: str = Field(description="What was rejected, in payload_encoding")
    payload_encoding: PayloadEncoding = Field(
        default="json", description="json (of a record), text, or base64 (of bytes)"
    )
    payload_truncated: bool = Field(
        default=False, description="Whether only the beginning is kept; the raw object has it all"
    )
    table_name: str = Field(default="works", description="Table that the record was meant for")
    contract_version: str = Field(description="Version of the contract that rejected it")
    run_id: str | None = Field(description="Run that fetched it; null where the key names none")
    raw_key: str = Field(description="Key of the raw object that holds it")
    position: Count32 | None = Field(
        default=None, description="Position of the record in its page, from 0; null for a page"
    )
    fetched_at: str | None = Field(
        default=None, description="When the page was fetched (ISO 8601), where known"
    )
