"""What is remembered of a subject from one invocation to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Works that could not be fetched, and the code of the reason."""

    offset: int
    limit: int
    code: str


@dataclass
class SubjectState:
    """The score of a subject, as the checkpoint keeps it while the subject is under way.

    Attributes
    ----------
    retries, refused
        Requests repeated for whatever reason, and bodies refused.
    failures
        Failed requests that are the subject's own, and not its source's.
    streak
        Those since its last page.
    terminal
        Answers among the streak that say that repeating cannot help.
    zeros
        Answers in a row that say that the subject has no works.
    last_code
        Code of the last failure.
    not_before
        It is left alone until then (UTC).
    page_size
        Works a request, when pages of the configured size kept failing.
    without_details
        Whether its facets are no longer asked for, because the first page kept failing with them.
    missing
        What was abandoned.
    """

    retries: int = 0
    refused: int = 0
    failures: int = 0
    streak: int = 0
    terminal: int = 0
    zeros: int = 0
    last_code: str = ""
    not_before: datetime | None = None
    page_size: int | None = None
    without_details: bool = False
    missing: list[MissingRange] = field(default_factory=list)
