"""How people name the subjects to crawl: in settings, in lake.toml and on the command line."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.keys import encode_segment
from schemas.subjects import canonical_subject, listing_key


def _canonical(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("a lone surrogate is not text: write the letter itself, in UTF-8")
    return canonical_subject(value)


class ConfiguredSubject(BaseModel):
    """One subject as a configuration names it: by its name alone, or with what narrows it.

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

    @model_validator(mode="after")
    def _fits_a_key(self) -> Self:
        encode_segment(self.key)
        return self

    @property
    def filters(self) -> dict[str, str]:
        """The filters as OpenLibrary's query parameters."""
        filters = {"published_in": self.published_in} if self.published_in else {}
        return filters | ({"has_fulltext": "true"} if self.has_fulltext else {})

    @property
    def key(self) -> str:
        """What tells this listing from others in keys, manifests and tables."""
        return listing_key(self.subject, self.filters)
