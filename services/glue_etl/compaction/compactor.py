"""The steps of compaction: write anew, put on record, send readers there, remove what is replaced.

All of it is done under the lease, and each step follows from what storage and catalogue hold, so
that the next job goes on wherever one died:

1. A settled day's rows are written into a folder of their own, which no reader knows.
2. The day's record, written on condition that nobody else wrote it, names that folder: builds read
   it from now on. Readers are still where they were, and nothing there has changed.
3. The day's partitions are switched to the folder that the record names.
4. When readers have been there for a grace, the files that process wrote are deleted, each on
   condition that it is still the one whose rows were taken; so are older folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Final

from glue_etl.builds.lease import Lease
from glue_etl.compaction.days import AT_ONCE, Day, Roots, read_days
from glue_etl.compaction.rewriting import Rewriter, Rows
from glue_etl.errors import DayUnfitError, LeaseLostError, LedgerUnreadableError
from glue_etl.ledgers import parse_ledger
from glue_etl.ports import Files, Partitions
from schemas.keys import (
    RUNS_PREFIX,
    below,
    compacted_day_key,
    compacted_pages_key,
    curated_ledger_key,
    parse_run_folder,
    parse_run_id,
    processed_ledger_key,
)
from schemas.ledger.compacted import PAGED, CompactedDay, CompactedPages
from schemas.ledger.curated_build import CuratedLedger

_DELETED_AT_ONCE: Final = 1000
#: A request to delete may be under way for so long after its sender has lost the lease.
_LONGEST_REQUEST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is compacted.

    Attributes
    ----------
    after_days
        Days after which a day is compacted.
    days
        Days that a job compacts at most.
    grace
        For how long queries may read what readers were sent away from.
    """

    after_days: int
    days: int
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a job compacted: days; days that it could not, with the reason; and files it removed."""

    days: list[str] = field(default_factory=list)
    unfit: dict[str, str] = field(default_factory=dict)
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Compactor:
    """The processed tables of a lake, and what compacts them.

    Attributes
    ----------
    runs
        URI of the run ledger.
    """

    files: Files
    roots: Roots
    runs: str
    partitions: Partitions
    lease: Lease
    rows: Rows
    limits: Limits

    def run(self) -> Compaction:
        """Compact what is due, and go on with what was begun; take the lease only for that."""
        days = list(read_days(self.files, self.roots).values())
        if any(map(self._is_unfinished, days)) or any(map(self._is_due, days)):
            return self.work()
        return Compaction()

    def work(self) -> Compaction:
        """Compact what is due, send readers to what is compacted, remove what it replaces.

        Raises
        ------
        DayDamagedError
            When compacted files are not as they were written; nothing that they replace is removed.
        EtlError
            As the parts say.
        """
        with self.lease.held("compact processed files"):
            done = self._compact_due()
            self._switch()
            return Compaction(done.days, done.unfit, self._remove())

    def _compact_due(self) -> Compaction:
        done = Compaction()
        for day in read_days(self.files, self.roots).values():
            if len(done.days) < self.limits.days and self._is_due(day):
                try:
                    self._compact(day)
                    done.days.append(day.day)
                except DayUnfitError as error:
                    done.unfit[day.day] = str(error)
                    self._delete_generation(day.day, str(self.lease.require()))
        return done

    def _is_due(self, day: Day) -> bool:
        newest = self._now().date() - timedelta(days=self.limits.after_days)
        if not day.fresh or day.day > str(newest):
            return False
        removing = day.record.removing_at if day.record else None
        if removing and removing > self._now() - max(self.limits.grace, _LONGEST_REQUEST):
            # A file that is written anew could be taken for the one to be deleted.
            return False
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return all(pool.map(lambda run: self._is_settled(day, run), self._runs_of(day)))

    def _runs_of(self, day: Day) -> list[str]:
        folders = map(parse_run_folder, self.files.folders(self.runs))
        begun = {run for run in folders if run and str(parse_run_id(run).date()) == day.day}
        return sorted(begun | day.fingerprints.keys())

    def _is_settled(self, day: Day, run: str) -> bool:
        """Return whether process is done with a run, and the curated tables have it as it is."""
        if self.files.read(self._ledger(processed_ledger_key(run))) is None:
            return False
        if run not in day.fingerprints:
            return True
        uri = self._ledger(curated_ledger_key(run))
        body = self.files.read(uri)
        try:
            curated = parse_ledger(CuratedLedger, uri, body) if body else None
        except LedgerUnreadableError:
            # The next publication writes it anew.
            return False
        return curated is not None and curated.fingerprint == day.fingerprints[run]

    def _compact(self, day: Day) -> None:
        day.check_files()
        generation = str(self.lease.require())
        rewriter = Rewriter(self.files, self.roots, self.runs, self.lease, self.rows)
        tables, pages = rewriter.rewrite(day, generation)
        uri = self.roots.at(compacted_pages_key(day.day, generation))
        self.files.write(uri, CompactedPages(pages).to_bytes())
        record = CompactedDay(
            day=day.day,
            generation=generation,
            tables=tables,
            runs=dict(day.fingerprints),
            compacted_at=self._now(),
            token=0,
        )
        self._put(day, record)

    def _switch(self) -> None:
        days = [day for day in read_days(self.files, self.roots).values() if day.record]
        locations = {name: self.partitions.locations(table) for name, table in PAGED.items()}
        for day in days:
            record = day.record
            assert record is not None  # noqa: S101  # the others were left out
            wanted = {name: self.roots.folder(name, day.day, record.generation) for name in PAGED}
            others = [name for name in PAGED if locations[name].get(day.day) != wanted[name]]
            if not others and record.switched_at:
                continue
            day.check_files()
            if record.switched_at:
                # First on record: whoever reads elsewhere now has the whole grace from here on.
                self._put(day, record.model_copy(update={"switched_at": None}))
            stay = [name for name in others if self._hides_new_pages(day, locations[name])]
            for name in others:
                if day.day in locations[name] and name not in stay:
                    token = self.lease.require()
                    self.partitions.switch(PAGED[name], day.day, wanted[name], token)
            if not stay and all(day.day in found for found in locations.values()):
                self._put(day, record.model_copy(update={"switched_at": self._now()}))

    def _hides_new_pages(self, day: Day, locations: Mapping[str, str]) -> bool:
        """Return whether a switch would hide pages that readers see now.

        When a job died between the record and the switch, pages may have arrived since. Readers
        stay with the page files until these pages are merged.
        """
        at_pages = locations.get(day.day, "").startswith(self.roots.processed)
        return at_pages and bool(day.fresh) and day.compacted.keys() <= day.stored.keys()

    def _remove(self) -> int:
        removed = 0
        for day in read_days(self.files, self.roots).values():
            if not self._is_over(day):
                continue
            stale, files = self._stale_generations(day), day.replaced
            if stale or files:
                day.check_files()
                assert day.record is not None  # noqa: S101  # nothing else is over
                self._put(day, day.record.model_copy(update={"removing_at": self._now()}))
            for some in batched(files, _DELETED_AT_ONCE, strict=False):
                self.lease.require()
                self.files.delete_unchanged(some)
            for generation in stale:
                self._delete_generation(day.day, generation)
            removed += len(files)
        return removed

    def _is_unfinished(self, day: Day) -> bool:
        if day.record is None:
            return False
        return day.record.switched_at is None or (
            self._is_over(day) and bool(day.replaced or self._stale_generations(day))
        )

    def _is_over(self, day: Day) -> bool:
        """Return whether nobody reads any more what the compacted files replace."""
        switched = day.record.switched_at if day.record else None
        return switched is not None and switched <= self._now() - self.limits.grace

    def _stale_generations(self, day: Day) -> list[str]:
        """Return the generations of files that no record names, and none will.

        The record was written under a later lease than theirs, so that whoever wrote them and
        overslept is refused when it would put them on record.
        """
        record = day.record
        found = {one for generations in day.generations.values() for one in generations}
        return sorted(
            one
            for one in found
            if record and one != record.generation
            if one.isdigit() and int(one) < record.token
        )

    def _delete_generation(self, day: str, generation: str) -> None:
        # The folders last: it is by them that what is left over is found.
        uris = [self.roots.at(compacted_pages_key(day, generation))]
        uris += [self.roots.folder(table, day, generation) for table in PAGED]
        for uri in uris:
            self.lease.require()
            self.files.delete(uri)

    def _put(self, day: Day, record: CompactedDay) -> None:
        """Write a day's record over the version that was read."""
        record = record.model_copy(update={"token": self.lease.require()})
        uri = self.roots.at(compacted_day_key(day.day))
        body = record.model_dump_json(indent=1).encode()
        version = self.files.write_if(uri, body, day.version)
        if version is None:
            raise LeaseLostError("a later job has compacted meanwhile; this one stops here")
        day.record, day.version = record, version

    def _ledger(self, key: str) -> str:
        return f"{self.runs}{below(RUNS_PREFIX, key)}"

    def _now(self) -> datetime:
        return self.lease.clock()
