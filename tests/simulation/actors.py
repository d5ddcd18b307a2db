"""Who acts: the schedule and its heartbeats, the queue's workers, the jobs, and the readers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from glue_etl.builds.lease import Lease
from glue_etl.builds.publication import Publisher, Retention
from glue_etl.builds.runs import Plan, RunLedger
from glue_etl.compaction.compactor import Compactor, Limits
from glue_etl.compaction.days import Roots
from glue_etl.errors import EtlError, NoRunsError
from ingest.errors import IngestError
from ingest.logic.heartbeat import CrawlRules, HeartbeatDependencies, run_heartbeat
from ingest.openlibrary.api import OpenLibrary
from ingest.ports import SubjectSpec, Timing
from ingest.testing.lake import SilentObserver
from process.logic.batch import Batch
from process.logic.outputs import Outputs
from process.logic.retry import Retry
from process.testing.fakes import LIMITS
from process.testing.pages import BUCKET
from schemas.curated_tables import CURATED
from schemas.events import Heartbeat
from schemas.keys import (
    COMPACTED_PREFIX,
    CURATED_PREFIX,
    PROCESSED_PREFIX,
    RAW_PREFIX,
    RUNS_PREFIX,
    RawKey,
    compacted_pages_key,
    parse_build,
)
from schemas.ledger.compacted import CompactedPages
from schemas.ledger.curated_build import BuildRecord, TableOutcome
from tests.simulation.cloud import Cloud, Message
from tests.simulation.ports import (
    LAKE,
    DefectiveOutputs,
    EtlCatalogue,
    EtlFiles,
    EtlPartitions,
    IngestStore,
    JsonRows,
    ProcessQueue,
    ProcessStore,
    ProcessTables,
    path_of_page,
)
from tests.simulation.source import SUBJECTS, Source

RATE: Final = 3
RUN_MINUTES: Final = 60
_INGEST_SECONDS: Final = (30.0, 120.0, 890.0)
_PROCESS_SECONDS: Final = 300.0
_WORKERS: Final = 3
_GRACE: Final = timedelta(hours=1)
#: Long enough for the slowest query, and over before faults stop.
_PAGES_GRACE: Final = timedelta(minutes=30)
ROOTS: Final = Roots(f"{LAKE}{PROCESSED_PREFIX}", f"{LAKE}{COMPACTED_PREFIX}")
_LONGEST_QUERY_SECONDS: Final = 600.0
#: Of the histories, in which process is corrected on the way.
_SHARE_OF_RELEASES: Final = 0.4
_LATEST_RELEASE_SECONDS: Final = 4500.0


class OrderedFuture[T](Future[T]):
    """A future whose place in a set is the same in each process."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def __hash__(self) -> int:
        return self._number


class OrderedExecutor:
    """Runs each call at once."""

    def __init__(self) -> None:
        self._begun = 0

    def submit[T](self, fn: Callable[[], T], /) -> Future[T]:
        """Run a call."""
        self._begun += 1
        future = OrderedFuture[T](self._begun)
        try:
            future.set_result(fn())
        except BaseException as error:
            future.set_exception(error)
        return future


