"""The job's logic: plan, build, check, publish; everything outside is passed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pyspark.sql import SparkSession

from glue_etl.adapters.spark_session import SMALL
from glue_etl.builds.facts import measure
from glue_etl.builds.pipeline import Bounds, state_of_build, state_of_runs, write_tables
from glue_etl.builds.publication import Publisher, refuse_failed
from glue_etl.builds.rules import RowBounds, TableFacts, check
from glue_etl.builds.runs import Plan, RunLedger
from glue_etl.builds.writing import TableWriter
from glue_etl.errors import BuildExistsError, BuildMissingError
from glue_etl.ports import FileInfo, Files
from glue_etl.settings import JobArguments
from glue_etl.version import SERVICE_VERSION
from schemas.curated_tables import CURATED
from schemas.ledger.curated_build import BuildRecord, TableOutcome
from schemas.version import CONTRACT_VERSION

#: A small job plans for longer than it computes, and one thread plans on one core.
PLANNED_AT_ONCE: Final = 2

Status = Literal["published", "built", "unchanged"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the job did; ``seconds`` by part."""

    status: Status
    record: BuildRecord
    seconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the job's result for machines."""
        document = self.record.model_dump(mode="json")
        runs = len(document.pop("runs"))
        seconds = {part: round(taken, 2) for part, taken in self.seconds.items()}
        return {"status": self.status, **document, "runs": runs, "seconds": seconds}


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
        last = self._last_build()
        plan = self._ledger().plan(last, self.arguments.run_id, full=self.arguments.full)
        if plan is None:
            assert last is not None  # noqa: S101  # there is always a plan without a build
            return self._unchanged(last)
        build = self.arguments.build or plan.build
        record = self._finished(build, plan) or self._build(build, plan, last)
        refuse_failed(record)
        if not self.arguments.publish:
            return Outcome("built", record, self.seconds)
        self._timed("publish", lambda: self.publisher.publish(build))
        return Outcome("published", record, self.seconds)

    def _unchanged(self, last: BuildRecord) -> Outcome:
        current = self.publisher.current()
        if self.arguments.publish and current and current.build == last.build:
            # A job may have been killed when it had sent readers on and not yet cleaned up.
            self.publisher.publish(last.build)
        return Outcome("unchanged", last, self.seconds)

    def _ledger(self) -> RunLedger:
        return RunLedger(self.files, self.arguments.runs, self.arguments.processed)

    def _last_build(self) -> BuildRecord | None:
        current = self.publisher.current()
        build = self.arguments.previous or (current.build if current else None)
        if build is None:
            return None
        record = self.publisher.record(build)
        if record is None:
            raise BuildMissingError(f"build {build}, to go on from, has no record")
        return record

    def _finished(self, build: str, plan: Plan) -> BuildRecord | None:
        # A job that was killed after it had written everything is finished, not repeated.
        found = self.publisher.record(build)
        if found and not found.failed and found.runs == plan.runs:
            return found
        if self.publisher.is_visible(build):
            raise BuildExistsError(
                f"readers may be in build {build}, so it cannot be written: choose another id"
            )
        return None

    def _build(self, build: str, plan: Plan, last: BuildRecord | None) -> BuildRecord:
        files = self._input(plan)
        size = sum(file.size for found in files.values() for file in found)
        size += sum(table.bytes for table in last.tables.values()) if last else 0
        spark = self._timed("start_spark", lambda: self.start_spark(size))
        self.publisher.prepare(build)
        writer = TableWriter(spark, self.arguments.curated, build)
        at_once = PLANNED_AT_ONCE if size < SMALL else 1
        self._timed("tables", lambda: self._write(writer, plan, files, at_once))
        facts = self._timed("rules", lambda: measure(writer, at_once))
        record = self._record(build, plan, last, facts)
        self.publisher.record_build(record)
        return record

    def _input(self, plan: Plan) -> dict[str, list[FileInfo]]:
        ledger = self._ledger()
        found: dict[str, list[FileInfo]] = {}
        for run in plan.read_runs:
            for table, files in ledger.files_of(run).items():
                found.setdefault(table, []).extend(files)
        return found

    def _write(
        self, writer: TableWriter, plan: Plan, files: dict[str, list[FileInfo]], at_once: int
    ) -> None:
        uris = {table: [file.uri for file in found] for table, found in files.items()}
        state = state_of_runs(writer.spark, uris)
        if plan.mode == "incremental" and plan.previous:
            known = state_of_build(writer.spark, self.arguments.curated, plan.previous)
            state = state.united(known)
        write_tables(state, writer, Bounds.of(self.arguments), at_once)

    def _record(
        self, build: str, plan: Plan, last: BuildRecord | None, facts: dict[str, TableFacts]
    ) -> BuildRecord:
        bounds = RowBounds(
            self.arguments.min_ratio, self.arguments.max_ratio, self.arguments.slack_rows
        )
        return BuildRecord(
            build=build,
            previous=plan.previous,
            mode=plan.mode,
            runs=dict(plan.runs),
            new_runs=list(plan.new_runs),
            tables={name: self._outcome(name, build, facts[name]) for name in CURATED},
            rules=check(facts, last.tables if last else {}, bounds),
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
