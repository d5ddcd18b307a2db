"""The events that start the services."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

#: What a version is sent before it gets any traffic, and what it answers when it could do its work.
SMOKE_TEST: Final = {"smoke_test": True}
SMOKE_TEST_PASSED: Final = {"smoke_test": "passed"}


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Heartbeat(_Event):
    """What the schedule sends to ingest.

    Attributes
    ----------
    scheduled_time
        When this heartbeat was due (EventBridge Scheduler's ``<aws.scheduler.scheduled-time>``).
    start
        Begin a run now, even when none is due.
    subjects
        What a run that this heartbeat begins is to crawl, as in ingest's setting ``SUBJECTS``;
        ``None``: what is configured.
    """

    # A misspelt ``subjects`` would begin a run of the configured ones.
    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduled_time: AwareDatetime
    start: bool = False
    subjects: Annotated[list[str | dict[str, Any]] | None, Field(min_length=1)] = None


class S3Bucket(_Event):
    """The bucket of an S3 event."""

    name: Annotated[str, Field(min_length=1)]


class S3Object(_Event):
    """The object of an S3 event; EventBridge carries its key as it is, not URL-encoded."""

    key: Annotated[str, Field(min_length=1)]


class S3Detail(_Event):
    """The ``detail`` of an S3 event."""

    bucket: S3Bucket
    object: S3Object


class S3ObjectCreated(_Event):
    """An S3 ``Object Created`` event as EventBridge delivers it."""

    source: Literal["aws.s3"] = "aws.s3"
    detail_type: Annotated[Literal["Object Created"], Field(alias="detail-type")] = "Object Created"
    detail: S3Detail

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.detail.bucket.name

    @property
    def key(self) -> str:
        """The object's key."""
        return self.detail.object.key
