"""A lake on a local AWS whose functions reach it through the fault proxy."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.deploy.parameters import LOCAL
from lake.errors import RunFailedError
from lake.etl.refresh import EtlOptions, run_etl
from lake.etl.workspace import Workspace
from lake.local.local_aws import LocalAws, free_port
from lake.local.spark import aws_environment, deployed_jobs
from lake.local.supervisor import members
from lake.objects import object_keys
from lake.operations.replay.command import Replay, ReplayResult
from lake.operations.replay.selection import Selection
from lake.project import Project
from lake.runs import heartbeat
from lake.steps import Say
from openlibrary_standin import StandIn, StandInConfig
from schemas import keys
from schemas.curated_tables import CURATED
from schemas.tables import Table
from tests.faults.calls import JOB_AGENT
from tests.faults.proxy import FaultProxy

#: The subjects parameter that ingest reads where a heartbeat names none.
SUBJECTS_PARAMETER: Final = "/openlake/local/faults/subjects"
SUBJECT: Final = "weather"
SUBJECTS: Final = [{"subject": SUBJECT, "max_works": 28}]
#: Subjects of the burst, of about 250 pages each.
BURST: Final = ("burst_one", "burst_two", "burst_three", "burst_four")
_WORKS: Final = {SUBJECT: 28, **dict.fromkeys(BURST, 2500)}
PAGE_SIZE: Final = 10
#: In place of the 30 minutes that a batch of a killed function waits on AWS.
VISIBILITY_SECONDS: Final = 8
_FIRST_RUN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_POLL_SECONDS: Final = 0.2


class ProxiedAws(LocalAws):
    """A local AWS that shows its functions the proxy in its place.

    Attributes
    ----------
    function_endpoint
        What the functions take for AWS.
    """

    function_endpoint = ""

    def _spawn(self, environment: Mapping[str, str]) -> Any:
        return super()._spawn({**environment, "AWS_ENDPOINT_URL": self.function_endpoint})

    def processes(self) -> list[psutil.Process]:
        """Return the server and its workers."""
        return members(self._temporary)


@dataclass
class Lab:
    """A deployed lake, the proxy before it and the source behind it."""

    local: ProxiedAws
    project: Project
    proxy: FaultProxy
    source: StandIn
    say: Say
    port: int
    runs: int = 0
    failed_heartbeats: list[str] = field(default_factory=list)
    cloud: Cloud = field(default_factory=Cloud)
    bucket: str = ""
    builds: Sequence[str] = ()
    built_runs: list[str] = field(default_factory=list)

    def deploy(self) -> None:
        """Start the local AWS unless it runs, and deploy the lake."""
        server = self.local.start(self.port)
        self.cloud = Cloud(endpoint=server.endpoint)
        parameters: dict[str, dict[str, str]] = {
            "process": dict(LOCAL["process"]),
            "ingest": {
                **LOCAL["ingest"],
                "SourceUrl": self.source.url,
                "Contact": "tests@example.org",
                "SubjectsParameter": SUBJECTS_PARAMETER,
                "PageSize": str(PAGE_SIZE),
                # The source is on this machine, and what is tested is not the pace.
                "RequestsPerSecond": "200",
            },
        }
        self.cloud.client("ssm").put_parameter(
            Name=SUBJECTS_PARAMETER, Value=json.dumps(SUBJECTS), Type="String", Overwrite=True
        )
        for unit in units.select(["bootstrap", "foundation", "process", "ingest"]):
            deployment.deploy_unit(
                self.cloud, self.project, unit, parameters.get(unit.name, {}), self.say
            )
        self.bucket = self.cloud.parameter("foundation/data-bucket")
        self.cloud.client("sqs").set_queue_attributes(
            QueueUrl=self.queue, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        )

    @property
    def queue(self) -> str:
        """URL of the queue of process."""
        return self.cloud.parameter("process/queue-url")

    def new_run(self) -> datetime:
        """Return when the next run is scheduled: on a day, and so in partitions, of its own."""
        self.runs += 1
        return _FIRST_RUN + timedelta(days=self.runs)

    def send_heartbeat(
        self, scheduled: datetime, subjects: Sequence[heartbeat.Subject] = ()
    ) -> bool:
        """Send one heartbeat of a run; return whether the run has ended.

        A heartbeat that fails is noted: the schedule would send another, and so do callers.
        """
        target = heartbeat.schedule_target(self.cloud)
        event = heartbeat.event(target, scheduled, start=True, subjects=subjects)
        try:
            answer = heartbeat.fire(self.cloud, target, event)
        except RunFailedError as error:
            self.failed_heartbeats.append(error.message)
            return False
        return answer.finished and answer.run_id == keys.new_run_id(scheduled)

    def crawl(
        self, scheduled: datetime, subjects: Sequence[heartbeat.Subject] = (), *, limit: float = 60
    ) -> str:
        """Send heartbeats until a run has ended; return its id."""
        run_id = keys.new_run_id(scheduled)

        def ended() -> bool:
            if self.send_heartbeat(scheduled, subjects) or self.exists(keys.manifest_key(run_id)):
                return True
            self.expire_lease()
            return False

        self.wait(ended, f"manifest of {run_id}", limit)
        # One more lets an invocation that ended the run and was killed say so.
        if self.checkpoint().get("run"):
            self.expire_lease()
            self.send_heartbeat(scheduled, subjects)
        return run_id

    def replay_dead_letters(self) -> ReplayResult:
        """Move the dead letters of process back, as `./lake replay dlq` does, and wait."""
        return Replay(self.cloud, _step).dead_letters_of_process()

    def settle(self, run_id: str, *, limit: float = 120) -> None:
        """Wait until process has summed a run up and no message is left."""
        self.wait(
            lambda: self.exists(keys.processed_ledger_key(run_id)), f"ledger of {run_id}", limit
        )
        self.wait(lambda: self.messages() == 0, "empty queue", limit)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep process from its queue for the length of the block."""
        function = self.cloud.client("lambda")
        found = function.list_event_source_mappings()["EventSourceMappings"]
        name = self.function_name("process")
        mapping = next(one["UUID"] for one in found if name in one["FunctionArn"])
        function.update_event_source_mapping(UUID=mapping, Enabled=False)
        try:
            yield
        finally:
            function.update_event_source_mapping(UUID=mapping, Enabled=True)

    def purge(self) -> None:
        """Delete all messages of process, the dead ones too."""
        for url in (self.queue, self.cloud.parameter("process/dlq-url")):
            self.cloud.client("sqs").purge_queue(QueueUrl=url)

    def pages(self, run_id: str) -> list[str]:
        """Return the keys of a run's raw pages."""
        return self.keys(keys.raw_run_prefix(run_id))

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of the objects below a prefix."""
        return list(object_keys(self.cloud, self.bucket, prefix))

    def replay(self, pages: Sequence[str]) -> ReplayResult:
        """Send raw pages through process again, as `./lake replay raw` does, and wait."""
        return Replay(self.cloud, _step).pages(Selection(pages))

    def tables(self) -> set[str]:
        """Return the names of the catalogue's tables."""
        found = self.cloud.client("glue").get_tables(DatabaseName=self.database)["TableList"]
        return {table["Name"] for table in found}

    def messages(self) -> int:
        """Return the messages of process that wait or are worked on."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.cloud.client("sqs").get_queue_attributes(
            QueueUrl=self.queue, AttributeNames=names
        )["Attributes"]
        return sum(int(found[name]) for name in names)

    def checkpoint(self) -> dict[str, Any]:
        """Return ingest's checkpoint; empty before the first heartbeat."""
        if not self.exists(keys.CHECKPOINT_KEY):
            return {}
        found: dict[str, Any] = json.loads(self.read(keys.CHECKPOINT_KEY))
        return found

    def expire_lease(self) -> None:
        """End the lease that a killed crawler has left, in place of waiting until it would be."""
        state = self.checkpoint()
        if state.get("lease"):
            state["lease"]["expires_at"] = datetime.now(UTC).isoformat()
            self.put(keys.CHECKPOINT_KEY, json.dumps(state).encode())

    def need_builds(self, *, days: int) -> None:
        """Make two builds of the curated tables, of so many days, unless they are there."""
        if self.builds:
            return
        (unit,) = units.select(["glue_etl"])
        deployment.deploy_unit(self.cloud, self.project, unit, dict(LOCAL[unit.name]), self.say)
        builds = []
        for runs in (1, days - 1):
            made = [self.crawl(self.new_run(), SUBJECTS) for _ in range(runs)]
            for run_id in made:
                self.settle(run_id)
            self.built_runs += made
            options = EtlOptions(memory="1g")
            builds.append(run_etl(self.cloud, self.workspace, options, lambda _: None).build)
        self.builds = builds

    @property
    def workspace(self) -> Workspace:
        """Where the ETL works, and its jobs."""
        folder = self.local.folder / "etl"
        return Workspace(folder, deployed_jobs(self.cloud, self.project, folder / "package"))

    def run_job(self, module: str, what: Mapping[str, str]) -> None:
        """Run a program of the Glue job that needs no Spark, through the proxy.

        Raises
        ------
        EtlFailedError
            It failed, or was killed.
        """
        folders = {
            "processed": keys.PROCESSED_PREFIX,
            "compacted": keys.COMPACTED_PREFIX,
            "curated": keys.CURATED_PREFIX,
            "runs": keys.RUNS_PREFIX,
        }
        if module == "publish":
            del folders["processed"], folders["compacted"]
        workspace = self.workspace
        workspace.jobs.run(
            f"glue_etl.{module}",
            {
                **what,
                **{name: f"s3://{self.bucket}/{prefix}" for name, prefix in folders.items()},
                "database": self.database,
            },
            workspace.folder / f"{module}.log",
            environment={
                **aws_environment(self.cloud),
                "AWS_ENDPOINT_URL": self.proxy.url,
                # By this the proxy knows it.
                "AWS_SDK_UA_APP_ID": JOB_AGENT,
            },
        )

    def expire_build_lease(self) -> None:
        """End the lease that a killed job has left, in place of waiting two minutes for it."""
        if self.exists(keys.CURATED_LEASE_KEY):
            lease = json.loads(self.read(keys.CURATED_LEASE_KEY))
            lease["expires_at"] = datetime.now(UTC).isoformat()
            self.put(keys.CURATED_LEASE_KEY, json.dumps(lease).encode())

    @property
    def database(self) -> str:
        """Name of the catalogue's database."""
        return self.cloud.parameter("foundation/glue-database")

    def locations(self) -> dict[str, str]:
        """Return the places of the curated tables in the catalogue."""
        found = self.cloud.client("glue").get_tables(DatabaseName=self.database)["TableList"]
        tables = {table["Name"]: table.get("StorageDescriptor", {}) for table in found}
        return {name: str(tables.get(name, {}).get("Location")) for name in CURATED}

    def days_at(self, table: Table, prefix: str) -> set[str]:
        """Return the days of a table whose rows lie below a prefix, in the catalogue."""
        pages = self.cloud.client("glue").get_paginator("get_partitions")
        where = {"DatabaseName": self.database, "TableName": table.catalogue_name}
        return {
            found["Values"][0]
            for page in pages.paginate(**where)
            for found in page["Partitions"]
            if f"/{prefix}" in found["StorageDescriptor"]["Location"]
        }

    def end_workers(self, service: str) -> int:
        """Kill the containers of a function; return how many there were."""
        found = self.containers(service)
        for process in found:
            process.kill()
        psutil.wait_procs(found, timeout=5)
        return len(found)

    def function_name(self, service: str) -> str:
        """Return the name of a service's function."""
        return f"{self.cloud.app}-{self.cloud.env}-{service}"

    def containers(self, service: str) -> list[psutil.Process]:
        """Return the processes of a function."""
        name, found = self.function_name(service), []
        for process in self.local.processes():
            try:
                if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == name:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill_server(self) -> None:
        """Kill the local AWS and its functions, as a power cut would."""
        family = self.local.processes()
        for process in family:
            process.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)
        self.local.stop()
        self.builds = ()

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""
        return key in self.keys(key)

    def read(self, key: str) -> bytes:
        """Read an object."""
        body: bytes = self.cloud.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def put(self, key: str, body: bytes) -> None:
        """Write an object, past the proxy."""
        self.cloud.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def wait(self, condition: Callable[[], bool], what: str, limit: float) -> None:
        """Wait until a condition holds.

        Raises
        ------
        TimeoutError
            When it does not within so many seconds.
        """
        deadline = time.monotonic() + limit
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {what} within {limit:.0f} s")
            time.sleep(_POLL_SECONDS)


@contextmanager
def _step(_: str) -> Iterator[Say]:
    yield lambda _detail: None


@contextmanager
def opened(folder: Path, project: Project, ministack: Sequence[str], say: Say) -> Iterator[Lab]:
    """Yield a deployed lake; everything that was started ends with the block."""
    port = free_port()
    local = ProxiedAws(folder, ministack)
    with ExitStack() as stack:
        source = stack.enter_context(
            StandIn(StandInConfig(subject_works=_WORKS, bad_record_share=0.1))
        )
        proxy = stack.enter_context(FaultProxy(lambda: port))
        local.function_endpoint = proxy.url
        stack.callback(local.stop)
        lab = Lab(local, project, proxy, source, say, port)
        lab.deploy()
        yield lab