@dataclass
class Lake:
    """The functions of a lake, on an AWS in memory.

    Attributes
    ----------
    working
        Invocations of process under way.
    metrics
        Sums of what process counted.
    holes
        What readers saw that was not whole.
    has_defect, replayed
        Whether process rejects a good record of each page, and whether that is fixed since.
    """

    cloud: Cloud
    source: Source
    working: int = 0
    invocations: int = 0
    metrics: Counter[str] = field(default_factory=Counter)
    holes: list[str] = field(default_factory=list)
    has_defect: bool = False
    replayed: bool = False

    def __post_init__(self) -> None:
        self.has_defect = self.cloud.chance.random() < _SHARE_OF_RELEASES

    def release(self) -> None:
        """Release a corrected process, and replay what the defective one made."""
        engine, chance = self.cloud.engine, self.cloud.chance
        if not self.has_defect:
            return
        engine.sleep(chance.uniform(600.0, _LATEST_RELEASE_SECONDS))
        self.has_defect, self.replayed = False, True
        # Until the last invocation of the defective version has ended.
        engine.sleep(_PROCESS_SECONDS)
        for key in self.cloud.keys(RAW_PREFIX):
            self.cloud.send(key)

    def schedule(self) -> None:
        """Send heartbeats: late, twice or not at all while faults are on."""
        engine, chance = self.cloud.engine, self.cloud.chance
        while True:
            due = engine.now()
            copies = 1 if self.cloud.calm else chance.choice((0, 1, 1, 1, 2, 2))
            for _ in range(copies):
                late = 0.0 if self.cloud.calm else chance.choice((0.0, 4 * chance.random(), 90.0))
                self._invoke_ingest(due, late)
            engine.sleep(300.0)

    def poll(self) -> None:
        """Give the queue's messages to process, in batches."""
        engine, chance = self.cloud.engine, self.cloud.chance
        while True:
            if self.working < _WORKERS and (batch := self.cloud.receive(chance.randrange(1, 11))):
                self.working += 1
                self.invocations += 1
                name = f"process-{self.invocations}"
                engine.spawn(name, partial(self._process, batch), lives=_PROCESS_SECONDS)
                engine.spawn(f"{name}-end", self._worker_is_free, delay=60.0)
            engine.sleep(5.0)

    def build(self) -> None:
        """Start jobs, sometimes two at once."""
        engine, chance = self.cloud.engine, self.cloud.chance
        while True:
            engine.sleep(700.0)
            for _ in range(1 if self.cloud.calm else chance.choice((1, 1, 2))):
                self.invocations += 1
                name = f"etl-{self.invocations}"
                engine.spawn(name, self._job, delay=chance.uniform(0.0, 5.0))

    def query(self) -> None:
        """Query all curated tables again and again, some of the time slowly."""
        engine, chance = self.cloud.engine, self.cloud.chance
        while True:
            engine.sleep(chance.uniform(100.0, 500.0))
            for table, (location, _) in list(self.cloud.locations.items()):
                slow = _LONGEST_QUERY_SECONDS / len(CURATED)
                engine.sleep(chance.choice((0.0, slow)))
                self._look(table, location.removeprefix(LAKE))
            for (table, day), location in list(self.cloud.partitions.items()):
                if table == "works":
                    self._look_at_day(day, location.removeprefix(LAKE))

    def librarian(self) -> None:
        """Change the source's works."""
        while True:
            self.cloud.engine.sleep(self.cloud.chance.uniform(1.0, 600.0))
            self.source.change()

    def _invoke_ingest(self, due: datetime, late: float) -> None:
        self.invocations += 1
        name = f"ingest-{self.invocations}"
        lives = self.cloud.chance.choice(_INGEST_SECONDS)
        skew = timedelta(seconds=self.cloud.chance.uniform(-1.0, 1.0))

        def beat() -> None:
            ends = self.cloud.engine.seconds + lives
            try:
                run_heartbeat(Heartbeat(scheduled_time=due), self._ingest(name, ends, skew))
            except IngestError as error:
                self.cloud.note(f"ended: {error.code}")

        self.cloud.engine.spawn(name, beat, delay=late, lives=lives)

    def _ingest(self, name: str, ends: float, skew: timedelta) -> HeartbeatDependencies:
        engine = self.cloud.engine
        timing = Timing(
            lambda: engine.now() + skew,
            lambda: engine.seconds,
            engine.sleep,
            self.cloud.chance.uniform,
        )
        return HeartbeatDependencies(
            rules=CrawlRules(10, 1000, RATE, RUN_MINUTES, 50.0),
            store=IngestStore(self.cloud),
            source=self.source,
            api=OpenLibrary(),
            executor=OrderedExecutor(),
            timing=timing,
            observer=SilentObserver(),
            owner=name,
            remaining_seconds=lambda: ends - engine.seconds,
            read_subjects=lambda: [SubjectSpec(subject=one) for one in SUBJECTS],
        )

    def _process(self, messages: list[Message]) -> None:
        engine, chance = self.cloud.engine, self.cloud.chance
        ends = engine.seconds + _PROCESS_SECONDS
        retry = Retry(lambda: ends - engine.seconds, engine.sleep, chance.uniform)
        outputs_of = DefectiveOutputs if self.has_defect else Outputs
        outputs = outputs_of(ProcessStore(self.cloud), ProcessTables(self.cloud))
        batch = Batch(outputs, LIMITS, BUCKET, ProcessQueue(self.cloud), retry)
        records = [
            {
                "messageId": one.name,
                "receiptHandle": one.name,
                "body": one.body,
                "attributes": {"ApproximateReceiveCount": str(one.receives)},
            }
            for one in messages
        ]
        failed = batch.process(records)
        for message in messages:
            # The answer may get lost on its way to the queue.
            if message.name not in failed and (self.cloud.calm or chance.random() > 0.02):
                self.cloud.queue.pop(message.name, None)

    def _worker_is_free(self) -> None:
        self.working -= 1

    def _job(self) -> None:
        try:
            Job(self.cloud).run()
        except NoRunsError:
            pass
        except EtlError as error:
            self.cloud.note(f"ended: {error.code}")

    def _look(self, table: str, folder: str) -> None:
        files = self.cloud.keys(folder)
        found = [json.loads(self.cloud.objects[key].body) for key in files]
        build = parse_build(folder)
        whole = found and len(found) == found[0]["files"]
        if not whole or any(part["build"] != build for part in found):
            self.holes.append(f"{table} at {folder}: {len(found)} files")

    def _look_at_day(self, day: str, folder: str) -> None:
        """Look at the rows of a day: each page's are those of one version of it, once."""
        engine, chance = self.cloud.engine, self.cloud.chance
        owed = self._pages_at(day, folder)
        engine.sleep(chance.choice((0.0, _LONGEST_QUERY_SECONDS)))
        files = self.cloud.keys(folder)
        engine.sleep(chance.choice((0.0, 30.0)))
        if gone := [key for key in files if key not in self.cloud.objects]:
            self.holes.append(f"{gone[0]} is gone from under a query")
            return
        rows = rows_at(self.cloud, files)
        for path in owed | rows.keys():
            versions = self.cloud.versions.get(PROCESSED_PREFIX + path, [])
            if rows.get(path, []) not in map(json.loads, versions):
                self.holes.append(f"{path} at {folder}: {len(rows.get(path, []))} rows")

    def _pages_at(self, day: str, folder: str) -> set[str]:
        """Return the pages that a reader who is sent to a place must find there."""
        if not folder.startswith(COMPACTED_PREFIX):
            return {key.removeprefix(PROCESSED_PREFIX) for key in self.cloud.keys(folder)}
        listed = self.cloud.objects[compacted_pages_key(day, folder.rstrip("/").rpartition("/")[2])]
        return {path for path in CompactedPages.of_bytes(listed.body) if path.startswith("works/")}


