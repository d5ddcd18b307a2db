"""Publication: readers go from one whole build to the next, and never see anything between.

The order of the writes is the protocol, and all of them are made under the lease. A build's record
is written when all its files are there and its rules were checked; then the record of the current
build says that a switch begins; then each table is switched; then that record names the new build,
which the next job goes on from; then come the ledgers of the runs; last, old builds are removed. A
job that is killed anywhere leaves readers with whole builds, and the next one makes it good first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from glue_etl.builds.exclusions import Exclusions
from glue_etl.builds.lease import Lease, now
from glue_etl.errors import (
    BuildDamagedError,
    BuildMissingError,
    BuildPinnedError,
    DataError,
    LeaseLostError,
    LedgerUnreadableError,
    RulesFailedError,
)
from glue_etl.ledgers import parse_ledger
from glue_etl.ports import Catalogue, Files
from schemas.curated_tables import CURATED
from schemas.keys import (
    BUILD_RECORDS_PREFIX,
    CURATED_PREFIX,
    CURRENT_BUILD_KEY,
    RUNS_PREFIX,
    attempt_id,
    attempt_records_prefix,
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
    Pin,
    PublishedBuild,
)

_LEDGERS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Retention:
    """How many published builds are kept, and how long one stays after readers left it."""

    keep: int
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Publisher:
    """The curated tables as storage and catalogue have them; what changes them needs the lease.

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
    lease: Lease
    clock: Callable[[], datetime] = now

    def current(self) -> CurrentBuild | None:
        """Return the published builds; ``None`` before the first."""
        return self._current()[0]

    def record(self, build: str) -> BuildRecord | None:
        """Read a build's record; ``None`` when the build is not whole."""
        uri = self._curated(build_record_key(build))
        body = self.files.read(uri)
        return None if body is None else parse_ledger(BuildRecord, uri, body)

    def new_attempt(self, plan: str) -> str:
        """Return the id of the build that an attempt at a plan is to write."""
        return attempt_id(plan, self.lease.require())

    def attempts(self, plan: str) -> list[BuildRecord]:
        """Return the records of the attempts at a plan that may be published, newest first."""
        current = self.current()
        removing = current.removing if current else []
        found = self.files.find(self._curated(attempt_records_prefix(plan)))
        names = (parse_build_record_name(file.uri.rpartition("/")[2]) for file in found)
        records = [self.record(name) for name in names if name and name not in removing]
        return sorted(filter(None, records), key=lambda record: record.created_at, reverse=True)

    def is_whole(self, record: BuildRecord) -> bool:
        """Return whether a build's files are those of its record."""
        return not self._damage(record)

    def require_whole(self, record: BuildRecord) -> None:
        """Make sure that a build's files are those of its record.

        Raises
        ------
        BuildDamagedError
            Saying which table's are not.
        """
        self._check_files(record)

    def record_build(self, record: BuildRecord) -> None:
        """Write a build's record: from now on the build counts as whole.

        Raises
        ------
        BuildDamagedError
            When its files are not there.
        """
        self._check_files(record)
        self.lease.require()
        body = record.model_dump_json(indent=1).encode()
        self.files.write(self._curated(build_record_key(record.build)), body)

    def publish(self, build: str) -> CurrentBuild:
        """Send readers to a build, and remove builds that are no longer kept; idempotent.

        Raises
        ------
        BuildMissingError, BuildDamagedError
            When the build has no record or is being removed, or its files are not those of the
            record.
        RulesFailedError
            When it broke a rule; readers stay where they are.
        BuildPinnedError
            When readers are pinned to another build.
        """
        record = self._publishable(build)
        current = self.current()
        if current and current.pin and current.pin.build != build:
            raise BuildPinnedError(
                f"readers are pinned to build {current.pin.build} ({current.pin.reason}): lift the"
                " pin first (--unpin true)",
                build=current.pin.build,
            )
        return self._settle(record, self._switch(build))

    def repair(self) -> None:
        """Finish a switch that a killed job had begun."""
        current = self.current()
        if current is None or current.is_settled:
            return
        try:
            self.publish(current.target)
        except (DataError, BuildMissingError, BuildPinnedError):
            # It is not whole: back readers go to where they were, and stay there if they were to
            # stay anywhere. Not so after other errors: a job that lacks a right cannot say.
            if current.pin:
                self._change(pin=current.pin.model_copy(update={"build": current.build}))
            self.publish(current.build)

    def tidy(self) -> None:
        """Write ledgers that are missing and remove builds whose time has come, if any.

        It asks nothing of the catalogue, and takes the lease only when there is something to do.
        """
        current = self.current()
        record = self.record(current.build) if current else None
        if current is None or record is None:
            return
        if not current.is_settled or self._missing_ledgers(record) or self._removable(current):
            with self.lease.held(f"clean up after build {record.build}"):
                self.repair()
                if current == self.current():
                    self._settle(record, current)

    def pin(self, build: str, reason: str) -> CurrentBuild:
        """Send readers to a build, and keep them there until the pin is lifted.

        A build that cannot be published is refused, and a former pin stays.

        Raises
        ------
        BuildMissingError, BuildDamagedError, RulesFailedError
            As when it is published.
        """
        self._publishable(build)
        pin = Pin(build=build, reason=reason, pinned_at=self.clock())
        if self.current():
            # First, so that whoever goes on from here goes on to this build.
            self._change(pin=pin)
        self.publish(build)
        return self._change(pin=pin)

    def unpin(self) -> None:
        """Lift the pin, if any."""
        current = self.current()
        if current and current.pin:
            self._change(pin=None)

    def note_loaded(self, build: str) -> None:
        """Note that the warehouse has a build."""
        self._change(loaded=build)

    def _publishable(self, build: str) -> BuildRecord:
        record = self.record(build)
        if record is None:
            raise BuildMissingError(
                f"there is no record of build {build}: name a build that `./lake status` shows, or"
                f" restore the former version of {self._curated(build_record_key(build))}, see"
                " docs/runbook.md#etl-failed",
                build=build,
            )
        refuse_failed(record)
        self._check_files(record)
        current = self.current()
        if current and build in current.removing:
            raise BuildMissingError(
                f"build {build} is being removed: publish another one", build=build
            )
        return record

    def _switch(self, build: str) -> CurrentBuild:
        before = self.current()
        locations = self.catalogue.locations()
        wanted = {t.name: f"{self.curated}{t.folder(build)}" for t in CURATED.values()}
        if before and before.build == build and not before.switching:
            leaving = self._builds_in_catalogue(locations) - {build}
        else:
            known = before.switching if before else []
            own = {build, before.build if before else build}
            others = sorted(self._builds_in_catalogue(locations).difference(known, own))
            leaving = {*known, *others, *own} - {build}
            if before:
                rest = [other for other in (*known, *others) if other not in own]
                self._change(switching=[*rest, build])
        for table in CURATED.values():
            if locations.get(table.name) != wanted[table.name]:
                self.catalogue.switch(table, wanted[table.name], self.lease.require())
        return self._point_to(build, leaving)

    def _point_to(self, build: str, leaving: Iterable[str]) -> CurrentBuild:
        before = self.current()
        time = self.clock()
        builds = list(before.builds) if before else []
        left = _left(before) if before else {}
        if not builds or builds[0].build != build:
            older = [published for published in builds if published.build != build]
            builds = [PublishedBuild(build=build, published_at=time), *older]
        left |= dict.fromkeys(leaving, time)
        left.pop(build, None)
        after = CurrentBuild(builds=builds, left=left, pin=before.pin if before else None)
        kept = _kept(after, self._limit(), self.retention.keep)
        return self._change(
            builds=[published for published in builds if published.build in kept],
            left={name: moment for name, moment in left.items() if name in kept},
            switching=[],
        )

    def _settle(self, record: BuildRecord, current: CurrentBuild) -> CurrentBuild:
        self._write_ledgers(record, current.builds[0].published_at)
        self.lease.require()
        Exclusions(self.files, self.curated).lift_built(record.runs)
        removable = self._removable(current)
        if removable:
            # First on record, where a job that overslept is refused: whatever is deleted, however
            # late, is of a build that nobody publishes any more.
            current = self._change(removing=removable)
        for build in removable:
            self._remove(build)
        return current

    def _current(self) -> tuple[CurrentBuild | None, str | None]:
        uri = self._curated(CURRENT_BUILD_KEY)
        found = self.files.read_versioned(uri)
        if found is None:
            return None, None
        return parse_ledger(CurrentBuild, uri, found.body), found.version

    def _change(self, **changes: Any) -> CurrentBuild:
        token = self.lease.require()
        before, version = self._current()
        values = dict(before) if before else {}
        changed = CurrentBuild.model_validate(values | changes)
        if changed == before:
            return changed
        changed = changed.model_copy(update={"token": token})
        body = changed.model_dump_json(indent=1).encode()
        refused = before is not None and before.token > token
        if refused or not self.files.write_if(self._curated(CURRENT_BUILD_KEY), body, version):
            raise LeaseLostError("a later job has published meanwhile; this one stops here")
        return changed

    def _check_files(self, record: BuildRecord) -> None:
        problems = self._damage(record)
        if problems:
            raise BuildDamagedError(
                f"build {record.build} is not as it was written ({'; '.join(problems)}): build it"
                " again (--full true)",
                build=record.build,
            )

    def _damage(self, record: BuildRecord) -> list[str]:
        problems = []
        for name, outcome in record.tables.items():
            files = self.files.find(f"{self.curated}{CURATED[name].folder(record.build)}")
            found = (len(files), sum(file.size for file in files))
            if outcome.rows and not files:
                problems.append(f"{name} has {outcome.rows} rows and no file")
            elif found != (outcome.files, outcome.bytes):
                problems.append(
                    f"{name} has {found[0]} files of {found[1]} bytes, not {outcome.files} of"
                    f" {outcome.bytes}"
                )
        return problems

    def _write_ledgers(self, record: BuildRecord, published_at: datetime) -> None:
        for run in self._missing_ledgers(record):
            ledger = CuratedLedger(
                run_id=run,
                fingerprint=record.runs[run],
                build=record.build,
                published_at=published_at,
                contract_version=record.contract_version,
                tables={name: table.rows for name, table in record.tables.items()},
            )
            self.lease.require()
            self.files.write(self._ledger(run), ledger.model_dump_json().encode())

    def _missing_ledgers(self, record: BuildRecord) -> list[str]:
        """Return the runs of a build whose ledger is missing, or tells of other files."""

        def is_missing(run: str) -> bool:
            body = self.files.read(self._ledger(run))
            if body is None:
                return True
            try:
                ledger = parse_ledger(CuratedLedger, self._ledger(run), body)
            except LedgerUnreadableError:
                # All that it said, the build's record says.
                return True
            # Those of older versions tell of none; compaction waits for one that does.
            return ledger.fingerprint != record.runs[run]

        with ThreadPoolExecutor(_LEDGERS_AT_ONCE) as pool:
            missing = pool.map(is_missing, record.runs)
            return [run for run, found in zip(record.runs, missing, strict=True) if found]

    def _ledger(self, run: str) -> str:
        return f"{self.runs}{below(RUNS_PREFIX, curated_ledger_key(run))}"

    def _limit(self) -> datetime:
        return self.clock() - self.retention.grace

    def _removable(self, current: CurrentBuild) -> list[str]:
        kept = _kept(current, self._limit(), self.retention.keep)
        return sorted(self._stored_builds() - kept)

    def _remove(self, build: str) -> None:
        # The record first: a build with a record counts as whole.
        record = self._curated(build_record_key(build))
        for uri in [
            record,
            *(f"{self.curated}{table.folder(build)}" for table in CURATED.values()),
        ]:
            self.lease.require()
            self.files.delete(uri)

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

    def _builds_in_catalogue(self, locations: Mapping[str, str] | None = None) -> set[str]:
        # A table of the catalogue may still be somewhere else, such as another bucket's.
        found = self.catalogue.locations() if locations is None else locations
        return {
            build
            for location in found.values()
            if location.startswith(self.curated) and (build := parse_build(location))
        }


