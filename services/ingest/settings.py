"""The service's settings: one model of the environment, the only reader of ``os.environ``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Final, Self

from pydantic import Field, ValidationError, model_validator

from ingest.errors import ConfigurationError, validation_summary
from ingest.logic.pacer import sustained_rate
from ingest.openlibrary.manners import (
    ANONYMOUS_RATE,
    POLITE_RATE,
    SOURCE_URL,
)
from ingest.openlibrary.subjects import check_duration, parse_subjects
from ingest.ports import SubjectSpec
from schemas.limits import MAX_PAGE_RECORDS
from schemas.settings import CommonSettings
from schemas.source.clients import Contact, user_agent

#: A year: runs end, and times that are computed with it exist.
_MOST_MINUTES: Final = 366 * 24 * 60
REFERENCE_SCHEMES: Final = ("ssm:", "s3:")


def service_version() -> str:
    """Return the version of the service, from the VERSION file beside this module."""
    try:
        return files("ingest").joinpath("VERSION").read_text("ascii").strip()
    except OSError:
        return "0"


class Settings(CommonSettings):
    """The environment variables of ingest, by their names in lower case.

    Attributes
    ----------
    source_url
        Base URL of OpenLibrary, without a trailing slash.
    subjects
        A JSON list (see :func:`ingest.openlibrary.subjects.parse_subjects`), or where to find one
        that can be edited without a deployment: ``ssm:NAME`` or ``s3:KEY`` of the data bucket.
    page_size
        Works a request, 1 to 1000 (OpenLibrary's bound).
    max_works_per_subject
        Works fetched of a subject that has no cap of its own.
    requests_per_second
        The rate; by default 3 with a contact and 1 without, which are OpenLibrary's limits.
    contact
        E-mail address or URL that the User-Agent names.
    run_interval_minutes
        A run is due every so many minutes, counted from 1970-01-01T00:00Z.
    max_crawl_minutes
        Subjects that could take longer than this at the rate are refused.
    run_deadline_minutes
        An unfinished run older than this is ended with what it has.
    """

    source_url: Annotated[
        str, Field(alias="SOURCE_URL", pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$")
    ] = SOURCE_URL
    subjects: Annotated[str, Field(alias="SUBJECTS", min_length=1)]
    page_size: Annotated[int, Field(alias="PAGE_SIZE", ge=1, le=MAX_PAGE_RECORDS)] = 500
    max_works_per_subject: Annotated[int, Field(alias="MAX_WORKS_PER_SUBJECT", ge=1)] = 10_000
    requests_per_second: Annotated[float, Field(alias="REQUESTS_PER_SECOND", gt=0, le=1000)] = 0.0
    contact: Annotated[Contact | None, Field(alias="CONTACT")] = None
    run_interval_minutes: Annotated[
        int, Field(alias="RUN_INTERVAL_MINUTES", ge=1, le=_MOST_MINUTES)
    ] = 1440
    max_crawl_minutes: Annotated[
        float, Field(alias="MAX_CRAWL_MINUTES", gt=0, le=_MOST_MINUTES)
    ] = 720
    run_deadline_minutes: Annotated[
        float, Field(alias="RUN_DEADLINE_MINUTES", gt=0, le=_MOST_MINUTES)
    ] = 1440

    @model_validator(mode="before")
    @classmethod
    def _polite_rate(cls, values: dict[str, str]) -> dict[str, str]:
        if not values.get("REQUESTS_PER_SECOND"):
            rate = POLITE_RATE if values.get("CONTACT") else ANONYMOUS_RATE
            return {**values, "REQUESTS_PER_SECOND": str(rate)}
        return values

    @model_validator(mode="after")
    def _deadline_after_crawl(self) -> Self:
        if self.run_deadline_minutes < self.max_crawl_minutes:
            raise ValueError("RUN_DEADLINE_MINUTES must not be less than MAX_CRAWL_MINUTES")
        return self

    @property
    def user_agent(self) -> str:
        """The User-Agent: names the installation, the service's version and the contact."""
        return user_agent(f"{self.app}-{self.env}-ingest/{service_version()}", self.contact)

    @property
    def has_default_name(self) -> bool:
        """Whether the installation goes by the name that every unchanged clone has."""
        return bool(self.app == type(self).model_fields["app"].default)

    @property
    def subjects_is_reference(self) -> bool:
        """Whether ``subjects`` says where the list is instead of being it."""
        return self.subjects.startswith(REFERENCE_SCHEMES)

    def checked_subjects(self, text: str) -> list[SubjectSpec]:
        """Read a list of subjects and refuse one that is too long for the polite rate.

        Raises
        ------
        ConfigurationError
            When the list is wrong or too long.
        """
        specs = parse_subjects(text)
        check_duration(
            specs,
            page_size=self.page_size,
            max_works=self.max_works_per_subject,
            requests_per_second=sustained_rate(self.requests_per_second),
            limit_minutes=self.max_crawl_minutes,
        )
        return specs


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment and check all that can be checked without AWS.

    Raises
    ------
    ConfigurationError
        Naming every variable that is missing or wrong.
    """
    try:
        settings = Settings.from_environment(os.environ if environment is None else environment)
    except ValidationError as error:
        raise ConfigurationError(f"ingest cannot start: {validation_summary(error)}") from error
    if not settings.subjects_is_reference:
        settings.checked_subjects(settings.subjects)
    return settings
