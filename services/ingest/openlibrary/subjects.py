"""The list of subjects to crawl: its form, its checks, and what it costs the source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from ingest.errors import ConfigurationError, CrawlTooLongError, validation_summary
from ingest.ports import SubjectSpec
from schemas.ledger.parts import MAX_RUN_PAGES
from schemas.source.subjects import ConfiguredSubject

DUMP_URL: Final = "https://openlibrary.org/data/ol_dump_works_latest.txt.gz"


_CONFIGURED: Final = TypeAdapter(Annotated[list[ConfiguredSubject], Field(min_length=1)])


def parse_subjects(text: str, *, origin: str = "SUBJECTS") -> list[SubjectSpec]:
    """Read a JSON list of subjects: names, or objects with ``subject`` and what narrows it.

    Parameters
    ----------
    text
        The JSON text.
    origin
        Where it came from, for messages.

    Raises
    ------
    ConfigurationError
        When it is not such a list, or names a subject twice with the same filters.
    """
    try:
        configured = _CONFIGURED.validate_python(json.loads(text))
    except ValidationError as error:
        raise ConfigurationError(f"{origin}: {validation_summary(error)}") from error
    except ValueError as error:
        raise ConfigurationError(
            f'{origin} is not JSON ({error}): write a list such as ["love", "person:jane_austen"]'
        ) from error
    specs = [
        SubjectSpec(subject=one.subject, max_works=one.max_works, filters=one.filters)
        for one in configured
    ]
    seen: set[str] = set()
    for spec in specs:
        if spec.key in seen:
            raise ConfigurationError(
                f"{origin} names {spec.key!r} twice (OpenLibrary drops punctuation and case,"
                " so 'C#' and 'c' are one subject): keep one of them"
            )
        seen.add(spec.key)
    return specs


def requests_needed(specs: Sequence[SubjectSpec], page_size: int, max_works: int) -> int:
    """Return the most requests that a crawl can need: pages up to each subject's cap."""
    return sum(-(-(spec.max_works or max_works) // page_size) for spec in specs)


def check_duration(
    specs: Sequence[SubjectSpec],
    *,
    page_size: int,
    max_works: int,
    requests_per_second: float,
    limit_minutes: float,
) -> None:
    """Refuse a list that could take longer than a bound at the polite rate, or too many pages.

    Raises
    ------
    CrawlTooLongError
        Naming the estimate, the bound, and the monthly dump, which is OpenLibrary's route for much
        data.
    """
    requests = requests_needed(specs, page_size, max_works)
    minutes = requests / requests_per_second / 60
    problem = None
    if minutes > limit_minutes:
        problem = (
            f"{requests} requests, {minutes:.0f} minutes at {requests_per_second:g} requests/s;"
            f" MAX_CRAWL_MINUTES allows {limit_minutes:g}"
        )
    elif requests > MAX_RUN_PAGES:
        problem = f"{requests} pages; a run has at most {MAX_RUN_PAGES}"
    if problem:
        raise CrawlTooLongError(
            f"{len(specs)} subjects may take {problem}."
            " Lower max_works, raise PAGE_SIZE, name fewer subjects, or load the monthly dump"
            f" ({DUMP_URL}) with ./lake backfill."
        )
