"""The job's logic: plan, build, check, publish; everything outside is passed in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pyspark.sql import SparkSession

from glue_etl.builds.control import apply_controls
from glue_etl.builds.culprits import find_culprits
from glue_etl.builds.exclusions import Exclusions
from glue_etl.builds.facts import measure
from glue_etl.builds.pipeline import Bounds, state_of_build, state_of_runs, write_tables
from glue_etl.builds.publication import Publisher, refuse_failed, words_of
from glue_etl.builds.rules import RowBounds, TableFacts, check
from glue_etl.builds.runs import Plan, RunLedger
from glue_etl.builds.small_facts import measure_small
from glue_etl.builds.writing import TableWriter
from glue_etl.compaction.days import Roots, TableInput
from glue_etl.errors import BuildMissingError
from glue_etl.ports import Files
from glue_etl.settings import JobArguments
from glue_etl.spark import SMALL
from glue_etl.tables.precedence import NewestDump
from glue_etl.version import SERVICE_VERSION
from schemas.curated_tables import CURATED
from schemas.keys import build_record_key
from schemas.ledger.curated_build import (
    BuildRecord,
    CurrentBuild,
    ExcludedRun,
    TableOutcome,
)
from schemas.version import CONTRACT_VERSION

#: A small job plans for longer than it computes, and one thread plans on one core.
PLANNED_AT_ONCE: Final = 2

Status = Literal["published", "built", "unchanged", "pinned"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the job did.

    Attributes
    ----------
    seconds
        By part.
    left_out
        Runs that break a rule, each with the rules' words; the rest was built without them.
    """

    status: Status
    record: BuildRecord
    seconds: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the job's result for machines."""
        document = self.record.model_dump(mode="json")
        runs = len(document.pop("runs"))
        seconds = {part: round(taken, 2) for part, taken in self.seconds.items()}
        shown = {"runs": runs, "seconds": seconds, "left_out": self.left_out}
        return {"status": self.status, **document, **shown}


