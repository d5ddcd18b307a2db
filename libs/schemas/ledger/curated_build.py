"""The records of the curated tables: what a build holds, and which one is published.

They lie below the curated prefix under names that begin with ``_``, which no query engine reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from schemas.keys import BUILD_PATTERN
from schemas.ledger.model import Count, by_name
from schemas.ledger.run import RunId

#: Bumped when a build's tables can no longer be the basis of the next one: then all is built anew.
BUILD_FORMAT: Final = 4
BuildId = Annotated[str, Field(pattern=rf"^{BUILD_PATTERN}$")]


class _Record(BaseModel):
    # A reader of one version meets records of the next.
    model_config = ConfigDict(frozen=True, extra="ignore")


class TableOutcome(_Record):
    """A table of a build: rows, files and their size in bytes."""

    rows: Count
    files: Count
    bytes: Count


class RuleOutcome(_Record):
    """What a data-quality rule found; ``detail`` says it in a sentence."""

    rule: str
    passed: bool
    detail: str


class BuildRecord(_Record):
    """A build that was written completely, whether or not its rules let it be published.

    Attributes
    ----------
    runs
        The runs that are in it, each with the fingerprint of its files.
    new_runs
        Those of them that the previous build did not have, or had otherwise.
    dump
        The newest of the runs that is a dump, if any.
    """

    build: BuildId
    format: Count = BUILD_FORMAT
    previous: BuildId | None
    mode: Literal["full", "incremental"]
    runs: Annotated[dict[RunId, str], AfterValidator(by_name)]
    new_runs: list[RunId]
    dump: RunId | None = None
    tables: Annotated[dict[str, TableOutcome], AfterValidator(by_name)]
    rules: list[RuleOutcome]
    contract_version: str
    service_version: str
    created_at: AwareDatetime

    @property
    def failed(self) -> list[RuleOutcome]:
        """The rules that were broken."""
        return [rule for rule in self.rules if not rule.passed]

    def can_take(self, runs: Iterable[str], dumps: Collection[str]) -> bool:
        """Return whether runs can be added: no dump, and none that the newest dump overrules.

        Parameters
        ----------
        dumps
            Those of the runs that are dumps, and maybe others.
        """
        return all(run not in dumps and run > (self.dump or "") for run in runs)


class PublishedBuild(_Record):
    """A build and when readers were sent to it (UTC)."""

    build: BuildId
    published_at: AwareDatetime


class Pin(_Record):
    """A build that readers stay in until the pin is lifted, since when (UTC), and why."""

    build: BuildId
    reason: str = ""
    pinned_at: AwareDatetime


class CurrentBuild(_Record):
    """The published builds that are kept, the current one first.

    Attributes
    ----------
    switching
        Builds besides the current one that some tables may point to, because a switch has begun and
        not ended; the newest, to which the tables are being switched, is last.
    left
        When readers left a build (UTC), for those that queries may still read.
    loaded
        The build that the warehouse has.
    removing
        Builds whose removal has begun; none of them is published again.
    token
        Number of the lease under which this was written: none with a lower one writes after it.
    """

    builds: Annotated[list[PublishedBuild], Field(min_length=1)]
    switching: list[BuildId] = Field(default_factory=list)
    left: Annotated[dict[BuildId, AwareDatetime], AfterValidator(by_name)] = Field(
        default_factory=dict
    )
    pin: Pin | None = None
    loaded: BuildId | None = None
    removing: list[BuildId] = Field(default_factory=list)
    token: Count = 0

    @property
    def build(self) -> str:
        """The current build's id."""
        return self.builds[0].build

    @property
    def target(self) -> str:
        """The build that readers are to be in: the pinned one, or where a switch leads."""
        if self.pin:
            return self.pin.build
        return self.switching[-1] if self.switching else self.build

    @property
    def is_settled(self) -> bool:
        """Whether readers are where they are to be, and all tables with them."""
        return not self.switching and self.target == self.build


class LeaseRecord(_Record):
    """Who may change the curated tables; conditional writes let only one hold it.

    Attributes
    ----------
    token
        Grows with every holder, so that a later one is told from an earlier one.
    holder
        The process that holds it; ``None`` when it is free.
    purpose
        What the holder does, for the message to those who wait.
    expires_at
        When others may take it (UTC), unless it is renewed before.
    """

    token: Count
    holder: str | None
    purpose: str
    expires_at: AwareDatetime


class ExcludedRun(_Record):
    """A run that stays out of the curated tables.

    Attributes
    ----------
    fingerprint
        Of the run's files when a job left it out because it broke a rule: once it is replayed, it
        is tried again. ``None`` when somebody excluded it, which only somebody lifts.
    """

    run_id: RunId
    reason: str
    excluded_at: AwareDatetime
    fingerprint: str | None = None

    def keeps_out(self, fingerprint: str, built: str | None) -> bool:
        """Return whether the run stays out as it is.

        Parameters
        ----------
        fingerprint
            Of the run's files.
        built
            That of the run in the published build, if it is there: somebody asked for it since.
        """
        return self.fingerprint is None or self.fingerprint == fingerprint != built


class CuratedLedger(_Record):
    """A run's entry by glue_etl: the first published build that has the run, and its row counts.

    Attributes
    ----------
    fingerprint
        Of the run's files as the build has them; older ledgers lack it.
    """

    run_id: RunId
    fingerprint: str | None = None
    build: BuildId
    published_at: AwareDatetime
    contract_version: str
    tables: Annotated[dict[str, Count], AfterValidator(by_name)]
