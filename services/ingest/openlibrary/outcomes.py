"""What an answer of the source means: the outcomes that a client of OpenLibrary must tell apart."""

from __future__ import annotations

from ingest.errors import (
    BadRequestError,
    IngestError,
    RateLimitedError,
    SourceUnavailableError,
    UserAgentRefusedError,
)
from ingest.ports import SourceResponse


def refusal(response: SourceResponse, *, sort_accepted: bool) -> IngestError | None:
    """Return the error that a status stands for; ``None`` for 200, whose body decides.

    Parameters
    ----------
    response
        The answer.
    sort_accepted
        Whether the source answered a request with our sort before. A 500 in plain text is how
        OpenLibrary refuses an unknown sort; once it has accepted ours, the same answer can only be
        a failure of its own.
    """
    status = response.status
    if status == 200:
        return None
    if status == 429:
        return RateLimitedError(
            "429: the source asks for a pause", retry_after=_seconds(response.retry_after)
        )
    if status == 403:
        return UserAgentRefusedError(
            "403: the source refuses this User-Agent. Set CONTACT to an e-mail address or a URL at"
            " which OpenLibrary can reach you (the User-Agent is then 'name/version (contact)')."
            " If it is set, this host may be banned for a time: stop the schedule and ask them."
        )
    if status == 500 and not sort_accepted and "text/plain" in response.content_type.lower():
        return BadRequestError(
            "500 in plain text: the source refuses the sort order", code="bad_sort"
        )
    if status >= 500 or status == 408:
        return SourceUnavailableError(
            f"{status}: the source is not available", code=f"http_{status}"
        )
    return _refused_request(response)


def _refused_request(response: SourceResponse) -> BadRequestError:
    status = response.status
    if 300 <= status < 400:
        return BadRequestError(
            f"{status}: {response.url} is redirected; correct SOURCE_URL or the subject's key",
            code="redirected",
        )
    detail = response.body[:300].decode("utf-8", "replace")
    return BadRequestError(
        f"{status}: the source refuses the request: {detail}", code=f"http_{status}"
    )


def _seconds(header: str) -> float | None:
    return float(header) if header.strip().isascii() and header.strip().isdigit() else None
