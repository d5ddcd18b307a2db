"""The errors of the ingest service.

Each has a stable ``code`` and one of three tags, by which the caller decides:

* ``transient``: the same request may succeed later, so it is repeated.
* ``terminal``: somebody has to change something. Before the crawl believes that of an answer, it
  asks some times more: proxies and deployments answer so for a minute.
* ``data``: an answer whose body is not what it says; it is kept in quarantine and asked for
again.

::

    IngestError
    ├── TransientError
    │   ├── SourceUnreachableError      no answer: refused, cut, timed out
    │   ├── SourceUnavailableError      an answer 5xx or 408
    │   ├── RateLimitedError            429
    │   ├── WriteConflictError          somebody else wrote the object first
    │   ├── StoreUnavailableError       the bucket did not answer, or its answer broke off
    │   ├── LeaseLostError              another invocation took the crawl over
    │   └── CrawlStoppingError          the invocation is about to end: nothing was sent
    ├── TerminalError
    │   ├── ConfigurationError          a setting is missing or wrong
    │   │   └── CrawlTooLongError       the subjects take longer than allowed, or too many pages
    │   ├── UserAgentRefusedError       403
    │   ├── BadRequestError             400, 404, 422, a redirection, a refused sort
    │   └── StateUnreadableError        an object that ingest wrote does not read back
    └── DataError
        ├── BodyRefusedError            HTML with 200, truncated gzip, another shape, no count
        └── UnexpectedAnswerError       an answer at which the code for it failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from pydantic import ValidationError

Tag = Literal["transient", "terminal", "data"]


class IngestError(Exception):
    """The root of the service's errors.

    Attributes
    ----------
    code
        Stable name of what happened, for metrics, manifests and alarms.
    tag
        What a caller may do about it.
    retry_after
        Seconds that the source asks to wait, where it says so.
    """

    code: str = "ingest_error"
    tag: ClassVar[Tag] = "terminal"

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        if code is not None:
            self.code = code


class TransientError(IngestError):
    """The same attempt may succeed later."""

    code = "transient"
    tag = "transient"


class TerminalError(IngestError):
    """Repeating cannot help."""

    code = "terminal"
    tag = "terminal"


class DataError(IngestError):
    """An answer is not what it says it is."""

    code = "data"
    tag = "data"


class SourceUnreachableError(TransientError):
    """There was no whole answer: connection refused, cut, or timed out."""

    code = "source_unreachable"


class SourceUnavailableError(TransientError):
    """The source answered that it cannot serve just now."""

    code = "source_unavailable"


class RateLimitedError(TransientError):
    """The source answered 429."""

    code = "rate_limited"


class WriteConflictError(TransientError):
    """A conditional write found another version of the object."""

    code = "write_conflict"


class StoreUnavailableError(TransientError):
    """The bucket did not answer, or its answer broke off; the next heartbeat goes on."""

    code = "store_unavailable"


class LeaseLostError(TransientError):
    """Another invocation holds the lease now; this one must stop without writing."""

    code = "lease_lost"


class CrawlStoppingError(TransientError):
    """The request was not sent, because the invocation is ending."""

    code = "crawl_stopping"


class ConfigurationError(TerminalError):
    """A setting is missing or wrong; the message says which and what to do."""

    code = "configuration"


class CrawlTooLongError(ConfigurationError):
    """The configured subjects would take longer than allowed, or more pages than a run may have."""

    code = "crawl_too_long"


class UserAgentRefusedError(TerminalError):
    """The source answered 403, as it does to a User-Agent that it refuses."""

    code = "user_agent_refused"


class BadRequestError(TerminalError):
    """The source refuses this request, whenever it comes; other subjects may do."""

    code = "bad_request"


class StateUnreadableError(TerminalError):
    """An object written by ingest does not read back as what it should be."""

    code = "state_unreadable"


class BodyRefusedError(DataError):
    """A body that came with status 200 is not a page of a subject."""

    code = "body_refused"


class UnexpectedAnswerError(DataError):
    """An answer at which the code that reads it failed, as it should at none."""

    code = "answer_unexpected"


def validation_summary(error: ValidationError) -> str:
    """Return pydantic's findings in one line, each with its place and without its type."""
    return "; ".join(
        f"{'.'.join(str(part) for part in found['loc']) or 'value'}: {found['msg']}"
        for found in error.errors(include_url=False, include_input=False)
    )