def rows_at(cloud: Cloud, files: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Return the rows of works that some files hold, by page."""
    found: dict[str, list[dict[str, str]]] = {}
    for key in files:
        for row in json.loads(cloud.objects[key].body):
            found.setdefault(path_of_page("works", row["raw_key"]), []).append(row)
    return found


@dataclass
class Job:
    """A job as the real one goes, whose tables a naive builder writes."""

    cloud: Cloud

    def __post_init__(self) -> None:
        engine = self.cloud.engine
        self.files = EtlFiles(self.cloud)
        uri = f"{LAKE}{CURATED_PREFIX}"
        # Looks at the lease every ten seconds: a history has less to do.
        lease = Lease(
            self.files,
            f"{uri}_lease.json",
            engine.now,
            lambda seconds: engine.sleep(10 * seconds),
            holder=engine.current.name if engine.current else "",
        )
        self.publisher = Publisher(
            self.files,
            EtlCatalogue(self.cloud),
            uri,
            f"{LAKE}{RUNS_PREFIX}",
            Retention(2, _GRACE),
            lease,
            engine.now,
        )

    def run(self) -> None:
        """Bring the tables up to date, and then compact what is settled."""
        self.build()
        limits = Limits(0, 10, _PAGES_GRACE)
        Compactor(
            self.files,
            ROOTS,
            self.publisher.runs,
            EtlPartitions(self.cloud),
            self.publisher.lease,
            JsonRows(),
            limits,
        ).run()

    def build(self) -> None:
        """Bring the tables up to date."""
        if self._plan() is None:
            self.publisher.tidy()
            return
        with self.publisher.lease.held("build"):
            self.publisher.repair()
            plan = self._plan()
            if plan is None:
                return
            whole = filter(self.publisher.is_whole, self.publisher.attempts(plan.id()))
            record = next(whole, None) or self.write(plan)
            self.publisher.publish(record.build)

    def _plan(self) -> Plan | None:
        current = self.publisher.current()
        record = self.publisher.record(current.build) if current else None
        return self._ledger().plan(record)

    def _ledger(self) -> RunLedger:
        return RunLedger(self.files, f"{LAKE}{RUNS_PREFIX}", ROOTS)

    def write(self, plan: Plan) -> BuildRecord:
        """Write a build and its record."""
        build = self.publisher.new_attempt(plan.id())
        works: dict[str, list[str]] = {}
        if plan.mode == "incremental":
            for file in self.files.find(self._folder("works", str(plan.previous))):
                works |= json.loads(self.files.read(file.uri) or b"{}")["works"]
        for row in self._rows(plan.read_runs):
            page = RawKey.parse(row["raw_key"])
            state = [page.run_id, page.processed_key("works"), row["title"]]
            if state[:2] >= works.get(row["work_key"], [""])[:2]:
                works[row["work_key"]] = state
        halves = [dict(list(works.items())[part::2]) for part in range(2)]
        for table in CURATED:
            for number, half in enumerate(halves if table == "works" else [{}]):
                part = {"build": build, "files": 2 if table == "works" else 1, "works": half}
                uri = f"{self._folder(table, build)}part-{number}"
                self.files.write(uri, json.dumps(part).encode())
        record = self._record(plan, build)
        self.publisher.record_build(record)
        return record

    def _rows(self, runs: Sequence[str]) -> Iterator[dict[str, str]]:
        """Return the processed rows of some runs, as Spark reads them."""
        found = self._ledger().input_of(runs)["works"]
        for uris, left_out in ((found.pages, ()), (found.compacted, found.superseded)):
            for file in (file for uri in uris for file in self.files.find(uri)):
                for row in json.loads(self.files.read(file.uri) or b"[]"):
                    if (
                        RawKey.parse(row["raw_key"]).run_id in runs
                        and row["raw_key"] not in left_out
                    ):
                        yield row

    def _folder(self, table: str, build: str) -> str:
        return f"{self.publisher.curated}{CURATED[table].folder(build)}"

    def _record(self, plan: Plan, build: str) -> BuildRecord:
        tables = {}
        for table in CURATED:
            found = self.files.find(self._folder(table, build))
            size = sum(file.size for file in found)
            tables[table] = TableOutcome(rows=1, files=len(found), bytes=size)
        return BuildRecord(
            build=build,
            previous=plan.previous,
            mode=plan.mode,
            runs=dict(plan.runs),
            new_runs=list(plan.new_runs),
            tables=tables,
            rules=[],
            contract_version="1",
            service_version="0.0.0",
            created_at=self.cloud.engine.now(),
        )