def _left(current: CurrentBuild) -> dict[str, datetime]:
    # Records of older versions lack it: then a build was left when the next one was published.
    follows = zip(current.builds[1:], current.builds, strict=False)
    return {older.build: newer.published_at for older, newer in follows} | dict(current.left)


def _kept(current: CurrentBuild, limit: datetime, keep: int) -> set[str]:
    """Return the builds that stay: the newest, the pinned, and those that were just left."""
    newest = {published.build for published in current.builds[:keep]}
    just_left = {build for build, moment in _left(current).items() if moment > limit}
    pinned = {current.pin.build} if current.pin else set[str]()
    return {*newest, *just_left, *pinned, *current.switching}


def refuse_failed(record: BuildRecord, left_out: Iterable[str] = ()) -> None:
    """Refuse a build that broke a rule.

    Parameters
    ----------
    left_out
        Runs of it that were found to break rules, and that the next job leaves out.

    Raises
    ------
    RulesFailedError
        Naming the rules.
    """
    if record.failed:
        names = ", ".join(rule.rule for rule in record.failed)
        runs = list(left_out)
        more = f"; the next job leaves out {', '.join(runs)}" if runs else ""
        raise RulesFailedError(
            f"build {record.build} breaks {names}, and is not published ({words_of(record)}){more}",
            rules=[rule.rule for rule in record.failed],
            build=record.build,
            left_out=runs,
        )


def words_of(record: BuildRecord) -> str:
    """Return what a build's broken rules found."""
    return "; ".join(f"{rule.rule}: {rule.detail}" for rule in record.failed)
