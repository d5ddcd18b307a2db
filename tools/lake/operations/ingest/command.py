"""Start a run now and watch it to the curated tables, by the steps of the demo."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.version import Version

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.deploy.parameters import LOCAL
from lake.errors import CrawlBusyError, DeployError, NotDeployedError
from lake.etl import refresh, waiting
from lake.etl.workspace import workspace_of
from lake.local import sources, spark
from lake.locks import exclusive
from lake.project import Project
from lake.runs import crawl
from lake.runs.ledger import run_ids
from lake.runs.summary import RunSummary, summarise
from lake.settings import listed
from lake.terminal.progress import Progress
from schemas.source.subjects import ConfiguredSubject

INGEST = "ingest"
# The first version of ingest that crawls what a heartbeat names.
TAKES_SUBJECTS = Version("0.3.0")
CONFIGURED_THERE = "the source that is configured there"


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes
    ----------
    subjects
        What to crawl; empty for what is configured where the lake is.
    live, contact
        On this machine, whether the real OpenLibrary is crawled, and whom it may write to.
    etl
        Whether the run is watched to the curated tables.
    """

    subjects: Sequence[ConfiguredSubject] = ()
    live: bool = False
    contact: str = ""
    etl: bool = True


@dataclass(frozen=True)
class IngestResult:
    """A run that was started; the keys are those of `./lake ingest --json`.

    Attributes
    ----------
    source
        URL of the source, or that it is the one of the environment.
    curated
        Rows by curated table; empty where none were built.
    remark
        Why it was not watched to the curated tables, if it was not.
    stages
        Seconds by step.
    """

    run: RunSummary
    source: str
    curated: Mapping[str, int] = field(default_factory=dict)
    remark: str = ""
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_synthetic(self) -> bool:
        """Whether the works are made up."""
        return "127.0.0.1" in self.source

    @property
    def ok(self) -> bool:
        """Whether at least one subject came through."""
        return self.run.status != "failed"


def ingest(cloud: Cloud, project: Project, request: Request, progress: Progress) -> IngestResult:
    """Crawl now, and wait until process has finished and the curated tables have the run.

    Raises
    ------
    NotDeployedError
        Ingest or process is not deployed.
    CrawlBusyError
        Another crawl of this clone is going on.
    RunFailedError
        The run did not end, or is not whole.
    EtlError
        The curated tables could not be built.
    """
    bucket = cloud.parameter("foundation/data-bucket")
    cloud.parameter("process/queue-url")
    _require_version(cloud, request)
    dead = crawl.dead_letters(cloud, "process")
    remark = _without_tables(cloud, request)
    if cloud.is_local and not remark:
        with progress.step("Set up Spark"):
            spark.prepare(project)
    with (
        _source(cloud, project, bucket, request, progress) as url,
        progress.pages("Crawl") as on_pages,
    ):
        manifest = crawl.run_now(cloud, bucket, on_pages, listed(request.subjects))
    with progress.pages("Process") as on_pages:
        ledger = crawl.wait_until_processed(cloud, bucket, manifest, on_pages, dead=dead)
    run = summarise(cloud, manifest, ledger)
    tables: Mapping[str, int] = {}
    if not remark and run.rows_processed:
        tables = _curate(cloud, project, bucket, run.run_id, progress)
    return IngestResult(run, url, tables, remark, progress.seconds)


def _require_version(cloud: Cloud, request: Request) -> None:
    version = cloud.parameter(f"{INGEST}/service-version")
    if request.subjects and Version(version) < TAKES_SUBJECTS:
        raise DeployError(
            f"ingest {version} is deployed, which crawls only what is configured.",
            f"Deploy the newer one: {cloud.command('deploy ingest')}",
        )


def _without_tables(cloud: Cloud, request: Request) -> str:
    """Return why the run is not followed to the curated tables; empty if it is."""
    command = cloud.command("etl")
    if not request.etl:
        return f"'{command}' takes the run into the curated tables."
    try:
        cloud.parameter("glue_etl/etl-job-name")
    except NotDeployedError:
        deploy = cloud.command("deploy glue_etl")
        return f"glue_etl is not deployed: after '{deploy}', '{command}' builds the tables."
    return ""


@contextlib.contextmanager
def _source(
    cloud: Cloud, project: Project, bucket: str, request: Request, progress: Progress
) -> Iterator[str]:
    """Yield the source's URL; on this machine ingest is sent to it first."""
    if not cloud.is_local:
        yield CONFIGURED_THERE
        return
    taken = CrawlBusyError(
        "Another crawl of this clone's lake is going on.", "Wait until it has ended."
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(exclusive(project.state / "demo.lock", taken))
        found = stack.enter_context(
            sources.opened(
                cloud,
                project,
                live=request.live,
                contact=request.contact,
                revision=len(run_ids(cloud, bucket)),
                subjects=[one.subject for one in request.subjects],
            )
        )
        with progress.step("Point ingest at its source") as say:
            (unit,) = units.select([INGEST])
            parameters = {**LOCAL[INGEST], **found.parameters}
            plan = deployment.plan_unit(cloud, project, unit, parameters, keeps_package=True)
            deployment.apply(cloud, project, plan, say)
        yield found.url


def _curate(
    cloud: Cloud, project: Project, bucket: str, run_id: str, progress: Progress
) -> Mapping[str, int]:
    if cloud.is_local:
        with progress.step("Build the curated tables by Spark") as say:
            workspace = workspace_of(cloud, project)
            return refresh.run_etl(cloud, workspace, refresh.EtlOptions(), say).tables
    with progress.step("Wait for the curated tables") as say:
        return waiting.wait_until_curated(cloud, bucket, run_id, say)