@dataclass
class Etl:
    """One job.

    Attributes
    ----------
    start_spark
        Starts Spark for input of so many bytes; called only when there is something to build.
    """

    arguments: JobArguments
    files: Files
    publisher: Publisher
    start_spark: Callable[[int], SparkSession]
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> Outcome:
        """Bring the curated tables up to date.

        Raises
        ------
        RulesFailedError
            When a data-quality rule is broken; what was published stays.
        EtlError
            As the parts say.
        """
        before = self.publisher.current()
        if not self.arguments.has_controls and before and self._next(before) is None:
            return self._unchanged(before)
        with self.publisher.lease.held("build the tables"):
            apply_controls(self.arguments, self.publisher, self._exclusions)
            if self.arguments.publish:
                self.publisher.repair()
            current = self.publisher.current()
            plan = self._next(current)
            if plan is None:
                repaired = current is not None and (before is None or before.build != current.build)
                return self._at_rest(current, "published" if repaired else "unchanged")
            return self._bring_up_to_date(plan, self._basis(current))

    def _next(self, current: CurrentBuild | None) -> Plan | None:
        if current and current.pin and self.arguments.publish:
            return None
        return self._ledger().plan(
            self._basis(current),
            self.arguments.run_id,
            full=self.arguments.full,
            excluded=self._exclusions.read(),
        )

    def _bring_up_to_date(self, plan: Plan, last: BuildRecord | None) -> Outcome:
        if last and plan.mode == "incremental":
            # What is missing of it would be missing in every build from now on.
            self.publisher.require_whole(last)
        record = self._made(plan, last)
        left_out: dict[str, str] = {}
        if record.failed and len(plan.new_runs) > 1:
            record, left_out = self._without_culprits(plan, last, record)
        # Whether or not anything is published: the next job tries the others.
        for run, reason in left_out.items():
            note = ExcludedRun(
                run_id=run,
                reason=reason,
                excluded_at=self.publisher.clock(),
                fingerprint=plan.runs[run],
            )
            self._exclusions.add(note)
        refuse_failed(record, left_out)
        if not self.arguments.publish:
            return Outcome("built", record, self.seconds, left_out)
        self._timed("publish", lambda: self.publisher.publish(record.build))
        return Outcome("published", record, self.seconds, left_out)

    def _unchanged(self, current: CurrentBuild) -> Outcome:
        if self.arguments.publish:
            # A job may have been killed when it had sent readers on and not yet cleaned up.
            self.publisher.tidy()
        return self._at_rest(self.publisher.current() or current, "unchanged")

    def _at_rest(self, current: CurrentBuild | None, status: Status) -> Outcome:
        record = self._basis(current)
        assert record is not None  # noqa: S101  # there is always a plan without a basis
        pinned = current is not None and current.pin is not None and self.arguments.publish
        return Outcome("pinned" if pinned else status, record, self.seconds)

    def _basis(self, current: CurrentBuild | None) -> BuildRecord | None:
        build = self.arguments.previous or (current.build if current else None)
        if build is None:
            return None
        record = self.publisher.record(build)
        if record is None:
            raise BuildMissingError(
                f"build {build}, to go on from, has no record: restore the former version of"
                f" {build_record_key(build)}, see docs/runbook.md#etl-failed",
                build=build,
            )
        return record

    def _without_culprits(
        self, plan: Plan, last: BuildRecord | None, failed: BuildRecord
    ) -> tuple[BuildRecord, dict[str, str]]:
        """Build from the new runs that break no rule; return what the others break, too.

        When the search finds none, the build that failed is returned, and which runs need not be
        tried again.
        """

        def attempt(runs: tuple[str, ...]) -> BuildRecord:
            return self._made(plan.with_new(runs), last)

        found = find_culprits(plan.new_runs, attempt, lambda record: bool(record.failed))
        words = {run: words_of(record) for run, record in found.culprits.items()}
        if found.sound is None and plan.has_known_runs:
            # They may be what breaks the rule.
            alone = attempt(())
            if alone.failed:
                return failed, {}
            if plan.mode == "full":
                found.sound = alone
        if plan.runs.keys() <= words.keys():
            return failed, {}
        return found.sound or failed, words

    def _made(self, plan: Plan, last: BuildRecord | None) -> BuildRecord:
        return self._finished(plan) or self._build(plan, last)

    @property
    def _exclusions(self) -> Exclusions:
        return Exclusions(self.files, self.arguments.curated)

    def _finished(self, plan: Plan) -> BuildRecord | None:
        # A job that was killed after it had written everything is finished, not repeated. Where it
        # is only built, its files may be elsewhere: who publishes it checks them.
        for found in self.publisher.attempts(self._id(plan)):
            passed = not found.failed and found.runs == plan.runs
            if passed and (not self.arguments.publish or self.publisher.is_whole(found)):
                return found
        return None

    def _build(self, plan: Plan, last: BuildRecord | None) -> BuildRecord:
        tables = self._ledger().input_of(plan.read_runs)
        size = sum(table.bytes for table in tables.values())
        size += sum(table.bytes for table in last.tables.values()) if last else 0
        spark = self._timed("start_spark", lambda: self.start_spark(size))
        build = self.publisher.new_attempt(self._id(plan))
        writer = TableWriter(spark, self.arguments.curated, build)
        small = size < SMALL
        at_once = PLANNED_AT_ONCE if small else 1
        self._timed("tables", lambda: self._write(writer, plan, tables, at_once))
        facts = self._timed("rules", lambda: self._measure(writer, small=small))
        record = self._record(build, plan, last, facts)
        self.publisher.record_build(record)
        return record

    def _measure(self, writer: TableWriter, *, small: bool) -> dict[str, TableFacts]:
        if small and self.arguments.master:
            return measure_small(self.files, writer.curated, writer.build)
        return measure(writer)

    def _ledger(self) -> RunLedger:
        roots = Roots(self.arguments.processed, self.arguments.compacted)
        return RunLedger(self.files, self.arguments.runs, roots)

    def _write(
        self, writer: TableWriter, plan: Plan, tables: dict[str, TableInput], at_once: int
    ) -> None:
        dump = None
        if plan.mode == "full" and plan.newest_dump:
            unreadable = self._ledger().unreadable_works(plan.newest_dump)
            dump = NewestDump(plan.newest_dump, unreadable)
        state = state_of_runs(writer.spark, tables, plan.read_runs, dump)
        if plan.mode == "incremental" and plan.previous:
            known = state_of_build(writer.spark, self.arguments.curated, plan.previous)
            state = state.united(known)
        write_tables(state, writer, Bounds.of(self.arguments), at_once)

    def _id(self, plan: Plan) -> str:
        return plan.id(Bounds.of(self.arguments), self._row_bounds(plan))

    def _row_bounds(self, plan: Plan) -> RowBounds:
        # A dump brings what no ratio foresees, and an excluded run takes it away.
        least = 0.0 if plan.shrinks else self.arguments.min_ratio
        most = math.inf if plan.grows else self.arguments.max_ratio
        return RowBounds(least, most, self.arguments.slack_rows)

    def _record(
        self, build: str, plan: Plan, last: BuildRecord | None, facts: dict[str, TableFacts]
    ) -> BuildRecord:
        return BuildRecord(
            build=build,
            previous=plan.previous,
            mode=plan.mode,
            runs=dict(plan.runs),
            new_runs=list(plan.new_runs),
            dump=plan.newest_dump,
            tables={name: self._outcome(name, build, facts[name]) for name in CURATED},
            rules=check(facts, last.tables if last else {}, self._row_bounds(plan)),
            contract_version=CONTRACT_VERSION,
            service_version=SERVICE_VERSION,
            created_at=self.publisher.clock(),
        )

    def _outcome(self, name: str, build: str, facts: TableFacts) -> TableOutcome:
        files = self.files.find(f"{self.arguments.curated}{CURATED[name].folder(build)}")
        return TableOutcome(
            rows=facts.rows, files=len(files), bytes=sum(file.size for file in files)
        )

    def _timed[T](self, part: str, call: Callable[[], T]) -> T:
        started = time.perf_counter()
        try:
            return call()
        finally:
            self.seconds[part] = time.perf_counter() - started
