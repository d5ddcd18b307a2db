"""Pages of a subject: asked for, failed, stored or missing; and the subject's score."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from schemas.ledger.run import PageEntry


@dataclass(frozen=True, slots=True)
class PageRange:
    """A page to ask for: ``limit`` works from ``offset``.

    Attributes
    ----------
    details
        Whether to ask for the subject's facets too.
    failures
        How often it failed in this size.
    trial
        How far it is found out whether the facets are what fails: the page is asked for ``without``
        them and not stored; when it comes, ``again`` with them; then the trial is ``done``.
    is_part
        Whether it is a part of a page that kept failing.
    volley
        Failures that the subject had when the page was asked for.
    not_before
        Monotonic second before which it is not asked for.
    """

    offset: int
    limit: int
    details: bool = False
    failures: int = 0
    trial: Literal["", "without", "again", "done"] = ""
    is_part: bool = False
    volley: int = 0
    not_before: float = 0.0

    @property
    def end(self) -> int:
        """Offset behind the page's last work."""
        return self.offset + self.limit

    @property
    def is_stored(self) -> bool:
        """Whether what comes is to be stored."""
        return self.trial != "without"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request.

    Attributes
    ----------
    code
        The error's code.
    retry_at
        Monotonic second before which it is not repeated.
    charged
        Whether it counts against the subject, and not against the source as a whole.
    is_terminal
        Whether the answer says that repeating cannot help.
    may_be_size
        Whether a smaller page may help, though the failure is not charged.
    """

    code: str
    retry_at: float
    charged: bool = True
    is_terminal: bool = False
    may_be_size: bool = False


@dataclass(frozen=True, slots=True)
class PageResult:
    """An answer: ``entry`` is the stored page, ``None`` when it had no works."""

    offset: int
    limit: int
    work_count: int
    fetched_at: datetime
    entry: PageEntry | None
    fingerprints: array[int]


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
    limited
        Whether it was answered 429 since its last page.
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
    limited: bool = False
    last_code: str = ""
    not_before: datetime | None = None
    page_size: int | None = None
    without_details: bool = False
    missing: list[MissingRange] = field(default_factory=list)
