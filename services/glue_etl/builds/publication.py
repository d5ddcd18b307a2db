"""Publication: readers go from one whole build to the next, and never see anything between.

The order of the writes is the protocol. A build's record is written when all its files are there
and its rules were checked; then each table is switched; then the record of the current build, which
the next job goes on from; then the ledgers of the runs; last, old builds are removed. A job that is
killed anywhere leaves readers with a whole build, and the next job goes on from the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from glue_etl.errors import BuildMissingError, RulesFailedError
from glue_etl.ports import Catalogue, Files
from schemas.curated_tables import CURATED
from schemas.keys import (
    BUILD_RECORDS_PREFIX,
    CURATED_PREFIX,
    CURRENT_BUILD_KEY,
    RUNS_PREFIX,
    below,
    build_record_key,
    curated_ledger_key,
    parse_build,
    parse_build_record_name,
)
from schemas.ledger.curated_build import (
    BuildRecord,
    CuratedLedger,
    CurrentBuild,
    PublishedBuild,
)


@dataclass(frozen=True, slots=True)
class Retention:
    """How many published builds are kept, and how long one stays after readers left it."""

    keep: int
    grace: timedelta


def now() -> datetime:
    """Return the time (UTC)."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Publisher:
    """The curated tables as storage and catalogue have them.

    Attributes
    ----------
    curated, runs
        URIs of the curated tables and of the run ledger.
    """

    files: Files
    catalogue: Catalogue
    curated: str
    runs: str
    retention: Retention
    clock: Callable[[], datetime] = now

    def current(self) -> CurrentBuild | None:
        """Return the published builds; ``None`` before the first."""
        body = self.files.read(self._curated(CURRENT_BUILD_KEY))
        return None if body is None else CurrentBuild.model_validate_json(body)

    def record(self, build: str) -> BuildRecord | None:
        """Read a build's record; ``None`` when the build is not whole."""
        body = self.files.read(self._curated(build_record_key(build)))
        return None if body is None else BuildRecord.model_validate_json(body)

    def is_visible(self, build: str) -> bool:
        """Return whether a reader can be in a build: it was published, or the switch had begun."""
        current = self.current()
        listed = {kept.build for kept in current.builds} if current else set()
        return build in listed | self._builds_in_catalogue()

    def prepare(self, build: str) -> None:
        """Make room for a build that no reader can be in."""
        self._remove(build)

    def record_build(self, record: BuildRecord) -> None:
        """Write a build's record: from now on the build counts as whole."""
        body = record.model_dump_json(indent=1).encode()
        self.files.write(self._curated(build_record_key(record.build)), body)

    def publish(self, build: str) -> CurrentBuild:
        """Send readers to a build, and remove builds that are no longer kept; idempotent.

        Raises
        ------
        BuildMissingError
            When the build has no record.
        RulesFailedError
            When it broke a rule; readers stay where they are.
        """
        record = self.record(build)
        if record is None:
            raise BuildMissingError(f"there is no record of build {build} below {self.curated}")
        refuse_failed(record)
        leaving = self._builds_in_catalogue()
        for table in CURATED.values():
            self.catalogue.switch(table, f"{self.curated}{table.folder(build)}")
        current = self._point_to(build)
        self._write_ledgers(record, current.builds[0].published_at)
        self._clean({kept.build for kept in current.builds} | leaving)
        return current

    def _point_to(self, build: str) -> CurrentBuild:
        before = self.current()
        builds = list(before.builds) if before else []
        if not builds or builds[0].build != build:
            older = [published for published in builds if published.build != build]
            builds = [PublishedBuild(build=build, published_at=self.clock()), *older]
        limit = self.clock() - self.retention.grace
        kept = [
            published
            for place, published in enumerate(builds)
            if place < self.retention.keep or builds[place - 1].published_at > limit
        ]
        current = CurrentBuild(builds=kept)
        if current != before:
            body = current.model_dump_json(indent=1).encode()
            self.files.write(self._curated(CURRENT_BUILD_KEY), body)
        return current

    def _write_ledgers(self, record: BuildRecord, published_at: datetime) -> None:
        for run in record.new_runs:
            uri = f"{self.runs}{below(RUNS_PREFIX, curated_ledger_key(run))}"
            ledger = CuratedLedger(
                run_id=run,
                build=record.build,
                published_at=published_at,
                contract_version=record.contract_version,
                tables={name: table.rows for name, table in record.tables.items()},
            )
            body = ledger.model_dump_json().encode()
            # An equal one is left: a write is an event, and others may listen.
            if self.files.read(uri) != body:
                self.files.write(uri, body)

    def _clean(self, kept: Iterable[str]) -> None:
        for build in sorted(self._stored_builds().difference(kept)):
            self._remove(build)

    def _remove(self, build: str) -> None:
        # The record first: a build with a record counts as whole.
        self.files.delete(self._curated(build_record_key(build)))
        for table in CURATED.values():
            self.files.delete(f"{self.curated}{table.folder(build)}")

    def _curated(self, key: str) -> str:
        return f"{self.curated}{below(CURATED_PREFIX, key)}"

    def _stored_builds(self) -> set[str]:
        folders = {
            name for table in CURATED for name in self.files.folders(f"{self.curated}{table}/")
        }
        records = self.files.find(self._curated(BUILD_RECORDS_PREFIX))
        names = (file.uri.rpartition("/")[2] for file in records)
        found = {*map(parse_build, folders), *map(parse_build_record_name, names)}
        return {build for build in found if build}

    def _builds_in_catalogue(self) -> set[str]:
        # A table of the catalogue may still be somewhere else, such as another bucket's.
        return {
            build
            for location in self.catalogue.locations().values()
            if location.startswith(self.curated) and (build := parse_build(location))
        }


def refuse_failed(record: BuildRecord) -> None:
    """Refuse a build that broke a rule.

    Raises
    ------
    RulesFailedError
        Naming the rules.
    """
    if record.failed:
        names = ", ".join(rule.rule for rule in record.failed)
        details = "; ".join(f"{rule.rule}: {rule.detail}" for rule in record.failed)
        raise RulesFailedError(
            f"build {record.build} breaks {names}, and is not published ({details})",
            rules=[rule.rule for rule in record.failed],
            build=record.build,
        )
