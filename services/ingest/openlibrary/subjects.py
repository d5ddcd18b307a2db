"""The list of subjects to crawl: its form, its checks, and what it costs the source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from ingest.errors import ConfigurationError, CrawlTooLongError, validation_summary
from ingest.ports import SubjectSpec
from schemas.keys import canonical_subject, encode_segment
from schemas.ledger.parts import MAX_RUN_PAGES

DUMP_URL: Final = "https://openlibrary.org/data/ol_dump_works_latest.txt.gz"


def _canonical(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("a lone surrogate is not text: write the letter itself, in UTF-8")
    return canonical_subject(value)


class _ConfiguredSubject(BaseModel):
    """One subject as the configuration names it.

    Attributes
    ----------
    subject
        OpenLibrary's key, ``person:``, ``place:`` or ``time:`` in front where it is one; normalised
        here.
    published_in
        Only works with an edition of that year (``1990``) or of those years (``1990-1999``).
        OpenLibrary ignores a wrong value silently, so it is checked here.
    has_fulltext
        Only works that can be read on line.
    max_works
        At most that many works; ``None``: as many as the service's setting says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Annotated[str, BeforeValidator(_canonical)]
    published_in: Annotated[str | None, Field(pattern=r"^[0-9]{4}(-[0-9]{4})?$")] = None
    has_fulltext: bool = False
    max_works: Annotated[int | None, Field(ge=1)] = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"subject": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _years_in_order(self) -> Self:
        first, _, last = (self.published_in or "").partition("-")
        if last and last < first:
            raise ValueError(f"published_in {self.published_in!r} ends before it begins")
        return self

    def to_spec(self) -> SubjectSpec:
        """Return the subject as the crawl knows it: its filters as query parameters."""
        filters = {"published_in": self.published_in} if self.published_in else {}
        if self.has_fulltext:
            filters["has_fulltext"] = "true"
        spec = SubjectSpec(subject=self.subject, max_works=self.max_works, filters=filters)
        encode_segment(spec.key)
        return spec


_CONFIGURED: Final = TypeAdapter(Annotated[list[_ConfiguredSubject], Field(min_length=1)])


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
        specs = [one.to_spec() for one in configured]
    except ValidationError as error:
        raise ConfigurationError(f"{origin}: {validation_summary(error)}") from error
    except ValueError as error:
        raise ConfigurationError(
            f'{origin} is not JSON ({error}): write a list such as ["love", "person:jane_austen"]'
        ) from error
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
