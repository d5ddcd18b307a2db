"""What an answer of the source means: the outcomes that a client of OpenLibrary must tell apart."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from ingest.errors import (
    BadRequestError,
    IngestError,
    RateLimitedError,
    SourceUnavailableError,
    UserAgentRefusedError,
)
from ingest.ports import SourceResponse


def refusal(response: SourceResponse) -> IngestError | None:
    """Return the error that a status stands for; ``None`` for 200, whose body decides."""
    status = response.status
    if status == 200:
        return None
    wait = _retry_after(response)
    if status == 429:
        return RateLimitedError(
            "429: the source asks for a pause. It counts some User-Agents by their name: if this"
            " comes at a low rate, give the installation a name of its own (LAKE_APP)",
            retry_after=wait,
        )
    if status == 403:
        return UserAgentRefusedError(
            "403: the source refuses this User-Agent. Set CONTACT to an e-mail address or a URL at"
            " which OpenLibrary can reach you (it is then 'name/version (contact)')"
            " and LAKE_APP to a name of your own: some are refused everywhere. If both are set,"
            " this host may be banned for a time: stop the schedule and ask them.",
            retry_after=wait,
        )
    if status >= 500 or status == 408:
        return SourceUnavailableError(
            f"{status}: the source is not available{_hint(response)}",
            code=f"http_{status}",
            retry_after=wait,
        )
    return _refused_request(response, wait)


def _hint(response: SourceResponse) -> str:
    # The server's answer to an unknown sort, and to failures of its own.
    if response.status == 500 and "text/plain" in response.content_type.lower():
        return "; if every request is answered so, it may not know the sort order any more"
    return ""


def _refused_request(response: SourceResponse, wait: float | None) -> BadRequestError:
    status = response.status
    if 300 <= status < 400:
        return BadRequestError(
            f"{status}: {response.url} is redirected; correct SOURCE_URL or the subject's key",
            code="redirected",
            retry_after=wait,
        )
    detail = f"{len(response.body)} bytes, {response.content_encoding}"
    if not response.content_encoding:
        detail = response.body[:300].decode("utf-8", "replace")
    return BadRequestError(
        f"{status}: the source refuses the request: {detail}",
        code=f"http_{status}",
        retry_after=wait,
    )


def _retry_after(response: SourceResponse) -> float | None:
    """Return the seconds of a Retry-After header, which holds them or a date (RFC 9110, 10.2.3)."""
    header = response.retry_after.strip()
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        return None
    return max(0.0, (until - response.fetched_at).total_seconds())
